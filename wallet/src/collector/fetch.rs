//! One reward: asked for, verified, stored.

use std::fs::{File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use alloy_primitives::bytes::Bytes;
use alloy_signer_local::PrivateKeySigner;
use medrec_anonymizer::accounting;
use medrec_anonymizer::bundle::{self, Outcome, Verification, VerifyOptions};
use medrec_domain::identifier::BlockNumber;
use medrec_domain::manifest::Occasion;
use medrec_domain::{Digest, Rho};
use medrec_protocol::methods::claims::{Bounty, BountyBody, Shard, ShardBody};

use super::reward::{Claim, Reward};
use crate::error::WalletError;
use crate::gatekeeper::GatekeeperOptions;
use crate::network::Place;
use crate::onchain;
use crate::researcher::bounty_of;

/// Asks the provider's gatekeeper for the bundle, checks it and puts it in its place; gives the place and the manifest's digest.
///
/// # Errors
/// [`WalletError::Refused`], [`WalletError::Gatekeeper`]; [`WalletError::Act`] when the bundle is not what was earned.
pub(super) async fn collect(
    claim: &Claim,
    place: &Place,
    signer: &PrivateKeySigner,
    folder: &Path,
    options: GatekeeperOptions,
) -> Result<(PathBuf, Digest), WalletError> {
    let gatekeeper = place.gatekeeper(claim.provider(), options).await?;
    let bytes = match &claim.reward {
        Reward::Shard { .. } => {
            let body = ShardBody { number: BlockNumber(claim.number), hash: claim.hash };
            gatekeeper.bundle::<Shard>(signer, &body).await?
        }
        Reward::Bounty { posting } => {
            gatekeeper.bundle::<Bounty>(signer, &BountyBody { posting: *posting }).await?
        }
    };
    let path = claim.path(folder);
    let target = path.clone();
    let staged = tokio::task::spawn_blocking(move || stage(&target, &bytes)).await;
    let (file, mut verification) =
        staged.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    let view = place.view().await?;
    onchain::check(&mut verification, &view, &place.contracts).await?;
    let manifest = accept(claim, &verification)?;
    file.persist(&path).map_err(|error| WalletError::File { path: path.clone(), source: error.error })?;
    let parent = crate::disk::folder_of(&path);
    File::open(&parent).and_then(|parent| parent.sync_all()).map_err(WalletError::file(&parent))?;
    Ok((path, manifest))
}

/// How files begin that a bundle is in until it is verified.
const INCOMING: &str = ".incoming-";

/// Deletes what a collector that was killed left half-written below its folder. Nobody else may work there.
///
/// # Errors
/// [`WalletError::File`].
pub(super) fn sweep(folder: &Path) -> Result<(), WalletError> {
    let list = |folder: &Path| -> Result<Vec<std::fs::DirEntry>, WalletError> {
        let entries = std::fs::read_dir(folder).map_err(WalletError::file(folder))?;
        entries.collect::<Result<_, _>>().map_err(WalletError::file(folder))
    };
    // Bundles lie two folders deep: by provider, and by epoch or as bounties.
    for provider in list(folder)?.iter().map(std::fs::DirEntry::path).filter(|path| path.is_dir()) {
        for kind in list(&provider)?.iter().map(std::fs::DirEntry::path).filter(|path| path.is_dir()) {
            for file in list(&kind)? {
                if file.file_name().to_string_lossy().starts_with(INCOMING) {
                    std::fs::remove_file(file.path()).map_err(WalletError::file(&file.path()))?;
                }
            }
        }
    }
    Ok(())
}

/// Writes the bytes beside their place and verifies them there.
fn stage(path: &Path, bytes: &Bytes) -> Result<(tempfile::NamedTempFile, Verification), WalletError> {
    let parent = crate::disk::folder_of(path);
    std::fs::create_dir_all(&parent).map_err(WalletError::file(&parent))?;
    let file = tempfile::Builder::new().prefix(INCOMING).suffix(".tar.zst").tempfile_in(&parent);
    let mut file = file.map_err(WalletError::file(&parent))?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.as_file().set_permissions(Permissions::from_mode(0o644)))
        .and_then(|()| file.as_file().sync_all());
    written.map_err(WalletError::file(path))?;
    let verification = verify(file.path())?;
    Ok((file, verification))
}

/// Every check that needs nothing but the bundle. Whose key signed it is left to [`onchain::check`].
///
/// # Errors
/// [`WalletError::Bundle`] when there is nothing to read.
pub(super) fn verify(path: &Path) -> Result<Verification, WalletError> {
    let epsilon_at = |rho: &Rho, delta: &str| {
        delta.parse().ok().and_then(|delta: f64| accounting::epsilon_at(rho, delta).ok())
    };
    let options = VerifyOptions {
        require_signature: true,
        signer_by_chain: true,
        epsilon_at: Some(&epsilon_at),
        ..VerifyOptions::default()
    };
    Ok(bundle::verify(path, &options)?)
}

/// Whether the bundle is the one that was earned, and good. That a provider has not yet named its answer on chain is no fault
/// of the bundle: the receipt waits for it.
fn accept(claim: &Claim, verification: &Verification) -> Result<Digest, WalletError> {
    let refuse = |problem: String| Err(WalletError::Act { act: claim.words(), problem });
    let failed = verification
        .checks
        .iter()
        .find(|check| check.outcome == Outcome::Failed && check.name != "chain-answer");
    if let Some(check) = failed {
        return refuse(format!("its bundle is not good: {}: {}", check.shows, check.detail));
    }
    let (Some(manifest), Some(digest)) = (&verification.manifest, verification.manifest_digest) else {
        return refuse("its bundle has no manifest".to_owned());
    };
    let is_own = match (&manifest.occasion, &claim.reward) {
        (
            Occasion::CensusShard { block, miner, provider, epoch, .. },
            Reward::Shard { provider: owing, epoch: earned },
        ) => block.hash == claim.hash && *miner == claim.miner && provider == owing && epoch == earned,
        (Occasion::Bounty { miner, provider, bounty, .. }, Reward::Bounty { posting }) => {
            *bounty == bounty_of(posting) && *miner == claim.miner && *provider == posting.provider
        }
        _ => false,
    };
    if is_own { Ok(digest) } else { refuse("its bundle was earned by something else".to_owned()) }
}
