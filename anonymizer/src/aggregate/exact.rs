//! What an aggregation gives: exact integers, to be shown to nobody.

use std::collections::BTreeMap;

use medrec_domain::Rho;
use medrec_domain::identifier::PersonId;

/// Exact, secret integers.
pub struct Exact {
    /// One vector for each of [`Plan::noise`](crate::plan::Plan::noise), in its order.
    pub integers: Vec<Vec<i64>>,
    /// What each contributing person pays, where asked for.
    pub charges: BTreeMap<PersonId, Rho>,
}
