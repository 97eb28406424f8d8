//! The records of one run: what the page, its goals and its plots are made of.

use medrec_benches::record::Record;

/// Everything that the page is made of.
pub(crate) struct Records {
    pub(crate) keccak: Record,
    pub(crate) light: Record,
    pub(crate) dag: Record,
    /// Whole datasets; absent in a quick run.
    pub(crate) dataset: Option<Record>,
    pub(crate) search_huge: Record,
    /// Absent in a quick run.
    pub(crate) search_4k: Option<Record>,
    /// Earlier records of graphics devices, the newest of each.
    pub(crate) devices: Vec<Record>,
}

impl Records {
    /// Those that this run measured.
    pub(crate) fn measured(&self) -> impl Iterator<Item = &Record> {
        let always = [&self.keccak, &self.light, &self.dag, &self.search_huge];
        always.into_iter().chain(&self.dataset).chain(&self.search_4k)
    }
}
