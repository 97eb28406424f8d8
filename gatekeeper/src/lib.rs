//! The provider's service beside its database.
