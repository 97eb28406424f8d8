//! What the miners earned: collectors that follow the chain, and bundles that are looked at once more from outside.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use medrec_anonymizer::bundle::{self, Limits, VerifyOptions};
use medrec_wallet::collector::{Claim, ClaimState, Happening, Reward};
use medrec_wallet::{Collector, CollectorOptions, Place, WalletError};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::miners::Researcher;

/// Bundles of each researcher with which the demo is content.
const ENOUGH_BUNDLES: u64 = 3;

/// A bundle on disk that was verified.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Bundle {
    /// Census shard or bounty.
    pub(super) kind: &'static str,
    /// Its title.
    pub(super) title: String,
    /// The archive.
    pub(super) path: PathBuf,
    /// The block that earned it.
    pub(super) block: u64,
    /// Whether the verifier accepts it once more.
    pub(super) is_valid: bool,
}

/// A collector at work.
pub(super) struct Harvest {
    stop: oneshot::Sender<()>,
    done: JoinHandle<Result<Vec<Claim>, WalletError>>,
}

impl Harvest {
    /// Starts collecting for a researcher below `folder`; what happens is told to `told`.
    pub(super) fn start(
        place: &Place,
        researcher: &Researcher,
        folder: &Path,
        told: &mpsc::UnboundedSender<(&'static str, Happening)>,
    ) -> anyhow::Result<Self> {
        let mut options = CollectorOptions::new(folder.to_path_buf(), vec![researcher.signer.clone()]);
        options.poll_interval = Duration::from_millis(500);
        let (told, name) = (told.clone(), researcher.name);
        options.listener = Arc::new(move |happening| {
            // Nobody listens any more when the demo ends.
            let _ = told.send((name, happening.clone()));
        });
        let mut collector = Collector::open(place.clone(), options)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let done = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            collector.run(stopped).await?;
            collector.claims()
        });
        Ok(Self { stop, done })
    }

    /// Stops it and gives the bundles that it stored.
    pub(super) async fn finish(self) -> anyhow::Result<Vec<Bundle>> {
        // It may have ended by itself: then its own error is the answer.
        let _ = self.stop.send(());
        let claims = self.done.await.context("a collector's task ended")??;
        let mut bundles = Vec::new();
        for claim in claims {
            if let ClaimState::Stored { path, .. } | ClaimState::Done { path, .. } = &claim.state {
                bundles.push(look(path, &claim)?);
            }
        }
        Ok(bundles)
    }
}

/// Verifies a stored bundle once more, as anybody would.
fn look(path: &Path, claim: &Claim) -> anyhow::Result<Bundle> {
    let verification = bundle::verify(path, &VerifyOptions::default())?;
    let kind = match claim.reward {
        Reward::Shard { .. } => "census-shard",
        Reward::Bounty { .. } => "bounty",
    };
    let title = verification.manifest.map(|manifest| manifest.title).unwrap_or_default();
    Ok(Bundle { kind, title, path: path.to_path_buf(), block: claim.number, is_valid: verification.valid })
}

/// Unpacks a bundle into `folder`, for people who want to read its report, and gives the report's path.
pub(super) fn unpack(bundle: &Bundle, folder: &Path) -> anyhow::Result<PathBuf> {
    let bytes = fs::read(&bundle.path).with_context(|| format!("cannot read {}", bundle.path.display()))?;
    for (name, bytes) in bundle::unpack(&bytes, Limits::default())? {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(folder.join("report.html"))
}

/// What was stored so far, by researcher.
#[derive(Debug, Default)]
pub(super) struct Tally {
    stored: BTreeMap<&'static str, u64>,
    has_bounty: bool,
}

impl Tally {
    /// Takes notice of what a collector says, and gives a sentence about it where it is worth one.
    pub(super) fn take(&mut self, name: &'static str, happening: &Happening) -> Option<String> {
        match happening {
            Happening::Stored(claim) => {
                *self.stored.entry(name).or_default() += 1;
                self.has_bounty |= matches!(claim.reward, Reward::Bounty { .. });
                Some(format!("{name} collected and verified the {}", claim.words()))
            }
            Happening::Failed(claim) if claim.attempts > 3 => {
                let problem = claim.problem.as_deref().unwrap_or("no reason given");
                Some(format!("{name} still waits for the {}: {problem}", claim.words()))
            }
            Happening::Moved(claim) => {
                Some(format!("a re-organisation took the {} from {name}", claim.words()))
            }
            _ => None,
        }
    }

    /// Whether everybody who mines has something, and the bounty is among it.
    pub(super) fn is_full(&self, researchers: usize) -> bool {
        self.has_bounty
            && self.stored.len() >= researchers
            && self.stored.values().all(|&bundles| bundles >= ENOUGH_BUNDLES)
    }
}
