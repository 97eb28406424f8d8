//! A gatekeeper from its options to its end: opens what it needs, serves, watches the tasks that it cannot do without.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use medrec_anonymizer::bounding::BoundingKey;
use medrec_anonymizer::bundle::Signer;
use medrec_chain::Client;
use medrec_datasets::{PseudonymKey, ReadOptions, RecordSource};
use medrec_protocol::bridge::from_chain;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::audit::Audit;
use crate::bell::Bell;
use crate::error::GatekeeperError;
use crate::facts::Lookout;
use crate::keys;
use crate::methods;
use crate::options::Options;
use crate::outboxes::Outboxes;
use crate::records::Converted;
use crate::rewards::{BundleKey, ConsentBook, Rewards, RewardsParts};
use crate::service::{Access, Service};
use crate::state::{State, now_s};
use crate::store::Store;
use crate::tasks;

/// Longest wait for requests under way when the service stops.
const PATIENCE: Duration = Duration::from_secs(20);

/// The service of one provider.
pub struct Gatekeeper {
    state: Arc<State>,
    stop: watch::Sender<bool>,
    access: Access,
    proxies: Vec<IpAddr>,
    pace: tasks::Pace,
}

impl Gatekeeper {
    /// Opens store, keys, ledger and records, and verifies the audit log. No node is asked. Blocks: the index of a folder
    /// of records is built here.
    ///
    /// # Errors
    /// [`GatekeeperError`]: whatever cannot be opened, by name.
    pub fn open(options: Options) -> Result<Self, GatekeeperError> {
        make_private(&options.folder)?;
        let path = |name: &str| options.folder.join(name);
        let is_new = !path("gatekeeper.redb").exists();
        let pseudonyms = PseudonymKey::new(keys::key(&path("pseudonym.key"), is_new)?);
        let bounding = BoundingKey(keys::key(&path("bounding.key"), is_new)?);
        let store = Arc::new(Store::open(&path("gatekeeper.redb"))?);
        let bell = Bell::new();
        let audit = Audit::open(Arc::clone(&store), bell.clone())?;
        let reading = ReadOptions {
            on_bad_row: options.on_bad_row,
            synthetic_sites: options.synthetic_sites,
            ..ReadOptions::new(pseudonyms.clone(), options.as_of)
        };
        let records = Arc::new(RecordSource::open(&options.records, reading, &options.folder, &())?);
        let client = Client::new(options.client)?;
        let (present, earlier) = (&options.signer, options.earlier_keys.as_slice());
        let outboxes =
            Outboxes::open(&client, &options.folder, options.provider, present, earlier, &options.sender)?;
        let account = from_chain(options.provider);
        let keys = std::iter::once(present).chain(earlier).map(|key| -> Arc<dyn Signer + Send + Sync> {
            Arc::new(BundleKey { account, key: key.clone() })
        });
        let book: Arc<dyn ConsentBook> = Arc::<Store>::clone(&store);
        let rewards = Rewards::open(RewardsParts {
            folder: path("rewards"),
            options: options.rewards,
            account: options.provider,
            contracts: options.contracts,
            sender: Arc::clone(&outboxes.present),
            keys: keys.collect(),
            book,
            records: Arc::new(Converted { source: Arc::clone(&records), folder: path("release") }),
            pseudonyms,
            bounding,
            value_sets: options.value_sets.clone(),
        })?;
        let (stop, stopping) = watch::channel(false);
        let state = State {
            provider: from_chain(options.provider),
            contracts: options.contracts,
            lookout: Lookout::new(client.clone(), options.contracts),
            client,
            outboxes,
            store,
            records,
            rewards: Arc::new(rewards),
            value_sets: options.value_sets,
            audit,
            bell,
            stopping,
            limits: options.limits,
            step: options.step,
            log: options.log,
            started_s: now_s(),
        };
        Ok(Self {
            state: Arc::new(state),
            stop,
            access: Access { hosts: options.hosts, origins: options.origins },
            proxies: options.trusted_proxies,
            pace: tasks::Pace {
                follow: tasks::Follow {
                    confirmations: options.notify_after_blocks,
                    poll_interval: options.poll_interval,
                },
                anchor_interval: options.anchor_interval,
                count_interval: options.count_interval,
            },
        })
    }

    /// Serves until `shutdown` resolves; requests under way are finished then, within 20 seconds.
    ///
    /// # Errors
    /// [`GatekeeperError::Task`] with the name of a task that ended or panicked; [`GatekeeperError::Io`] of the port.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), GatekeeperError> {
        let Self { state, stop, access, proxies, pace } = self;
        let mut tasks = tasks::start(&state, pace);
        let router = methods::routes(Service::new(Arc::clone(&state), access, proxies));
        let shared = Arc::clone(&state);
        let stopped = async move { shared.stopped().await };
        let connections = state.limits.connections;
        let mut served = tokio::spawn(medrec_transport::serve(listener, router, connections, stopped));
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            outcome = tasks.join_next() => Err(tasks::failure(outcome)),
            outcome = &mut served => Err(GatekeeperError::Task { name: "http", why: format!("{outcome:?}") }),
        };
        let _ = stop.send(true);
        // Streams and requests see the signal; whoever does not in time is cut off.
        if !served.is_finished() && tokio::time::timeout(PATIENCE, &mut served).await.is_err() {
            served.abort();
        }
        finish(&mut tasks).await;
        drop(tasks);
        close(state).await;
        ended
    }
}

async fn finish(tasks: &mut JoinSet<tasks::Ended>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(PATIENCE, all).await.is_err() {
        tasks.abort_all();
    }
}

/// Waits for whoever still works, and closes files: when this returns, the folder can be opened again.
async fn close(mut state: Arc<State>) {
    let patience = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < patience {
        match Arc::try_unwrap(state) {
            Ok(State { audit, .. }) => return audit.close(now_s()).await,
            Err(shared) => state = shared,
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A folder that only its owner can enter.
fn make_private(folder: &Path) -> Result<(), GatekeeperError> {
    let failed = || GatekeeperError::io(folder);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed())?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(failed())
}
