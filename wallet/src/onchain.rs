//! What a chain can say about a bundle: further checks beside those that need nothing but the bundle.
//!
//! All of it is read at one block; which key spoke for the provider at the bundle's own block, the Registrar's events tell. A bundle outside any chain has nothing to check here; an answer that is missing (no such
//! block, no such release) is a failed check, a node that cannot be asked is an error.

use alloy_primitives::B256;
use medrec_anonymizer::bundle::{Check, Outcome, Verification};
use medrec_chain::{ChainError, Contracts, Reader, Remedy, Role, View};
use medrec_contracts::hashes::shard_index;
use medrec_domain::Digest;
use medrec_domain::identifier::{Address, BlockReference};
use medrec_domain::manifest::Occasion;
use medrec_protocol::bridge::{from_chain, to_chain, to_word};

use crate::error::WalletError;

/// Blocks after one until what it earned is final, as in the contracts.
pub const CONFIRMATIONS: u64 = 12;

type Finding = Result<String, String>;

/// Holds a verified bundle against the chain at the view's block: appends the checks, and the verdict follows them.
///
/// # Errors
/// [`WalletError::Chain`] when the node cannot be asked.
pub async fn check(
    verification: &mut Verification,
    view: &View,
    contracts: &Contracts,
) -> Result<(), WalletError> {
    let mut checks = Vec::new();
    let mut take = |name, shows, finding: Finding| {
        let (outcome, detail) = match finding {
            Ok(detail) => (Outcome::Passed, detail),
            Err(detail) => (Outcome::Failed, detail),
        };
        checks.push(Check { name, shows, outcome, detail });
    };
    let Some(manifest) = &verification.manifest else { return Ok(()) };
    let reader = contracts.at(view);
    match &manifest.occasion {
        Occasion::CensusShard { block, miner, provider, epoch, shard, shards, release_root } => {
            take("chain-block", BLOCK, block_finding(view, contracts, block, *miner).await?);
            take(
                "chain-signer",
                SIGNER,
                signer_finding(&reader, *provider, verification.signer, block).await?,
            );
            let claim = ShardClaim { epoch: epoch.0, shard: *shard, shards: *shards, root: *release_root };
            let (root, earned) = release_findings(&reader, *provider, block, &claim).await?;
            take("chain-root", "the provider committed this release before any block earned it", root);
            take("chain-shard", "this is the shard that the block earned", earned);
        }
        Occasion::Bounty { block, miner, provider, bounty } => {
            take("chain-block", BLOCK, block_finding(view, contracts, block, *miner).await?);
            take(
                "chain-signer",
                SIGNER,
                signer_finding(&reader, *provider, verification.signer, block).await?,
            );
            take(
                "chain-owner",
                "the miner owns the bounty",
                owner_finding(&reader, bounty, block, *miner).await?,
            );
            let digest = verification.manifest_digest;
            take(
                "chain-answer",
                "the provider named this bundle on chain",
                answer_finding(&reader, bounty, digest).await?,
            );
        }
        Occasion::StandAlone { .. } => checks.push(Check {
            name: "chain-block",
            shows: BLOCK,
            outcome: Outcome::NotChecked,
            detail: "the bundle stands alone: no block earned it".to_owned(),
        }),
    }
    verification.checks.append(&mut checks);
    verification.valid =
        verification.valid && verification.checks.iter().all(|check| check.outcome != Outcome::Failed);
    Ok(())
}

const BLOCK: &str = "the block is part of the chain, deep enough, and its miner is the one named";
const SIGNER: &str = "the signature is by the key that spoke for the provider at that block";

/// What a shard's bundle says of itself.
struct ShardClaim {
    epoch: u64,
    shard: u32,
    shards: u32,
    root: Digest,
}

/// A failed look that asking again does not change is a finding.
fn settled<T>(outcome: Result<T, ChainError>) -> Result<Result<T, String>, WalletError> {
    match outcome {
        Ok(found) => Ok(Ok(found)),
        Err(error) if error.remedy() == Remedy::Retry => Err(error.into()),
        Err(error) => Ok(Err(error.to_string())),
    }
}

async fn block_finding(
    view: &View,
    contracts: &Contracts,
    block: &BlockReference,
    miner: Address,
) -> Result<Finding, WalletError> {
    let head = view.head().block.number;
    let number = block.number.0;
    if block.chain_id.0 != contracts.chain_id {
        return Ok(Err(format!("it is of chain {}, this one is {}", block.chain_id, contracts.chain_id)));
    }
    let depth = head.saturating_sub(number);
    if number > head || depth < CONFIRMATIONS {
        return Ok(Err(format!("block {number} has {depth} blocks on top, {CONFIRMATIONS} are needed")));
    }
    let standing = view.at(number).await?;
    let standing = standing.head();
    if standing.block.hash != to_word(block.hash) {
        return Ok(Err(format!(
            "block {number} of the chain is {}, not {}",
            standing.block.hash, block.hash
        )));
    }
    if standing.coinbase != to_chain(miner) {
        return Ok(Err(format!("block {number} was mined by {}, not by {miner}", standing.coinbase)));
    }
    Ok(Ok(format!("block {number} with {depth} on top, mined by {miner}")))
}

/// The key that spoke for the provider at the bundle's block has to have signed: a key that took over later vouches for nothing
/// before it, and one that was replaced for nothing after it.
async fn signer_finding(
    reader: &Reader<'_>,
    provider: Address,
    signer: Option<Address>,
    block: &BlockReference,
) -> Result<Finding, WalletError> {
    let Some(signer) = signer else { return Ok(Err("the bundle has no good signature".to_owned())) };
    let number = block.number.0;
    Ok(match settled(reader.key_history(to_chain(provider)).await)? {
        Err(problem) => Err(problem),
        Ok(history) => match history.at(number).map(from_chain) {
            Some(_) if history.role != Role::Provider => {
                Err(format!("{provider} is no provider on this chain"))
            }
            Some(key) if key == signer => Ok(format!("{signer} spoke for {provider} at block {number}")),
            Some(key) => Err(format!("at block {number} {key} spoke for {provider}, not {signer}")),
            None => Err(format!("{provider} was no provider of this chain at block {number}")),
        },
    })
}

async fn release_findings(
    reader: &Reader<'_>,
    provider: Address,
    block: &BlockReference,
    claim: &ShardClaim,
) -> Result<(Finding, Finding), WalletError> {
    let release = match settled(reader.release_of(to_chain(provider), claim.epoch).await)? {
        Ok(Some(release)) => release,
        Ok(None) => {
            let problem = format!("{provider} committed nothing for epoch {}", claim.epoch);
            return Ok((Err(problem.clone()), Err(problem)));
        }
        Err(problem) => return Ok((Err(problem.clone()), Err(problem))),
    };
    let root = if release.root != to_word(claim.root) {
        Err(format!("committed was {}, the bundle says {}", release.root, claim.root))
    } else if release.shards != claim.shards {
        Err(format!("committed were {} shards, the bundle says {}", release.shards, claim.shards))
    } else {
        Ok(format!("root {} in block {}", release.root, release.committedAt))
    };
    let (number, first) = (block.number.0, release.committedAt.saturating_add(CONFIRMATIONS));
    let last = release.nextCommittedAt.saturating_add(CONFIRMATIONS);
    let is_within = number >= first && (release.nextCommittedAt == 0 || number < last);
    let index =
        shard_index(to_word(block.hash), to_chain(provider), claim.epoch, release.root, release.shards);
    let earned = if !is_within {
        Err(format!("block {number} earns nothing from epoch {}, whose first block is {first}", claim.epoch))
    } else if index != Some(claim.shard) {
        let index = index.map_or_else(|| "none".to_owned(), |index| index.to_string());
        Err(format!("block {number} earned shard {index}, the bundle holds shard {}", claim.shard))
    } else {
        Ok(format!("block {number} earned shard {} of epoch {}", claim.shard, claim.epoch))
    };
    Ok((root, earned))
}

async fn owner_finding(
    reader: &Reader<'_>,
    bounty: &Digest,
    block: &BlockReference,
    miner: Address,
) -> Result<Finding, WalletError> {
    Ok(match settled(reader.ownership(to_word(*bounty)).await)? {
        Err(problem) => Err(problem),
        Ok(None) => Err(format!("no bounty {bounty} was posted")),
        Ok(Some(ownership)) if ownership.owner != to_chain(miner) => {
            Err(format!("it belongs to {}, not to {miner}", ownership.owner))
        }
        Ok(Some(ownership)) if ownership.block_number != block.number.0 => {
            Err(format!("block {} carries it, not block {}", ownership.block_number, block.number))
        }
        Ok(Some(ownership)) if !ownership.is_valid => Err(format!(
            "its block has {} blocks on top, {CONFIRMATIONS} are needed",
            ownership.confirmations
        )),
        Ok(Some(_)) => Ok(format!("{miner} owns bounty {bounty}")),
    })
}

async fn answer_finding(
    reader: &Reader<'_>,
    bounty: &Digest,
    manifest: Option<Digest>,
) -> Result<Finding, WalletError> {
    let named = settled(reader.claim_of(to_word(*bounty)).await)?;
    Ok(match (named, manifest.map(to_word)) {
        (Err(problem), _) => Err(problem),
        (Ok((_, None)), _) => Err("the provider has named no bundle yet".to_owned()),
        (Ok((_, Some(named))), Some(own)) if named == own => Ok(format!("manifest {own}")),
        (Ok((_, Some(named))), own) => {
            Err(format!("named was {named}, this is {}", own.map_or(B256::ZERO, |own| own)))
        }
    })
}
