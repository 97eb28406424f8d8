//! A provider's gatekeeper over synthetic records, and the people who come to it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::{B256, hex, keccak256};
use alloy_signer_local::PrivateKeySigner;
use medrec_chain::acts::{consents, registrar, relationships};
use medrec_chain::{Contracts, Network, Role, SignedAct};
use medrec_contracts::hashes::terms;
use medrec_datasets::synth::{SynthFormat, SynthOptions, run, source_id};
use medrec_datasets::{Format, Location};
use medrec_domain::consent::{CONSENT_VERSION, Grantee};
use medrec_domain::identifier::{Address, ChainId};
use medrec_domain::schema::Table;
use medrec_domain::{ConditionScope, ConsentDocument, Digest, FieldScope, Purpose, Scope};
use medrec_e2e::{CHAIN, Ground, Setting, candidate, client_options, funded, now_s, person, sender_options};
use medrec_gatekeeper::rewards::RewardsOptions;
use medrec_gatekeeper::{Gatekeeper, GatekeeperError, Options};
use medrec_protocol::Hexadecimal;
use medrec_protocol::bridge::{commitment_prefix, from_chain, to_chain};
use medrec_protocol::methods::acts::{self, RelayBody, StateAnswer, StateBody};
use medrec_protocol::methods::consents::{self as papers, PutBody};
use medrec_protocol::methods::provider::{Invite, InviteBody, Link, LinkBody};
use medrec_protocol::methods::records::{Read, ReadAnswer, ReadBody};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::desk::{Desk, fresh_nonce};

/// Persons in the records.
const PERSONS: u64 = 30;

/// The population that the clinic's records are about.
pub(crate) const fn population(format: SynthFormat) -> SynthOptions {
    SynthOptions::new(23, PERSONS, 2, format)
}

/// A gatekeeper that runs until it is stopped.
pub(crate) struct Clinic {
    pub(crate) ground: Ground,
    pub(crate) desk: Desk,
    /// The provider's own key.
    pub(crate) staff: PrivateKeySigner,
    /// Where the gatekeeper keeps its state.
    pub(crate) state: PathBuf,
    /// Where the records are.
    pub(crate) records: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<Result<(), GatekeeperError>>>,
}

/// A patient with a key for this provider.
#[derive(Debug, Clone)]
pub(crate) struct Patient {
    pub(crate) key: PrivateKeySigner,
    pub(crate) account: Address,
    pub(crate) source_id: String,
}

/// A document with what the chain knows of it.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) document: ConsentDocument,
    pub(crate) salt: Hexadecimal<32>,
    pub(crate) commitment: Digest,
    pub(crate) terms: B256,
}

impl Clinic {
    /// A chain, records, and a gatekeeper that answers.
    pub(crate) async fn open() -> Self {
        // Accounts 0 and 1 are the founding providers. A test makes hundreds of blocks in seconds of real time, each a second after the
        // one before.
        let founders = [(0, "hospital"), (1, "clinic")];
        let founders = founders.map(|(index, name)| candidate(funded(index).address(), 4, name)).to_vec();
        let ground = Ground::start(Setting { age_s: 7_200, block_s: 1, carrier: 5, founders }).await;
        let records = ground.folder.path().join("records");
        run(&population(SynthFormat::SyntheaCsv), &records, &()).unwrap();
        Self::open_over(ground, records).await
    }

    async fn open_over(ground: Ground, records: PathBuf) -> Self {
        let staff = funded(0);
        let provider = from_chain(staff.address());
        let state = ground.folder.path().join("state");
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let desk = Desk { address, provider };
        let mut clinic = Self { ground, desk, staff, state, records, stop: None, served: None };
        clinic.start().await;
        clinic
    }

    /// What the gatekeeper is told.
    pub(crate) fn options(&self) -> Options {
        let Ground { url, contracts, .. } = &self.ground;
        options(url, *contracts, &self.state, &self.staff, &self.records)
    }

    /// Starts the gatekeeper on its folder.
    pub(crate) async fn start(&mut self) {
        let options = self.options();
        self.start_with(options).await;
    }

    /// Starts the gatekeeper with these options.
    pub(crate) async fn start_with(&mut self, options: Options) {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        self.desk.address = listener.local_addr().unwrap();
        let gatekeeper = tokio::task::spawn_blocking(|| Gatekeeper::open(options)).await.unwrap().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        self.served = Some(tokio::spawn(gatekeeper.serve(listener, async {
            let _ = stopped.await;
        })));
        self.stop = Some(stop);
        self.desk.next_second().await;
    }

    /// Stops the gatekeeper as an operator would.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        self.served.take().unwrap().await.unwrap().unwrap();
    }

    /// A patient who was invited and linked, and whose relationship stands.
    pub(crate) async fn patient(&self, index: u64) -> Patient {
        let patient = newcomer(index);
        self.desk.ask::<Invite>(&self.staff, InviteBody { account: patient.account }).await;
        let body = LinkBody { account: patient.account, source_id: patient.source_id.clone() };
        self.desk.ask::<Link>(&self.staff, body).await;
        let provider = to_chain(self.desk.provider);
        let act = relationships::Onboard { provider, identity_commitment: keccak256(&patient.source_id) };
        self.carry(&act, &patient.key).await;
        patient
    }

    /// Enters somebody in the Registrar, so that the key speaks for an account.
    pub(crate) async fn enter(&self, name: &str) -> PrivateKeySigner {
        let key = person(name);
        let act = registrar::Register { role: Role::Guardian, identity_commitment: keccak256(name) };
        self.ground.relay(&act, &key).await;
        key
    }

    /// Has the gatekeeper carry what somebody signed, until it is in a block.
    pub(crate) async fn carry<A: SignedAct>(&self, act: &A, signer: &PrivateKeySigner) -> u64 {
        let call = self.ground.signed(act, signer).await;
        let body =
            RelayBody { contract: A::CONTRACT.name().to_owned(), calldata: hex::encode_prefixed(&call.data) };
        let key = self.desk.ask::<acts::Relay>(signer, body).await.key;
        self.included(&self.desk, signer, key).await
    }

    /// Makes blocks until an act that a gatekeeper carries is in one; that block's number.
    pub(crate) async fn included(&self, desk: &Desk, signer: &PrivateKeySigner, key: Digest) -> u64 {
        for _ in 0..300 {
            match desk.ask::<acts::State>(signer, StateBody { key }).await {
                StateAnswer::Included { block } | StateAnswer::Confirmed { block } => return block,
                StateAnswer::Waiting => {
                    self.ground.mine();
                    tokio::time::sleep(Duration::from_millis(60)).await;
                }
                other => panic!("{key}: {other:?}"),
            }
        }
        panic!("{key}: in none of 300 blocks")
    }

    /// Leaves a document and has its grant carried.
    pub(crate) async fn grant(&self, patient: &Patient, wish: Wish) -> Given {
        let given = self.document(patient, wish);
        let body = PutBody { document: given.document.clone(), salt: given.salt };
        let answer = self.desk.ask::<papers::Put>(&patient.key, body).await;
        assert_eq!(answer.commitment, given.commitment);
        let grant = consents::Grant { patient: patient.key.address(), terms: given.terms };
        self.carry(&grant, &patient.key).await;
        given
    }

    /// A document of a patient, not left anywhere.
    pub(crate) fn document(&self, patient: &Patient, wish: Wish) -> Given {
        let document = ConsentDocument {
            version: CONSENT_VERSION,
            chain_id: ChainId(CHAIN),
            provider: self.desk.provider,
            patient: patient.account,
            signer: from_chain(patient.key.address()),
            grantee: wish.grantee,
            scope: Scope { purpose: wish.purpose, fields: wish.fields, conditions: wish.conditions },
            start_s: wish.start_s,
            expiry_s: wish.expiry_s,
            yearly_cap: None,
        };
        sealed(document)
    }

    /// Reads a table, all allowed columns.
    pub(crate) async fn read(
        &self,
        reader: &PrivateKeySigner,
        patient: &Patient,
        purpose: Purpose,
        table: Table,
    ) -> ReadAnswer {
        self.desk.ask::<Read>(reader, reading(patient, purpose, table)).await
    }
}

/// What a gatekeeper on the chain of this node is told.
pub(crate) fn options(
    url: &str,
    contracts: Contracts,
    state: &Path,
    staff: &PrivateKeySigner,
    records: &Path,
) -> Options {
    let network = Network { genesis_hash: B256::ZERO, contracts };
    let location = Location::Folder { path: records.to_owned(), format: Format::SyntheaCsv };
    let as_of = "2024-12-31".parse().unwrap();
    let rewards = RewardsOptions::new("4".parse().unwrap(), "1/2".parse().unwrap());
    let provider = (staff.address(), staff.clone());
    let mut options =
        Options::new(state.to_owned(), &network, [url], provider, location, as_of, rewards).unwrap();
    options.client = client_options(url);
    options.sender = sender_options();
    options.poll_interval = Duration::from_millis(30);
    options
}

/// Somebody in the records, with a key made for this provider.
pub(crate) fn newcomer(index: u64) -> Patient {
    let key = person(&format!("patient {index}"));
    let source_id = source_id(&population(SynthFormat::SyntheaCsv), index).unwrap();
    Patient { account: from_chain(key.address()), key, source_id }
}

/// A document with a salt of its own and the terms of its grant.
pub(crate) fn sealed(document: ConsentDocument) -> Given {
    let salt = fresh_nonce();
    let commitment = document.commitment(&salt.0).unwrap();
    let second = |time_s: u64| u32::try_from(time_s).unwrap();
    let terms = terms(commitment_prefix(&commitment), second(document.start_s), second(document.expiry_s));
    Given { document, salt, commitment, terms }
}

/// A question for a whole table.
pub(crate) fn reading(patient: &Patient, purpose: Purpose, table: Table) -> ReadBody {
    ReadBody {
        patient: patient.account,
        purpose,
        table,
        columns: None,
        from: None,
        until: None,
        after: 0,
        limit: 10_000,
    }
}

/// What a patient wants.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) grantee: Grantee,
    pub(crate) purpose: Purpose,
    pub(crate) fields: FieldScope,
    pub(crate) conditions: ConditionScope,
    pub(crate) start_s: u64,
    pub(crate) expiry_s: u64,
}

impl Wish {
    /// Lets a person see everything for treatment, for a year.
    pub(crate) fn all_to(person: &PrivateKeySigner) -> Self {
        Self {
            grantee: Grantee::Person { address: from_chain(person.address()) },
            purpose: Purpose::Treatment,
            fields: FieldScope::All,
            conditions: ConditionScope::All,
            start_s: 0,
            expiry_s: now_s() + 31_536_000,
        }
    }

    /// The same for another purpose.
    pub(crate) fn for_purpose(self, purpose: Purpose) -> Self {
        Self { purpose, ..self }
    }

    /// The same for these fields alone.
    pub(crate) fn with_fields(self, fields: &[&str]) -> Self {
        let fields: BTreeSet<_> = fields.iter().map(|field| field.parse().unwrap()).collect();
        Self { fields: FieldScope::Only(fields), ..self }
    }

    /// The same for rows of these value sets alone.
    pub(crate) fn with_conditions(self, sets: &[&str]) -> Self {
        let sets = sets.iter().map(|&set| set.to_owned()).collect();
        Self { conditions: ConditionScope::Only(sets), ..self }
    }

    /// The same for all rows but those of these value sets.
    pub(crate) fn except(self, sets: &[&str]) -> Self {
        let sets = sets.iter().map(|&set| set.to_owned()).collect();
        Self { conditions: ConditionScope::Except(sets), ..self }
    }
}
