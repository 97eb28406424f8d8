//! What a release takes of a budget, and whom it charges.

use serde::{Deserialize, Serialize};

use crate::privacy_loss::Rho;

/// Whom a release charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Charging {
    /// Everybody the same, seen or not: a census, a release outside any chain.
    #[default]
    Everybody,
    /// Each person for what she is in, at most the price; who would pass her cap is left out: a bounty.
    Each,
}

impl Charging {
    /// Whether everybody pays the same, which goes without saying in a manifest.
    pub const fn is_everybody(&self) -> bool {
        matches!(self, Self::Everybody)
    }
}

/// Budget before and after.
///
/// Where everybody is charged, `spent_before` and `spent_after` are what everybody has lost, and never pass the cap.
/// Where each is charged for what she is in, nobody's own loss may be told; they are sums of the *prices* of all
/// releases so charged, which bound what anybody lost by them and may pass the cap, since no person's loss does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetStatement {
    /// Most that any one person may ever lose, by all releases together.
    pub cap: Rho,
    /// Spent before this release.
    pub spent_before: Rho,
    /// Spent with it.
    pub spent_after: Rho,
    /// Whom it charges; left out where it is everybody.
    #[serde(default, skip_serializing_if = "Charging::is_everybody")]
    pub charging: Charging,
}
