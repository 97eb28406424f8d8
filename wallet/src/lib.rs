//! Keys, signed acts and requests of patients, providers and researchers.
