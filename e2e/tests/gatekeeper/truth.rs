//! What the records hold, read from the provider's files by a few lines of this test and none of the readers.

use std::collections::BTreeSet;
use std::path::Path;

use medrec_domain::Workload;
use medrec_domain::schema::Table;
use medrec_domain::scope::ValueSets;
use medrec_domain::workload::catalogue::Catalogue;
use medrec_protocol::methods::records::ReadAnswer;
use serde_json::Value;

/// Rows of a file of the records that belong to a patient; the header's names choose the columns.
pub(crate) fn rows_of(records: &Path, file: &str, source_id: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(records.join(file)).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (patient, wanted) = (at("PATIENT"), columns.iter().map(|name| at(name)).collect::<Vec<_>>());
    let own = lines.filter(|line| line[patient] == source_id);
    own.map(|line| wanted.iter().map(|&index| line[index].to_owned()).collect()).collect()
}

/// The codes of a patient in a file.
pub(crate) fn codes_of(records: &Path, file: &str, source_id: &str) -> BTreeSet<String> {
    rows_of(records, file, source_id, &["CODE"]).into_iter().flatten().collect()
}

/// The value sets that consents may name, from the published files.
pub(crate) fn value_sets() -> ValueSets {
    let mut sets = Workload::census().unwrap().value_sets;
    for query in Catalogue::standard().unwrap().queries.into_values() {
        sets.extend(query.value_sets);
    }
    sets
}

/// Every column of a table that may leave: all but the person's pseudonym.
pub(crate) fn all_columns(table: Table) -> Vec<String> {
    let names = table.columns().iter().map(|column| column.name.to_owned());
    names.filter(|name| name != "person_id").collect()
}

/// A column of an answer.
pub(crate) fn column<'a>(answer: &'a ReadAnswer, name: &str) -> Vec<&'a Value> {
    let index = answer.columns.iter().position(|column| column == name);
    let index = index.unwrap_or_else(|| panic!("{name} is not among {:?}", answer.columns));
    answer.rows.iter().map(|row| &row[index]).collect()
}

/// The texts of a column, sorted.
pub(crate) fn texts(answer: &ReadAnswer, name: &str) -> Vec<String> {
    let mut texts: Vec<_> =
        column(answer, name).into_iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
    texts.sort();
    texts
}
