//! A town: our node sealing on this machine, a hospital with a gatekeeper over synthetic records, people with keystores.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address as ChainAddress, B256};
use alloy_signer_local::PrivateKeySigner;
use medrec_chain::{Network, Sender, SenderOptions};
use medrec_datasets::synth::{SynthFormat, SynthOptions, run, source_id};
use medrec_datasets::{Format, Location};
use medrec_domain::identifier::Address;
use medrec_e2e::{RunningNode, funded, sender_options};
use medrec_gatekeeper::rewards::RewardsOptions;
use medrec_gatekeeper::{Gatekeeper, GatekeeperError, Options};
use medrec_protocol::Method;
use medrec_protocol::bridge::{from_chain, to_chain};
use medrec_protocol::methods::provider::{Invite, InviteBody, Link, LinkBody};
use medrec_wallet::desk::Settle;
use medrec_wallet::provider::{self, Candidate, InstitutionRole};
use medrec_wallet::{
    Account, Desk, GatekeeperClient, GatekeeperOptions, Keystore, Password, Place, Stretch, Words,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);
/// Cheap, since tests open many.
const STRETCH: Stretch = Stretch { log_n: 10, r: 8, p: 1 };

/// The town.
pub(crate) struct Town {
    pub(crate) place: Place,
    pub(crate) hospital: Account,
    /// The hospital's own gatekeeper, as its staff asks it.
    pub(crate) staff: GatekeeperClient,
    pub(crate) folder: TempDir,
    node: RunningNode,
    stop: oneshot::Sender<()>,
    pub(crate) served: JoinHandle<Result<(), GatekeeperError>>,
}

const POPULATION: SynthOptions = SynthOptions::new(23, 30, 2, SynthFormat::SyntheaCsv);

impl Town {
    /// Starts node and gatekeeper; blocks pay `miner`.
    pub(crate) async fn start(miner: ChainAddress) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = RunningNode::sealing(folder.path().join("chain"), miner, None).await;
        let url = node.url.clone();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let key = funded(0);
        let founder = Candidate {
            account: key.address(),
            role: InstitutionRole::Provider,
            identity_commitment: B256::ZERO,
            name: "hospital".to_owned(),
            endpoint,
            encryption_key: B256::ZERO,
        };
        let client = node.client().await;
        let outbox = folder.path().join("hospital.redb");
        let sender = Sender::open(
            client,
            Arc::new(key.clone()),
            &outbox,
            SenderOptions { confirmations: 1, ..sender_options() },
        );
        let file = folder.path().join("network.json");
        let sender = sender.unwrap();
        provider::deploy(&sender, &[founder], &file).await.unwrap();
        drop(sender);
        let network = Network::read(&file).unwrap();
        let place = Place::new(&network, [&*url]).unwrap();
        place.verify().await.unwrap();
        let hospital = Account::open(place.clone(), key.clone(), &outbox, 1).unwrap();
        provider::declare_cap(&hospital, 4_000_000_000).await.unwrap();
        let (served, stop) = gatekeeper(folder.path(), &network, &url, &key, listener).await;
        let staff = place.gatekeeper(from_chain(key.address()), GatekeeperOptions::default()).await.unwrap();
        Self { place, hospital, staff, folder, node, stop, served }
    }

    /// A fresh keystore on disk.
    pub(crate) fn keystore(&self, name: &str) -> Keystore {
        let path = self.folder.path().join(format!("{name}.json"));
        let password = Password::new(format!("{name}'s password"));
        Keystore::create(&path, &Words::generate(12).unwrap(), &password, STRETCH).unwrap()
    }

    /// Opens a keystore again, as another process would.
    pub(crate) fn open(&self, name: &str) -> Keystore {
        let path = self.folder.path().join(format!("{name}.json"));
        Keystore::open(&path, &Password::new(format!("{name}'s password"))).unwrap()
    }

    /// The hospital's account.
    pub(crate) fn provider(&self) -> Address {
        from_chain(self.hospital.signer.address())
    }

    /// A desk for a key of the keystore.
    pub(crate) fn desk(&self, signer: PrivateKeySigner, patient: Address) -> Desk {
        Desk {
            place: self.place.clone(),
            gatekeeper: self.staff.clone(),
            signer,
            patient,
            settle: Settle::Included,
            patience: PATIENCE,
        }
    }

    /// What the hospital's staff asks of its own gatekeeper.
    pub(crate) async fn ask<M: Method>(&self, body: M::Body) -> M::Answer
    where
        M::Body: Clone,
    {
        self.staff.ask::<M>(&self.hospital.signer, &body).await.unwrap()
    }

    /// Invites an account and links it to a person of the records.
    pub(crate) async fn welcome(&self, account: Address, person: u64) {
        self.ask::<Invite>(InviteBody { account }).await;
        let source_id = source_id(&POPULATION, person).unwrap();
        self.ask::<Link>(LinkBody { account, source_id }).await;
    }

    /// The number of the newest block.
    pub(crate) async fn height(&self) -> u64 {
        self.place.view().await.unwrap().head().block.number
    }

    /// Waits until the chain is so high.
    pub(crate) async fn grow_to(&self, number: u64) {
        while self.height().await < number {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The role that an account has on chain.
    pub(crate) async fn role(&self, account: Address) -> medrec_chain::Role {
        let view = self.place.view().await.unwrap();
        self.place.contracts.at(&view).role_of(to_chain(account)).await.unwrap()
    }

    /// Stops everything as operators would.
    pub(crate) async fn stop(self) {
        // The gatekeeper first: it asks the node until its end.
        drop(self.stop);
        self.served.await.unwrap().unwrap();
        self.node.stop().await;
    }
}

async fn gatekeeper(
    folder: &Path,
    network: &Network,
    url: &str,
    key: &PrivateKeySigner,
    listener: TcpListener,
) -> (JoinHandle<Result<(), GatekeeperError>>, oneshot::Sender<()>) {
    let records = folder.join("records");
    run(&POPULATION, &records, &()).unwrap();
    let mut options = Options::new(
        folder.join("state"),
        network,
        [url],
        (key.address(), key.clone()),
        Location::Folder { path: records, format: Format::SyntheaCsv },
        "2024-12-31".parse().unwrap(),
        RewardsOptions::new("4".parse().unwrap(), "1/2".parse().unwrap()),
    )
    .unwrap();
    options.sender = sender_options();
    options.poll_interval = Duration::from_millis(50);
    let gatekeeper = tokio::task::spawn_blocking(|| Gatekeeper::open(options)).await.unwrap().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(gatekeeper.serve(listener, async {
        let _ = stopped.await;
    }));
    (served, stop)
}
