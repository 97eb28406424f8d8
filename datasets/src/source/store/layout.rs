//! Layout of the index: entries of a fixed size, sorted by person.

use medrec_domain::schema::Table;

/// Tables that have rows of persons, in the order in which the index keeps them.
pub(super) const PERSON_TABLES: [Table; 6] = [
    Table::Person,
    Table::Encounter,
    Table::Condition,
    Table::Measurement,
    Table::Medication,
    Table::Procedure,
];
/// Bytes of an entry.
pub(super) const ENTRY_BYTES: usize = 8 + 8 + 4 * PERSON_TABLES.len();

/// Place of a table among [`PERSON_TABLES`].
pub(super) fn place(table: Table) -> Option<usize> {
    PERSON_TABLES.iter().position(|own| *own == table)
}

/// Where a person's rows lie: one table after the other, from `offset` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) person: u64,
    pub(super) offset: u64,
    pub(super) lengths: [u32; PERSON_TABLES.len()],
}

impl Entry {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ENTRY_BYTES);
        bytes.extend(self.person.to_le_bytes());
        bytes.extend(self.offset.to_le_bytes());
        for length in self.lengths {
            bytes.extend(length.to_le_bytes());
        }
        bytes
    }

    /// The entry in `bytes`, which are [`ENTRY_BYTES`] long.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let number = |from: usize| Some(u64::from_le_bytes(bytes.get(from..from + 8)?.try_into().ok()?));
        let mut lengths = [0; PERSON_TABLES.len()];
        for (table, length) in lengths.iter_mut().enumerate() {
            let from = 16 + 4 * table;
            *length = u32::from_le_bytes(bytes.get(from..from + 4)?.try_into().ok()?);
        }
        Some(Self { person: number(0)?, offset: number(8)?, lengths })
    }

    /// First byte and length of the rows of a table.
    pub(super) fn rows(&self, place: usize) -> (u64, usize) {
        let before: u64 = self.lengths.iter().take(place).map(|length| u64::from(*length)).sum();
        let length = self.lengths.get(place).copied().unwrap_or(0);
        (self.offset + before, usize::try_from(length).unwrap_or(0))
    }
}
