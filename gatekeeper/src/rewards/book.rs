//! What this module asks of the rest of the gatekeeper: who consented to what, where the records are, who watches.

use std::sync::Arc;

use alloy_primitives::Address;
use medrec_anonymizer::records::Progress;
use medrec_datasets::Folder;
use medrec_domain::ConsentDocument;

use super::error::SourceError;

/// A linked patient and the research documents of hers that the gatekeeper holds.
///
/// # Privacy
/// As secret as the link between account and record.
#[derive(Debug, Clone)]
pub struct LinkedPatient {
    /// Her account at this provider.
    pub account: Address,
    /// Her id in the provider's database.
    pub source_id: String,
    /// Documents whose signatures were checked when they came, each with its salt. Which of them the chain knows, and
    /// whether it is in force, is found out here.
    pub documents: Vec<(ConsentDocument, [u8; 32])>,
}

/// Who is linked, with stored research documents.
pub trait ConsentBook: Send + Sync {
    /// Every linked patient, in one state of the book. Documents of other purposes may be among hers; they are passed over.
    ///
    /// # Errors
    /// The keeper's own; then nothing is released.
    fn linked(&self) -> Result<Vec<LinkedPatient>, SourceError>;
}

/// Where the records are. Called from a thread that may block.
pub trait RecordStore: Send + Sync {
    /// The records as they are now, as canonical tables, person ids made with the same pseudonym key as
    /// [`super::RewardsParts::pseudonyms`]. The folder has to stay as it is until the next call.
    ///
    /// # Errors
    /// The keeper's own; then nothing is released.
    fn folder(&self) -> Result<Folder, SourceError>;
}

/// Who watches a release: each step is announced before it is taken.
pub type Watch = Arc<dyn Progress + Send + Sync>;
