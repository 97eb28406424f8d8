//! Numbers as people read them.

use medrec_domain::Rho;

/// A loss for people: exact where that is short, else rounded up to nine decimals.
pub(super) fn short(rho: &Rho) -> String {
    let exact = rho.to_string();
    if exact.len() <= 9 { exact } else { rho.to_decimal_text(9) }
}
