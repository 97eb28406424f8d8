//! The generator behind the noise: the operating system's, under the name by which OpenDP calls it.
//!
//! OpenDP draws secure random bits through one function of the crate openssl, [`rand::rand_priv_bytes`], and its feature
//! `use-openssl` compiles OpenSSL from C for it. The workspace puts this package in that crate's place
//! (`[patch.crates-io]`), so the feature is on, the function is the same, and the bits come from the system call
//! that OpenSSL seeds itself from. Nothing else of OpenSSL is here: whatever else asks for it does
//! not compile.
//!
//! - No seed can be chosen. Tests replace the bits of one thread through a door that exists where debug assertions do
//!   and nowhere else; `tests/release.rs` holds that a release build does not even read its source.
//! - [`rand::buffered`] lets one thread take its bits by the page instead of by the call. A page lives for that scope only
//!   and each byte is wiped once it is used. A fork copies the forking thread alone, and inside the scope a
//!   thread draws and does nothing else, so no two processes can ever hold the same page.
//!
//! This package knows no distribution and no record.

#[cfg(debug_assertions)]
pub mod door;
pub mod rand;
