//! A provider's account goes over to another key of its keystore.
//!
//! ether goes ahead to the new key -> the Registrar names the new key -> the caller's keystore does
//!
//! Both transactions are named after the new key, so a command that was killed anywhere goes on where it stopped when it is given the same
//! key again. What stays with the old key pays for what its other outboxes, the gatekeeper's, still have on the way.

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use medrec_chain::acts::registrar::KeyAcceptance;
use medrec_chain::{Act, Contract, Request};
use medrec_contracts::Registrar;
use serde::Serialize;

use crate::account::{Account, Done};
use crate::error::WalletError;

/// Gas that the old key can still pay for afterwards.
const KEPT_GAS: u64 = 2_000_000;
/// What is reckoned for the miner in that, in wei per gas.
const KEPT_TIP_WEI: u64 = 2_000_000_000;
/// How long the new key's consent holds, in seconds by the chain's clock: longer than any change of fees takes.
const DEADLINE_S: u64 = 86_400;

/// An account that went over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rotated {
    /// The account: it keeps its name, its role and everything that it did.
    pub account: Address,
    /// The key that speaks for it no more.
    pub old_key: Address,
    /// The key that speaks for it now.
    pub new_key: Address,
    /// The block since which it does.
    pub block: u64,
}

/// Has `fresh` speak for the account of which `old` holds the present key, and hands the ether over.
///
/// # Errors
/// [`WalletError::NotRegistered`] when the chain does not know the account, [`WalletError::Unknown`] when another key speaks for it
/// already, [`WalletError::Act`] when there is too little ether; else as [`Account::send`].
pub async fn rotate_key(
    old: &Account,
    account: Address,
    fresh: &PrivateKeySigner,
) -> Result<Rotated, WalletError> {
    let (old_key, new_key) = (old.signer.address(), fresh.address());
    let name = format!("account goes over to {new_key}");
    if !old.has(&name) {
        let view = old.place.view().await?;
        let present = old.place.contracts.at(&view).key_of(account).await?;
        match present {
            Some(key) if key == old_key => {}
            Some(key) => {
                return Err(WalletError::Unknown(format!(
                    "the key {key} speaks for {account}, not this keystore's {old_key}\n\n\
                     hint: `medrec provider keys restore --discover` finds the keys that the chain knows"
                )));
            }
            None => return Err(WalletError::NotRegistered { account, what: "provider" }),
        }
    }
    old.once(&format!("ether goes ahead to {new_key}"), async || {
        Ok(Request::from(Act::transfer(new_key, spare(old).await?)))
    })
    .await?;
    let Done { block, .. } = old.once(&name, async || acceptance(old, account, fresh).await).await?;
    Ok(Rotated { account, old_key, new_key, block })
}

/// What the old key can do without, in wei.
async fn spare(old: &Account) -> Result<U256, WalletError> {
    let view = old.place.view().await?;
    let balance = view.balance(old.signer.address()).await?;
    let base_fee = view.head().base_fee_per_gas.unwrap_or_default();
    let price = base_fee.saturating_mul(2).saturating_add(KEPT_TIP_WEI);
    let kept = U256::from(KEPT_GAS).saturating_mul(U256::from(price));
    match balance.checked_sub(kept) {
        Some(spare) if !spare.is_zero() => Ok(spare),
        _ => Err(WalletError::Act {
            act: "change of the key".to_owned(),
            problem: format!(
                "{} has {balance} wei; {kept} of them have to stay with the old key, and the new one needs some\n\n\
                 hint: another provider's `medrec provider pay` brings more",
                old.signer.address()
            ),
        }),
    }
}

/// The call that names the new key, with that key's own consent.
async fn acceptance(
    old: &Account,
    account: Address,
    fresh: &PrivateKeySigner,
) -> Result<Request, WalletError> {
    let contracts = &old.place.contracts;
    let view = old.place.view().await?;
    let nonce = contracts.at(&view).nonce(Contract::Registrar, fresh.address()).await?;
    let deadline_s = view.head().timestamp_s.saturating_add(DEADLINE_S);
    let accepted = contracts.authorise(&KeyAcceptance { account }, fresh, nonce, deadline_s).await?;
    Ok(contracts.act(&Registrar::rotateKeyCall { ofNewKey: (&accepted).into() }).into())
}
