//! Bundles: a finished release as a folder that explains itself and that anyone can verify.
//!
//! ```text
//! figures + manifest parts --release--> Release --render--> files --folder/archive--> disk
//! disk --read--> files --verify--> checks in words
//! ```
//!
//! Everything but the manifest, the query and the Parquet tables is *derived*: it is a pure function of those
//! three, so the verifier makes it again and compares bytes. A bundle whose report tells another
//! story than its tables is therefore refused, whoever signed it. docs/BUNDLE.md is the format's own page.
//!
//! # Privacy
//! Only published figures come in; all of this is post-processing. A withheld figure reaches no file.
//! There is no clock, no chain, no wallet and no network here: a signature is asked of a [`Signer`].

mod archive;

mod columnar;
mod croissant;
mod csv;
mod data_package;
mod earned;
mod files;
mod folder;
mod json;
mod measure_report;
mod names;
mod readme;
mod release;
mod report;
mod rows;
mod seal;
mod signature;
mod verify;
mod wording;
mod write;

pub use archive::{Padding, archive, pack, unpack};
pub use earned::{FinishedTable, finish, render_shard};
pub use files::{Files, Limits};
pub use release::{BundleInput, QueryDocument, Release};
pub use seal::{ShardFile, content_digest, shard_leaf};
pub use signature::{SIGNATURE_DOMAIN, SignatureFile, Signer, SignerError, recover, signing_digest};
pub use verify::{Check, EpsilonAt, Outcome, Verification, VerifyOptions, verify, verify_files};
pub use write::{WriteOptions, render, write};
