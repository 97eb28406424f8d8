//! The clinic's schema, as its software would have made it.

/// The mapping, which docs/DATA.md explains line by line.
pub(super) const MAPPING: &str = include_str!("../../../mappings/clinic.toml");

pub(super) const CREATE: &str = "
CREATE TABLE clinics (
    clinic_code TEXT PRIMARY KEY, clinic_name TEXT NOT NULL, street TEXT, us_state TEXT, telephone TEXT
);
CREATE TABLE patients (
    patient_no INTEGER PRIMARY KEY, mrn TEXT NOT NULL UNIQUE, first_name TEXT, last_name TEXT, gender TEXT,
    born_on TEXT, died_on TEXT, ssn TEXT, drivers_licence TEXT, passport TEXT, telephone TEXT, street TEXT,
    town TEXT, us_state TEXT, postcode TEXT, race_code TEXT, is_hispanic INTEGER
);
CREATE TABLE visits (
    visit_no INTEGER PRIMARY KEY, patient_no INTEGER NOT NULL REFERENCES patients, clinic_code TEXT REFERENCES clinics,
    visit_kind TEXT, arrived_at TEXT, left_at TEXT, reason_code TEXT, note TEXT
);
CREATE TABLE diagnoses (
    visit_no INTEGER NOT NULL REFERENCES visits, snomed_code TEXT, description TEXT, onset_on TEXT, resolved_on TEXT
);
CREATE TABLE results (
    visit_no INTEGER NOT NULL REFERENCES visits, panel TEXT, loinc_code TEXT, test_name TEXT, taken_at TEXT,
    result_unit TEXT, status TEXT, result_value REAL
);
CREATE TABLE prescriptions (
    visit_no INTEGER NOT NULL REFERENCES visits, rxnorm_code TEXT, drug_name TEXT, first_day TEXT, last_day TEXT,
    prescriber TEXT
);
CREATE TABLE interventions (
    visit_no INTEGER NOT NULL REFERENCES visits, snomed_code TEXT, description TEXT, done_on TEXT
);
";

pub(super) const INDEX: &str = "
CREATE INDEX visits_of_patient ON visits (patient_no);
CREATE INDEX diagnoses_of_visit ON diagnoses (visit_no);
CREATE INDEX results_of_visit ON results (visit_no);
CREATE INDEX prescriptions_of_visit ON prescriptions (visit_no);
CREATE INDEX interventions_of_visit ON interventions (visit_no);
ANALYZE;
";

/// How rows of each table are inserted, in the order in which tables refer to each other.
pub(super) const TABLES: [&str; 7] = [
    "INSERT INTO clinics ",
    "INSERT INTO patients ",
    "INSERT INTO visits ",
    "INSERT INTO diagnoses ",
    "INSERT INTO results ",
    "INSERT INTO prescriptions ",
    "INSERT INTO interventions ",
];
