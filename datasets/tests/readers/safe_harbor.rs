//! Nobody can be found: the sources' identifiers appear nowhere in what was written.

use std::collections::BTreeSet;
use std::io::Read;

use medrec_datasets::{Folder, Format, ReadOptions};
use medrec_domain::schema::Table;

use crate::exact::{canonical, exact_options, found_in, rendered, rows_by, shared};

/// Options as they are used: ages top-coded.
fn options() -> ReadOptions {
    ReadOptions { top_code_ages: true, ..exact_options() }
}

fn decompressed(path: &std::path::Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Fails if any of `identifiers` stands in a table: as a word, inside a text, or in the raw bytes of its files.
fn assert_absent(folder: &Folder, tables: &[Table], identifiers: &BTreeSet<String>, what: &str) {
    assert!(!identifiers.is_empty(), "the source has no {what}: this test checks nothing");
    for &table in tables {
        let text = rendered(folder, table);
        let words: BTreeSet<&str> = text.split(['\t', '\n', ' ']).collect();
        let as_word = identifiers.iter().find(|identifier| words.contains(identifier.as_str()));
        assert_eq!(as_word, None, "{what} stands in table {table}");
        assert_eq!(found_in(text.as_bytes(), identifiers, true), [""; 0], "{what} stands in table {table}");
        for path in folder.files(table).unwrap() {
            let raw = std::fs::read(&path).unwrap();
            // Short texts turn up in compressed bytes by chance; eight bytes do so once in 10^13.
            let long = identifiers.iter().filter(|identifier| identifier.len() >= 8).cloned().collect();
            assert_eq!(found_in(&raw, &long, false), [""; 0], "{what} stands in {}", path.display());
        }
    }
}

const ABOUT_PERSONS: [Table; 6] = [
    Table::Person,
    Table::Encounter,
    Table::Condition,
    Table::Measurement,
    Table::Medication,
    Table::Procedure,
];

/// Columns whose values may stand nowhere at all.
const EVERYWHERE: [&str; 11] =
    ["Id", "SSN", "DRIVERS", "PASSPORT", "FIRST", "LAST", "MAIDEN", "ADDRESS", "BIRTHPLACE", "LAT", "LON"];

#[test]
fn no_identifier_of_synthea_patients_is_written() {
    let source = shared("synthea-ma-csv");
    let (_directory, folder, _) = canonical(&source, &Format::SyntheaCsv, &options());
    let text = decompressed(&source.join("patients.csv.gz"));
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let header = reader.headers().unwrap().clone();
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    let column = |name: &str| -> BTreeSet<String> {
        let index = header.iter().position(|own| own == name).unwrap();
        records.iter().map(|record| record[index].to_owned()).filter(|value| !value.is_empty()).collect()
    };
    let union = |names: &[&str]| -> BTreeSet<String> {
        names
            .iter()
            .flat_map(|name| {
                let values = column(name);
                assert!(!values.is_empty(), "the source has no {name}: this test checks nothing");
                values
            })
            .collect()
    };
    assert_absent(&folder, &Table::ALL, &union(&EVERYWHERE), "identifier");
    let days = union(&["BIRTHDATE", "DEATHDATE"]);
    assert_absent(&folder, &[Table::Person, Table::Organisation], &days, "day of birth or death");
    // Names of public hospitals may contain a town; nothing else may.
    assert_absent(&folder, &ABOUT_PERSONS, &union(&["CITY", "ZIP"]), "town or postal code");
    let encounters = decompressed(&source.join("encounters.csv.gz"));
    let mut reader = csv::Reader::from_reader(encounters.as_slice());
    let ids = reader.records().map(|record| record.unwrap()[0].to_owned()).step_by(97).collect();
    assert_absent(&folder, &ABOUT_PERSONS, &ids, "encounter id");
}

#[test]
fn the_search_finds_what_is_there() {
    let source = shared("synthea-ma-csv");
    let (_directory, folder, _) = canonical(&source, &Format::SyntheaCsv, &options());
    let planted = |word: &str| {
        std::panic::catch_unwind(|| {
            assert_absent(&folder, &[Table::Person], &[word.to_owned()].into(), "plant");
        })
        .is_err()
    };
    assert!(planted("female") && planted("MA") && !planted("fema"));
}

#[test]
fn ages_over_89_are_one_age() {
    let (_directory, folder, _) = canonical(&shared("synthea-ma-csv"), &Format::SyntheaCsv, &options());
    let mut oldest = 0;
    for (key, count) in rows_by(&folder, Table::Person, ["birth_year", "death_year", "aged_90_or_over"]) {
        let parts: Vec<&str> = key.split('|').collect();
        let reference = parts[1].parse().unwrap_or(2019);
        let age: i32 = reference - parts[0].parse::<i32>().unwrap();
        assert!(age <= 90, "{key}");
        assert_eq!(age == 90, parts[2] == "true", "{key}");
        oldest += if age == 90 { count } else { 0 };
    }
    assert!(oldest > 10, "only {oldest} persons are 90 or older: this test checks nothing");
}
