//! Nothing, in place of ten megabytes of C.
//!
//! OpenDP's feature `use-openssl` names the crate openssl-src among the things its build script may use, and the
//! script never uses it. This empty crate keeps OpenSSL's sources out of the download and of the build; the
//! generator itself is in the folder above.
