//! Reading one patient's records, and who read them.

use medrec_domain::identifier::{Address, BlockReference};
use medrec_domain::schema::Table;
use medrec_domain::{CalendarDate, Digest, Purpose};
use serde::{Deserialize, Serialize};

use super::methods;

methods! {
    /// Rows of one table of one patient, masked by what was granted to the signer.
    Read "records/read" (ReadBody) -> ReadAnswer;
    /// Who did what with one patient's records, as the audit log has it.
    Audit "audit/list" (AuditBody) -> AuditAnswer;
}

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadBody {
    /// The patient's account at this provider.
    pub patient: Address,
    /// What for; a grant for one purpose opens nothing for another.
    pub purpose: Purpose,
    /// Which table.
    pub table: Table,
    /// Names of columns, in the order wanted; `None` for all that are allowed. A column that is not allowed is left out.
    pub columns: Option<Vec<String>>,
    /// First day of events, or no bound.
    pub from: Option<CalendarDate>,
    /// First day after them, or no bound.
    pub until: Option<CalendarDate>,
    /// Rows to skip: the `next` of the answer before.
    pub after: u64,
    /// Most rows to answer with; the gatekeeper may give fewer.
    pub limit: u32,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadAnswer {
    /// Columns that are allowed, of those asked for.
    pub columns: Vec<String>,
    /// Rows, a value a column: text, number, true or false, or null. A null stands for a value that the record lacks, and
    /// for one that is masked in this row while others may be shown.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Where to go on; `None` at the end.
    pub next: Option<u64>,
    /// The block at which permissions were looked up.
    pub block: BlockReference,
}

/// Whose log is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditBody {
    /// The patient's account.
    pub patient: Address,
    /// The last sequence number that is known already; 0 at first.
    pub after: u64,
    /// Most entries to answer with.
    pub limit: u32,
}

/// Entries of the audit log that concern one patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditAnswer {
    /// Entries, oldest first.
    pub entries: Vec<AuditEntry>,
    /// Entries of the whole log.
    pub length: u64,
    /// Its head: the hash over all of them.
    pub head: Digest,
}

/// An entry of the audit log: a decision of the gatekeeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// Its number in the log, from 1.
    pub sequence: u64,
    /// The second at which it was decided.
    pub time_s: u64,
    /// Who asked: the account where the signer has one, else the key.
    pub actor: Address,
    /// The key that signed.
    pub signer: Address,
    /// The method.
    pub method: String,
    /// Whose record, where there is one.
    pub patient: Option<Address>,
    /// What it was about, in constant words and names of tables and columns; never a value of a record.
    pub about: String,
    /// Whether it was allowed.
    pub is_allowed: bool,
    /// The hash of the entry before.
    pub previous: Digest,
}
