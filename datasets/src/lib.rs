//! Health records: readers into canonical tables, and a seeded synthetic population.
//!
//! Sources differ in format, vocabulary and quality; what comes out of here does not. The canonical
//! tables are declared in the domain, documented in docs/DATA.md, stored as Parquet and scanned lazily.
//! Direct identifiers stay outside: there is no column that could hold one.
//!
//! What it does not know: consent, privacy budgets, noise, chains, HTTP. It never prints; long work
//! reports through [`Progress`].

pub mod divide;
mod error;
pub mod folder;
mod index;
mod input;
mod options;
mod pseudonym;
mod reader;
mod source;
pub mod synth;
mod table;
mod vocabulary;

pub use error::{BadRow, DatasetError};
pub use folder::{Folder, FolderWriter, Part, Sink};
pub use options::{Days, OnBadRow, Progress, ReadOptions};
pub use pseudonym::PseudonymKey;
pub use reader::{DatabaseUrl, Format, Mapping, ReadReport, SqlMapping, convert, read};
pub use source::{Location, RecordSource};
pub use table::{data_type, schema};
