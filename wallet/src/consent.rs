//! Consent documents as people make them, and the numbers of the contracts.

use medrec_domain::consent::{CONSENT_VERSION, Grantee};
use medrec_domain::identifier::{Address, ChainId};
use medrec_domain::{ConsentDocument, Rho, Scope};
use medrec_protocol::Hexadecimal;

use crate::error::WalletError;

/// Units of the contracts' privacy loss in one rho.
const NANO: u32 = 1_000_000_000;

/// What a consent says, beside who gives it where.
#[derive(Debug, Clone)]
pub struct Wish {
    /// To whom.
    pub grantee: Grantee,
    /// What, and what for.
    pub scope: Scope,
    /// First second of validity.
    pub start_s: u64,
    /// First second after it.
    pub expiry_s: u64,
    /// For research: most privacy loss.
    pub yearly_cap: Option<Rho>,
}

/// The document of a wish, checked.
///
/// # Errors
/// [`WalletError::Document`] when it contradicts itself.
pub fn document(
    chain_id: u64,
    provider: Address,
    patient: Address,
    signer: Address,
    wish: Wish,
) -> Result<ConsentDocument, WalletError> {
    let Wish { grantee, scope, start_s, expiry_s, yearly_cap } = wish;
    let document = ConsentDocument {
        version: CONSENT_VERSION,
        chain_id: ChainId(chain_id),
        provider,
        patient,
        signer,
        grantee,
        scope,
        start_s,
        expiry_s,
        yearly_cap,
    };
    document.check()?;
    Ok(document)
}

/// A fresh salt.
///
/// # Errors
/// [`WalletError::NoRandomness`].
pub fn salt() -> Result<Hexadecimal<32>, WalletError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| WalletError::NoRandomness)?;
    Ok(Hexadecimal(bytes))
}

/// A loss in units of 1e-9 rho.
///
/// # Errors
/// [`WalletError::Act`] unless it is a whole number of them.
pub fn nano_rho(rho: &Rho) -> Result<u64, WalletError> {
    let refuse = || WalletError::Act {
        act: "privacy cap".to_owned(),
        problem: format!("{rho} is not a whole number of billionths of rho below 2^64"),
    };
    let scaled = rho.scaled(NANO.into(), 1)?;
    if *scaled.denominator() != 1_u32.into() {
        return Err(refuse());
    }
    u64::try_from(scaled.numerator()).map_err(|_| refuse())
}

/// Seconds as the contracts hold them.
///
/// # Errors
/// [`WalletError::Act`] for a second after the year 2106.
pub fn unix_seconds(seconds: u64) -> Result<u32, WalletError> {
    u32::try_from(seconds).map_err(|_| WalletError::Act {
        act: "period of a consent".to_owned(),
        problem: format!("second {seconds} lies after the year 2106, where the contracts' times end"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_exact_in_the_contracts_unit_or_refused() {
        assert_eq!(nano_rho(&"1/2".parse().unwrap()).unwrap(), 500_000_000);
        assert_eq!(nano_rho(&"0.000000001".parse().unwrap()).unwrap(), 1);
        assert!(nano_rho(&"1/3".parse().unwrap()).is_err());
        assert!(nano_rho(&"20000000000".parse().unwrap()).is_err());
        assert!(unix_seconds(1 << 32).is_err());
    }
}
