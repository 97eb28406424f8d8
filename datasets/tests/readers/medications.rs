//! The census counts medications by groups: most rows of every source belong to one.

use medrec_datasets::Format;
use medrec_datasets::synth::{SynthFormat, run};
use medrec_domain::schema::Table;
use medrec_domain::workload::Workload;

use crate::exact::{canonical, exact_options, rows_by, shared};
use crate::sources::population;

/// Rows of medications, and those of them that belong to a group of the census.
fn grouped(folder: &std::path::Path, format: &Format) -> (u64, u64) {
    let census = Workload::census().unwrap();
    let (_directory, folder, _) = canonical(folder, format, &exact_options());
    let (mut all, mut known) = (0, 0);
    for (key, rows) in rows_by(&folder, Table::Medication, ["code_system", "code"]) {
        let (system, code) = key.split_once('|').unwrap();
        let sets: Vec<_> = census.value_sets.iter().filter(|(_, set)| set.contains(system, code)).collect();
        assert!(sets.len() <= 1, "{key} is in several groups: {sets:?}");
        all += rows;
        known += if sets.is_empty() { 0 } else { rows };
    }
    (all, known)
}

#[test]
fn nine_of_ten_medications_belong_to_a_group_of_the_census() {
    let synthetic = tempfile::tempdir().unwrap();
    run(&population(500, SynthFormat::FhirNdjson), synthetic.path(), &()).unwrap();
    for (name, folder, format) in [
        ("synthea", shared("synthea-ma-csv"), Format::SyntheaCsv),
        ("fhir", shared("fhir-r4-ndjson"), Format::FhirNdjson),
        ("omop", shared("omop-gibleed-5.3"), Format::Omop),
        ("synthetic", synthetic.path().to_path_buf(), Format::FhirNdjson),
    ] {
        let (all, known) = grouped(&folder, &format);
        assert!(all > 900 && known * 10 >= all * 9, "{name}: {known} of {all}");
    }
}
