//! The collector: from a solved block to a verified bundle on disk.
//!
//! It works from the chain alone. Blocks of its own coinbases that have twelve on top earn a shard of each provider's census, and
//! their bounties; each is asked of the provider's gatekeeper, verified offline and against the chain, and stored below one
//! folder. What fails is tried again with growing pauses; what a re-organisation took is given up. Everything that was
//! learned is on disk before the next block is looked at, so a kill loses nothing and claims nothing twice: the same claim is
//! answered with the same bytes.
//!
//! ```text
//! FOLDER/0xPROVIDER/epoch-E/block-N.tar.zst
//! FOLDER/0xPROVIDER/bounties/0xBOUNTY.tar.zst
//! FOLDER/collector.redb, FOLDER/0xMINER.outbox.redb
//! ```

mod bounties;
mod fetch;
mod lookup;
mod reward;
mod store;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_signer_local::PrivateKeySigner;
use medrec_domain::identifier::Address;
use medrec_protocol::bridge::from_chain;

pub use self::reward::{Claim, ClaimState, Reward};

use self::bounties::Receipts;
use self::store::Store;
use self::watch::Watch;
use crate::error::{Advice, WalletError};
use crate::gatekeeper::GatekeeperOptions;
use crate::network::Place;

/// Longest pause between looks at a node that does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Something that the collector did or saw.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// A block earned this.
    Earned(Claim),
    /// A bundle is verified and on disk.
    Stored(Claim),
    /// It did not work this time, or not at all.
    Failed(Claim),
    /// A re-organisation took it.
    Moved(Claim),
    /// A bounty's receipt is confirmed on chain.
    Received(Claim),
    /// The chain cannot be asked now.
    Waiting(String),
}

/// Who hears of it.
pub type Listener = Arc<dyn Fn(&Happening) + Send + Sync>;

/// What to collect, and where to.
#[derive(Clone)]
pub struct CollectorOptions {
    /// Folder of bundles and of the collector's own memory.
    pub folder: PathBuf,
    /// Keys of the coinbases.
    pub miners: Vec<PrivateKeySigner>,
    /// First block that counts, where the folder is new.
    pub from: u64,
    /// Whether to claim on chain what is not delivered, and to declare so after the contract's time-out.
    pub declares: bool,
    /// Pause between looks at the chain.
    pub poll_interval: Duration,
    /// Bounds towards gatekeepers.
    pub gatekeeper: GatekeeperOptions,
    /// Who hears of what happens.
    pub listener: Listener,
}

impl CollectorOptions {
    /// Options for a folder and its miners: from block 1 on, a look a second, no declarations, nobody listens.
    pub fn new(folder: PathBuf, miners: Vec<PrivateKeySigner>) -> Self {
        Self {
            folder,
            miners,
            from: 1,
            declares: false,
            poll_interval: Duration::from_secs(1),
            gatekeeper: GatekeeperOptions::default(),
            listener: Arc::new(|_| {}),
        }
    }
}

/// A collector at work in its folder.
pub struct Collector {
    place: Place,
    options: CollectorOptions,
    store: Store,
    watch: Watch,
    receipts: Receipts,
}

impl Collector {
    /// Opens the folder, or makes it. No node is asked.
    ///
    /// # Errors
    /// [`WalletError::Store`] when another collector works there; [`WalletError::File`].
    pub fn open(place: Place, options: CollectorOptions) -> Result<Self, WalletError> {
        let folder = &options.folder;
        std::fs::create_dir_all(folder).map_err(WalletError::file(folder))?;
        let store = Store::open(&folder.join("collector.redb"))?;
        fetch::sweep(folder)?;
        let miners = options.miners.iter().map(|miner| from_chain(miner.address())).collect();
        let watch = Watch::new(place.clone(), miners, options.from);
        let receipts = Receipts::open(&place, folder, &options.miners)?;
        Ok(Self { place, options, store, watch, receipts })
    }

    /// Everything that was earned so far, by kind and block.
    ///
    /// # Errors
    /// [`WalletError::Store`].
    pub fn claims(&self) -> Result<Vec<Claim>, WalletError> {
        self.store.claims()
    }

    /// Collects until `shutdown` resolves. Nodes and gatekeepers that are down are waited for.
    ///
    /// # Errors
    /// [`WalletError::Store`], and what neither waiting nor trying again helps.
    pub async fn run(&mut self, shutdown: impl Future<Output = ()>) -> Result<(), WalletError> {
        tokio::pin!(shutdown);
        let mut pause = self.options.poll_interval;
        loop {
            let outcome = tokio::select! {
                () = &mut shutdown => return Ok(()),
                outcome = self.pass() => outcome,
            };
            match outcome {
                Ok(()) => pause = self.options.poll_interval,
                Err(error) if error.advice() == Advice::Later => {
                    self.tell(&Happening::Waiting(error.to_string()));
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = &mut shutdown => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Looks at the chain up to its head, then at everything that is due.
    ///
    /// # Errors
    /// Those of a node, and [`WalletError::Store`]. What goes wrong with one claim is that claim's own problem.
    pub async fn pass(&mut self) -> Result<(), WalletError> {
        while let Some(found) = self.watch.step(&self.store).await? {
            for claim in found {
                let is_moved = claim.state == ClaimState::Moved;
                self.tell(&if is_moved { Happening::Moved(claim) } else { Happening::Earned(claim) });
            }
        }
        self.work(|_| true).await
    }

    /// Finds what one block earned and collects that now, whatever the pauses say; gives its claims afterwards.
    ///
    /// # Errors
    /// [`WalletError::Unknown`] when the block is not deep enough or not one of ours; those of a node.
    pub async fn claim_block(&mut self, number: u64) -> Result<Vec<Claim>, WalletError> {
        let miners: Vec<Address> = self.options.miners.iter().map(|key| from_chain(key.address())).collect();
        let found = lookup::rewards_of(&self.place, &miners, number).await?;
        let keys: Vec<String> = found.iter().map(Claim::key).collect();
        self.store.advance(None, None, &self.store.news(found)?)?;
        let mut due = self.store.claims()?;
        due.retain(|claim| keys.contains(&claim.key()) && claim.state == ClaimState::Waiting);
        for claim in &mut due {
            claim.next_s = 0;
        }
        self.store.advance(None, None, &due)?;
        self.work(|claim| keys.contains(&claim.key())).await?;
        let mut claims = self.store.claims()?;
        claims.retain(|claim| keys.contains(&claim.key()));
        Ok(claims)
    }

    async fn work(&mut self, is_meant: impl Fn(&Claim) -> bool) -> Result<(), WalletError> {
        let claims = self.store.claims()?;
        for mut claim in claims.into_iter().filter(|claim| is_meant(claim)) {
            let is_due = claim.next_s <= now_s();
            match &claim.state {
                ClaimState::Waiting if is_due => self.collect(&mut claim).await?,
                ClaimState::Stored { .. } if is_due => self.confirm(&mut claim).await?,
                _ => {}
            }
        }
        self.receipts.pass().await
    }

    async fn collect(&mut self, claim: &mut Claim) -> Result<(), WalletError> {
        let Some(signer) = self.signer(claim.miner) else { return Ok(()) };
        let options = self.options.gatekeeper;
        let outcome = fetch::collect(claim, &self.place, &signer, &self.options.folder, options).await;
        match outcome {
            Ok((path, manifest)) => {
                let is_bounty = matches!(claim.reward, Reward::Bounty { .. });
                (claim.attempts, claim.problem, claim.next_s) = (0, None, 0);
                claim.state = if is_bounty {
                    ClaimState::Stored { path, manifest }
                } else {
                    ClaimState::Done { path, manifest }
                };
                self.keep(claim)?;
                self.tell(&Happening::Stored(claim.clone()));
            }
            Err(error @ WalletError::Store { .. }) => return Err(error),
            Err(error) => {
                claim.put_off(now_s(), error.to_string());
                // A refusal for good is kept as such; everything else may change.
                if matches!(error, WalletError::Refused { .. }) && error.advice() == Advice::Never {
                    claim.state = ClaimState::Refused;
                }
                // What the owner cannot say on chain is one more problem of this claim, not of the others.
                if self.options.declares
                    && let Err(error) = self.receipts.undelivered(claim).await
                {
                    claim.problem = Some(error.to_string());
                }
                self.keep(claim)?;
                self.tell(&Happening::Failed(claim.clone()));
            }
        }
        Ok(())
    }

    async fn confirm(&mut self, claim: &mut Claim) -> Result<(), WalletError> {
        let ClaimState::Stored { path, manifest } = &claim.state else { return Ok(()) };
        let (path, manifest) = (path.clone(), *manifest);
        match self.receipts.confirm(claim, manifest).await {
            Ok(true) => {
                claim.state = ClaimState::Done { path, manifest };
                (claim.attempts, claim.problem) = (0, None);
                self.keep(claim)?;
                self.tell(&Happening::Received(claim.clone()));
            }
            Ok(false) => {}
            Err(error @ WalletError::Store { .. }) => return Err(error),
            Err(error) => {
                claim.put_off(now_s(), error.to_string());
                self.keep(claim)?;
            }
        }
        Ok(())
    }

    fn keep(&self, claim: &Claim) -> Result<(), WalletError> {
        self.store.advance(None, None, std::slice::from_ref(claim))
    }

    fn signer(&self, miner: Address) -> Option<PrivateKeySigner> {
        self.options.miners.iter().find(|key| from_chain(key.address()) == miner).cloned()
    }

    fn tell(&self, happening: &Happening) {
        (self.options.listener)(happening);
    }
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Collector({})", self.options.folder.display())
    }
}

/// Unix seconds.
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
