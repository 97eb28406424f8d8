//! An export divided among providers: nothing is lost, nothing is with the wrong one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use medrec_datasets::synth::{self, SynthFormat, SynthOptions};
use medrec_datasets::{DatasetError, divide};

/// Rows of a file as sets of lines.
fn rows(folder: &Path, name: &str) -> BTreeSet<String> {
    fs::read_to_string(folder.join(name)).unwrap().lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn every_row_of_an_export_comes_to_exactly_one_provider_and_every_patient_to_each_who_saw_her() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    synth::run(&SynthOptions::new(5, 300, 9, SynthFormat::SyntheaCsv), &whole, &()).unwrap();
    let out = ["one", "two", "three"].map(|name| folder.path().join(name));
    let shares = divide::synthea(&whole, &out).unwrap();
    assert_eq!(shares.iter().map(|share| share.organisations.len()).sum::<usize>(), 9);
    for name in
        ["encounters.csv", "observations.csv", "medications.csv", "procedures.csv", "organizations.csv"]
    {
        let parts: Vec<_> = out.iter().map(|folder| rows(folder, name)).collect();
        let together: BTreeSet<String> = parts.iter().flatten().cloned().collect();
        assert_eq!(together, rows(&whole, name), "{name}");
        assert_eq!(parts.iter().map(BTreeSet::len).sum::<usize>(), together.len(), "{name}");
    }
    for share in &shares {
        let encounters = rows(&share.folder, "encounters.csv");
        assert_eq!(u64::try_from(encounters.len()).unwrap(), share.encounters);
        let seen: BTreeSet<String> =
            encounters.iter().map(|row| row.split(',').nth(3).unwrap().to_owned()).collect();
        assert_eq!(seen, share.patients);
        let patients = rows(&share.folder, "patients.csv");
        let copied: BTreeSet<String> = patients.iter().map(|row| row[..36].to_owned()).collect();
        assert_eq!(copied, share.patients);
        assert!(encounters.iter().all(|row| share.organisations.contains(row.split(',').nth(4).unwrap())));
    }
    let several = shares[0].patients.intersection(&shares[1].patients).count();
    assert!(several > 0, "no patient is at two providers");
}

#[test]
fn more_providers_than_organisations_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    synth::run(&SynthOptions::new(5, 50, 2, SynthFormat::SyntheaCsv), &whole, &()).unwrap();
    let out = ["one", "two", "three"].map(|name| folder.path().join(name));
    let refused = divide::synthea(&whole, &out);
    assert!(matches!(refused, Err(DatasetError::Option { option: "providers", .. })), "{refused:?}");
}

#[test]
fn the_ids_of_a_population_are_those_that_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    let options = SynthOptions::new(5, 120, 4, SynthFormat::SyntheaCsv);
    synth::run(&options, folder.path(), &()).unwrap();
    let ids: Vec<_> = (0..options.persons).map(|index| synth::source_id(&options, index).unwrap()).collect();
    let written = fs::read_to_string(folder.path().join("patients.csv")).unwrap();
    let written: Vec<_> = written.lines().skip(1).map(|row| row[..36].to_owned()).collect();
    assert_eq!(ids, written);
}
