//! A provider with synthetic records, patients who signed, and its rewards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use alloy_primitives::{Address, B256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use medrec_anonymizer::bounding::BoundingKey;
use medrec_anonymizer::bundle::Signer;
use medrec_chain::acts::{consents, relationships};
use medrec_chain::{Request, Sender};
use medrec_contracts::{Relationships, Releases};
use medrec_datasets::synth::{SynthFormat, SynthOptions, run};
use medrec_datasets::{Folder, Format, PseudonymKey, ReadOptions, convert};
use medrec_domain::consent::{CONSENT_VERSION, Grantee};
use medrec_domain::identifier::{ChainId, EpochNumber, PersonId};
use medrec_domain::workload::cells::Window;
use medrec_domain::{ConditionScope, ConsentDocument, Digest, FieldScope, Purpose, Rho, Scope, Workload};
use medrec_gatekeeper::rewards::{
    BundleKey, ConsentBook, LinkedPatient, RecordStore, Rewards, RewardsError, RewardsOptions, RewardsParts,
    SourceError,
};
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::{from_chain, from_word, research_purpose, to_word};
use medrec_protocol::methods::provider::Posting;

use crate::yard::{Yard, funded, now_s, person};

/// Nano-rho that a provider declares on chain: rho 4.
pub(crate) const CAP_NANO_RHO: u64 = 4_000_000_000;
/// The epoch that most tests release.
pub(crate) const EPOCH: EpochNumber = EpochNumber(7);

/// The synthetic records end with 2024.
pub(crate) fn window() -> Window {
    Window { from: "2020-01-01".parse().unwrap(), until: "2025-01-01".parse().unwrap() }
}

/// The gatekeeper's book, kept in memory: what it holds is what the test put there.
#[derive(Default)]
pub(crate) struct Book(pub(crate) Mutex<Vec<LinkedPatient>>);

impl ConsentBook for Book {
    fn linked(&self) -> Result<Vec<LinkedPatient>, SourceError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

/// A canonical folder.
pub(crate) struct Shelf(pub(crate) PathBuf);

impl RecordStore for Shelf {
    fn folder(&self) -> Result<Folder, SourceError> {
        if !self.0.is_dir() {
            return Err(format!("{} is not there", self.0.display()).into());
        }
        Ok(Folder::open(&self.0)?)
    }
}

/// A provider's data and people.
pub(crate) struct Hospital {
    pub(crate) book: Arc<Book>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) pseudonyms: PseudonymKey,
    /// Ids of all persons in the records; the first ones are linked and have signed.
    pub(crate) source_ids: Vec<String>,
    pub(crate) patients: Vec<PrivateKeySigner>,
    pub(crate) options: RewardsOptions,
    folder: PathBuf,
}

impl Hospital {
    /// Makes records of `persons`, of whom the first `signed` give their consent with this yearly cap.
    pub(crate) async fn open(yard: &Yard, persons: u64, signed: usize, cap: &str) -> Self {
        Self::open_with(yard, persons, signed, |_| cap).await
    }

    /// As [`Self::open`], each patient with a cap of her own.
    pub(crate) async fn open_with<'c>(
        yard: &Yard,
        persons: u64,
        signed: usize,
        cap: impl Fn(usize) -> &'c str,
    ) -> Self {
        let folder = yard.folder.path();
        let pseudonyms = PseudonymKey::new([7; 16]);
        let (shelf, source_ids) = records(folder, &pseudonyms, persons);
        let mut options = RewardsOptions::new("4".parse().unwrap(), "1/2".parse().unwrap());
        options.bounty_until = Some(window().until);
        let hospital = Self {
            book: Arc::default(),
            shelf: Arc::new(shelf),
            pseudonyms,
            source_ids,
            patients: (0..signed).map(|index| person(&format!("patient {index}"))).collect(),
            options,
            folder: folder.join("rewards"),
        };
        hospital.enrol(yard, &cap).await;
        yard.execute(yard.contracts.act(&Releases::declareCapCall { capNanoRho: CAP_NANO_RHO })).await;
        // What was given just now is in force at the block that a snapshot looks at.
        yard.mine_many(person("somebody").address(), 12);
        hospital
    }

    /// Onboards every patient and has her release put on chain, several transactions at a time.
    async fn enrol<'c>(&self, yard: &Yard, cap: &impl Fn(usize) -> &'c str) {
        let (contracts, provider) = (&yard.contracts, yard.sender.account());
        let deadline_s = now_s() + 3_600;
        let mut acts = Vec::new();
        for (index, patient) in self.patients.iter().enumerate() {
            let onboard = relationships::Onboard { provider, identity_commitment: keccak256("identity") };
            let signed = contracts.authorise(&onboard, patient, alloy_primitives::U256::ZERO, deadline_s);
            acts.push(contracts.relay(&onboard, &signed.await.unwrap()));
            let (document, salt) = document(provider, patient, cap(index), index);
            let release = release(patient.address(), &document, &salt);
            let signed = contracts.authorise(&release, patient, alloy_primitives::U256::ZERO, deadline_s);
            acts.push(contracts.relay(&release, &signed.await.unwrap()));
            self.book.0.lock().unwrap().push(LinkedPatient {
                account: patient.address(),
                source_id: self.source_ids[index].clone(),
                documents: vec![(document, salt)],
            });
        }
        for acts in acts.chunks(40) {
            let request = |act: &medrec_chain::Act| Request::from(act.clone()).with_gas_limit(300_000);
            let nonces = yard.sender.send_all(|_| acts.iter().map(request).collect()).await.unwrap();
            yard.settle(&nonces).await;
        }
    }

    /// Its rewards, as a process that starts finds them.
    pub(crate) fn rewards(&self, yard: &Yard) -> Arc<Rewards> {
        self.rewards_over(yard, &yard.sender)
    }

    /// Its rewards over another outbox.
    pub(crate) fn rewards_over(&self, yard: &Yard, sender: &Arc<Sender>) -> Arc<Rewards> {
        self.rewards_with(yard, sender, &[funded(0)])
    }

    /// Its rewards over an outbox, with these keys for bundles.
    pub(crate) fn rewards_with(
        &self,
        yard: &Yard,
        sender: &Arc<Sender>,
        keys: &[PrivateKeySigner],
    ) -> Arc<Rewards> {
        let account = from_chain(yard.sender.account());
        let key = |key: &PrivateKeySigner| -> Arc<dyn Signer + Send + Sync> {
            Arc::new(BundleKey { account, key: key.clone() })
        };
        let parts = RewardsParts {
            folder: self.folder.clone(),
            options: self.options.clone(),
            account: yard.sender.account(),
            contracts: yard.contracts,
            sender: Arc::clone(sender),
            keys: keys.iter().map(key).collect(),
            book: Arc::clone(&self.book) as Arc<dyn ConsentBook>,
            records: Arc::clone(&self.shelf) as Arc<dyn RecordStore>,
            pseudonyms: PseudonymKey::new([7; 16]),
            bounding: BoundingKey([8; 16]),
            value_sets: Workload::census().unwrap().value_sets,
        };
        Arc::new(Rewards::open(parts).unwrap())
    }

    /// Where rewards keep their files from now on.
    pub(crate) fn move_to(&mut self, folder: PathBuf) {
        self.folder = folder;
    }

    /// Points to records that are not there.
    pub(crate) fn take_records_away(&mut self) {
        self.shelf = Arc::new(Shelf(self.shelf.0.join("gone")));
    }

    /// The ledger's id of a linked patient.
    pub(crate) fn person(&self, index: usize) -> PersonId {
        self.pseudonyms.person(&self.source_ids[index])
    }

    /// Posts an update with a bounty; the miner of the block that carries it owns it.
    pub(crate) async fn post(
        &self,
        yard: &Yard,
        query: Digest,
        cost_nano_rho: u64,
        name: &str,
        miner: Address,
    ) -> Posting {
        let posting = Self::announce(yard, query, cost_nano_rho, name).await;
        yard.mine(miner);
        yard.settle(&yard.sender.outstanding().iter().map(|entry| entry.nonce).collect::<Vec<_>>()).await;
        posting
    }

    /// Sends an update with a bounty to the pool.
    pub(crate) async fn announce(yard: &Yard, query: Digest, cost_nano_rho: u64, name: &str) -> Posting {
        let update = Relationships::updateBatchCall {
            recordsRoot: keccak256(name),
            queryHash: to_word(query),
            costNanoRho: cost_nano_rho,
        };
        yard.sender.send(yard.contracts.act(&update)).await.unwrap();
        Posting {
            provider: from_chain(yard.sender.account()),
            patient: from_chain(Address::ZERO),
            records_root: from_word(keccak256(name)),
            query_hash: query,
            cost_nano_rho,
        }
    }
}

/// The code of a refusal.
pub(crate) fn code<T>(outcome: Result<T, RewardsError>) -> RefusalCode {
    match outcome {
        Ok(_) => panic!("it was not refused"),
        Err(error @ (RewardsError::Refused(_) | RewardsError::Chain(_) | RewardsError::Anonymizer(_))) => {
            error.code()
        }
        Err(other) => panic!("{other}"),
    }
}

/// A research document that shares everything.
pub(crate) fn document(
    provider: Address,
    patient: &PrivateKeySigner,
    cap: &str,
    index: usize,
) -> (ConsentDocument, [u8; 32]) {
    let document = ConsentDocument {
        version: CONSENT_VERSION,
        chain_id: ChainId(medrec_node::spec::DEV_CHAIN_ID),
        provider: from_chain(provider),
        patient: from_chain(patient.address()),
        signer: from_chain(patient.address()),
        grantee: Grantee::Purpose,
        scope: Scope {
            purpose: Purpose::ResearchAggregate,
            fields: FieldScope::All,
            conditions: ConditionScope::All,
        },
        start_s: 0,
        expiry_s: now_s() + 31_536_000,
        yearly_cap: Some(cap.parse().unwrap()),
    };
    (document, keccak256(format!("salt {index}")).0)
}

/// The act that puts a document's commitment on chain.
pub(crate) fn release(
    patient: Address,
    document: &ConsentDocument,
    salt: &[u8; 32],
) -> consents::ReleaseToResearch {
    let cap: &Rho = document.yearly_cap.as_ref().unwrap();
    consents::ReleaseToResearch {
        patient,
        purpose: research_purpose(),
        scope_commitment: B256::new(document.commitment(salt).unwrap().0),
        start_s: 0,
        expiry_s: u32::try_from(document.expiry_s).unwrap(),
        yearly_cap_nano_rho: cap.scaled(1_000_000_000, 1).unwrap().to_decimal_text(0).parse().unwrap(),
    }
}

/// Synthetic records as canonical tables, and the source's ids of their persons.
fn records(folder: &Path, key: &PseudonymKey, persons: u64) -> (Shelf, Vec<String>) {
    let (source, tables) = (folder.join("source"), folder.join("tables"));
    run(&SynthOptions::new(11, persons, 3, SynthFormat::SyntheaCsv), &source, &()).unwrap();
    let options = ReadOptions::new(PseudonymKey::new([7; 16]), "2024-12-31".parse().unwrap());
    convert(&source, &Format::SyntheaCsv, &options, &tables, &()).unwrap();
    let text = std::fs::read_to_string(source.join("patients.csv")).unwrap();
    let ids: Vec<String> =
        text.lines().skip(1).filter_map(|line| line.split(',').next().map(str::to_owned)).collect();
    let known: BTreeMap<PersonId, &String> = ids.iter().map(|id| (key.person(id), id)).collect();
    assert_eq!(known.len(), ids.len());
    (Shelf(tables), ids)
}
