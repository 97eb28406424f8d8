//! What the chain says, at its newest block, to the questions that decide about a request.
//!
//! Every request looks at a head that was asked for after the request came: a revocation holds from its block on. Requests
//! that wait at the same time share one look, and answers about one block are remembered while it is the newest,
//! by its hash. An error is never remembered as an answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use alloy_primitives::{Address, B256};
use medrec_chain::{ChainError, Client, Contracts, Status, View};
use medrec_protocol::RefusalCode;
use parking_lot::Mutex;

use crate::answer::Refused;

/// Answers about one block beyond which they are forgotten: about 100 bytes each.
const MOST_ANSWERS: usize = 1 << 18;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Question {
    AccountOf(Address),
    KeyOf(Address),
    Relationship(Address, Address),
    InForce(Address, B256),
    Member(Address, Address),
    MayAct(Address, Address, u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    Address(Option<Address>),
    Status(Status),
    Flag(bool),
}

/// Answers about one block.
#[derive(Debug, Default)]
struct Known {
    block: Mutex<HashMap<Question, Fact>>,
}

/// Looks at the chain.
pub(crate) struct Lookout {
    client: Client,
    contracts: Contracts,
    last: tokio::sync::Mutex<Option<Last>>,
}

struct Last {
    began: Instant,
    seen: Result<(View, Arc<Known>), String>,
}

impl Lookout {
    /// A lookout that has not looked yet.
    pub(crate) fn new(client: Client, contracts: Contracts) -> Self {
        Self { client, contracts, last: tokio::sync::Mutex::new(None) }
    }

    /// The chain as it is now: at a head that was asked for after this was called.
    pub(crate) async fn look(&self) -> Result<Facts, Refused> {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        let is_fresh = last.as_ref().is_some_and(|last| last.began >= asked);
        if !is_fresh {
            let began = Instant::now();
            let before = last.take().and_then(|last| last.seen.ok());
            let seen = match self.client.view().await {
                Ok(view) => {
                    let hash = view.head().block.hash;
                    let known =
                        before.filter(|(old, _)| old.head().block.hash == hash && old.url() == view.url());
                    Ok((view, known.map(|(_, known)| known).unwrap_or_default()))
                }
                Err(error) => Err(error.to_string()),
            };
            *last = Some(Last { began, seen });
        }
        match last.as_ref().map(|last| &last.seen) {
            Some(Ok((view, known))) => {
                Ok(Facts { view: view.clone(), known: Arc::clone(known), contracts: self.contracts })
            }
            Some(Err(why)) => Err(Refused { code: RefusalCode::ChainUnavailable, why: Some(why.clone()) }),
            None => Err(RefusalCode::ChainUnavailable.into()),
        }
    }
}

/// The chain at one block.
#[derive(Clone)]
pub(crate) struct Facts {
    view: View,
    known: Arc<Known>,
    contracts: Contracts,
}

impl Facts {
    /// The block and the node, for questions that nobody asks twice.
    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// The account that a key speaks for.
    pub(crate) async fn account_of(&self, key: Address) -> Result<Option<Address>, ChainError> {
        let ask = async { Ok(Fact::Address(self.contracts.at(&self.view).account_of(key).await?)) };
        match self.known(Question::AccountOf(key), ask).await? {
            Fact::Address(account) => Ok(account),
            Fact::Status(_) | Fact::Flag(_) => Ok(None),
        }
    }

    /// The key that speaks for an account.
    pub(crate) async fn key_of(&self, account: Address) -> Result<Option<Address>, ChainError> {
        let ask = async { Ok(Fact::Address(self.contracts.at(&self.view).key_of(account).await?)) };
        match self.known(Question::KeyOf(account), ask).await? {
            Fact::Address(key) => Ok(key),
            Fact::Status(_) | Fact::Flag(_) => Ok(None),
        }
    }

    /// Whether patient and provider both agreed, and neither ended it.
    pub(crate) async fn stands(&self, patient: Address, provider: Address) -> Result<bool, ChainError> {
        let ask =
            async { Ok(Fact::Status(self.contracts.at(&self.view).status_of(patient, provider).await?)) };
        match self.known(Question::Relationship(patient, provider), ask).await? {
            Fact::Status(status) => Ok(status.stands()),
            Fact::Address(_) | Fact::Flag(_) => Ok(false),
        }
    }

    /// Whether a group has a member.
    pub(crate) async fn is_member(&self, group: Address, member: Address) -> Result<bool, ChainError> {
        let ask = async { Ok(Fact::Flag(self.contracts.at(&self.view).is_member(group, member).await?)) };
        Ok(self.known(Question::Member(group, member), ask).await? == Fact::Flag(true))
    }

    /// Whether a guardian may do one kind of act for a patient's key.
    pub(crate) async fn may_act(
        &self,
        key: Address,
        guardian: Address,
        power: u8,
    ) -> Result<bool, ChainError> {
        let ask =
            async { Ok(Fact::Flag(self.contracts.at(&self.view).may_act(key, guardian, power).await?)) };
        Ok(self.known(Question::MayAct(key, guardian, power), ask).await? == Fact::Flag(true))
    }

    /// Which grants of a patient's account are in force, in the order of `terms`; what is not known yet is asked in one exchange.
    pub(crate) async fn are_in_force(
        &self,
        account: Address,
        terms: &[B256],
    ) -> Result<Vec<bool>, ChainError> {
        let found: Vec<_> = {
            let block = self.known.block.lock();
            terms.iter().map(|terms| block.get(&Question::InForce(account, *terms)).copied()).collect()
        };
        let missing = terms.iter().zip(&found).filter(|(_, fact)| fact.is_none()).map(|(terms, _)| *terms);
        let missing: Vec<B256> = missing.collect();
        let mut answers = Vec::new();
        if !missing.is_empty() {
            answers = self.contracts.at(&self.view).are_in_force(account, &missing).await?;
            for (terms, answer) in missing.iter().zip(&answers) {
                self.remember(Question::InForce(account, *terms), Fact::Flag(*answer));
            }
        }
        let mut answers = answers.into_iter();
        let mut settle = |fact: Option<Fact>| match fact {
            Some(fact) => fact == Fact::Flag(true),
            None => answers.next().unwrap_or(false),
        };
        Ok(found.into_iter().map(&mut settle).collect())
    }

    async fn known(
        &self,
        question: Question,
        ask: impl Future<Output = Result<Fact, ChainError>>,
    ) -> Result<Fact, ChainError> {
        let found = self.known.block.lock().get(&question).copied();
        if let Some(fact) = found {
            return Ok(fact);
        }
        let fact = ask.await?;
        self.remember(question, fact);
        Ok(fact)
    }

    fn remember(&self, question: Question, fact: Fact) {
        let mut block = self.known.block.lock();
        if block.len() >= MOST_ANSWERS {
            block.clear();
        }
        block.insert(question, fact);
    }
}
