//! The provider's service beside its database.

pub mod rewards;
