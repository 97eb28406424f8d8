//! Record pointers: commitments to what a patient's record held when it was posted.
//!
//! A commitment is `keccak256(key || digest of the rows)` under a fresh key that stays here. Who is shown key and rows can
//! hold them against the chain; without the key the commitment tells nothing, so destroying it erases the pointer.

use arrow_array::RecordBatch;
use medrec_contracts::Relationships::DataPointer;
use medrec_contracts::hashes::pointer_leaf;
use medrec_datasets::Days;
use medrec_domain::digest::keccak256_of;
use medrec_domain::identifier::Address;
use medrec_domain::schema::{ColumnSpec, Table};
use medrec_domain::{Digest, keccak256, merkle};
use medrec_protocol::Hexadecimal;
use medrec_protocol::bridge::{from_word, to_chain, to_word};

use crate::answer::Refused;
use crate::reading::rows_of;
use crate::state::State;
use crate::store::PointerRow;

/// The gatekeeper's query that a pointer names: the patient's whole record.
const WHOLE_RECORD: &[u8] = b"records/read of every table";

/// Pointers that are about to be posted.
pub(super) struct Pointers {
    /// Root over their leaves.
    pub(super) root: Digest,
    /// What opens them, by commitment.
    pub(super) rows: Vec<(Digest, PointerRow)>,
}

/// Makes a pointer for each patient, over her record as it is now. Blocks.
pub(super) fn make(state: &State, patients: &[Address]) -> Result<Pointers, Refused> {
    let (mut leaves, mut made) = (Vec::new(), Vec::new());
    for &patient in patients {
        let link = state.store.link_of(patient)?.ok_or(medrec_protocol::RefusalCode::Unknown)?;
        let digest = digest_of_record(state, &link.source_id)?;
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|_| Refused::internal("the operating system gave no randomness"))?;
        let commitment = keccak256_of(&[&key, &digest.0]);
        let pointer = DataPointer {
            patient: to_chain(patient),
            queryHash: to_word(keccak256(WHOLE_RECORD)),
            commitment: to_word(commitment),
        };
        leaves.push(from_word(pointer_leaf(&pointer)));
        made.push((commitment, patient, Hexadecimal(key)));
    }
    let root = merkle::root(&leaves);
    let rows =
        made.into_iter().map(|(commitment, patient, key)| (commitment, PointerRow { patient, root, key }));
    Ok(Pointers { root, rows: rows.collect() })
}

/// A digest over everything that the source has about a patient, table by table.
fn digest_of_record(state: &State, source_id: &str) -> Result<Digest, Refused> {
    let broken = |why: String| Refused::internal(why);
    let mut digests = Vec::new();
    for table in Table::ALL.into_iter().filter(|table| *table != Table::Organisation) {
        let columns: Vec<&'static ColumnSpec> = table.columns().iter().collect();
        let batch: RecordBatch = state
            .records
            .patient(source_id, table, &columns, Days::ALL)
            .map_err(|error| broken(error.to_string()))?;
        let rows = serde_json::to_vec(&rows_of(&batch)).map_err(|error| broken(error.to_string()))?;
        digests.push(keccak256_of(&[table.name().as_bytes(), &rows]).0);
    }
    Ok(keccak256_of(&digests.iter().map(<[u8; 32]>::as_slice).collect::<Vec<_>>()))
}
