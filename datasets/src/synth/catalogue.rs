//! What the synthetic population can have: codes, prevalences, distributions.
//!
//! Codes are real (SNOMED CT, LOINC, `RxNorm`). Prevalences are of the order that textbooks give for
//! high-income countries; they shape the data and estimate nothing.

/// Ages at which a prevalence changes: 0-17, 18-39, 40-64, 65-79, 80 and over.
pub(super) const AGE_STEPS: [i32; 4] = [18, 40, 65, 80];

/// A condition.
pub(super) struct ConditionKind {
    pub(super) snomed: &'static str,
    pub(super) name: &'static str,
    /// Share of each age group that has it (chronic), or gets it in a year (acute).
    pub(super) shares: [f64; 5],
    /// Factor for women; men have what keeps the mean.
    pub(super) women: f64,
    pub(super) chronic: bool,
    /// Index of the drug that treats it.
    pub(super) drug: Option<usize>,
}

const fn chronic(
    snomed: &'static str,
    name: &'static str,
    shares: [f64; 5],
    women: f64,
    drug: Option<usize>,
) -> ConditionKind {
    ConditionKind { snomed, name, shares, women, chronic: true, drug }
}

const fn acute(
    snomed: &'static str,
    name: &'static str,
    shares: [f64; 5],
    women: f64,
    drug: Option<usize>,
) -> ConditionKind {
    ConditionKind { snomed, name, shares, women, chronic: false, drug }
}

pub(super) const DIABETES: usize = 0;
pub(super) const HYPERTENSION: usize = 1;
pub(super) const ANAEMIA: usize = 7;

pub(super) const CONDITIONS: [ConditionKind; 22] = [
    chronic("44054006", "Diabetes mellitus type 2 (disorder)", [0.001, 0.02, 0.11, 0.22, 0.21], 0.9, Some(0)),
    chronic("38341003", "Hypertensive disorder (disorder)", [0.002, 0.08, 0.36, 0.62, 0.72], 0.97, Some(1)),
    chronic("195967001", "Asthma (disorder)", [0.08, 0.08, 0.07, 0.06, 0.05], 1.2, Some(2)),
    chronic(
        "13645005",
        "Chronic obstructive lung disease (disorder)",
        [0.0, 0.005, 0.05, 0.11, 0.12],
        0.95,
        Some(2),
    ),
    chronic("414545008", "Ischemic heart disease (disorder)", [0.0, 0.004, 0.05, 0.16, 0.25], 0.7, Some(3)),
    chronic("709044004", "Chronic kidney disease (disorder)", [0.001, 0.01, 0.05, 0.18, 0.3], 1.1, None),
    chronic("35489007", "Depressive disorder (disorder)", [0.03, 0.09, 0.09, 0.06, 0.05], 1.35, Some(4)),
    chronic("271737000", "Anemia (disorder)", [0.04, 0.05, 0.05, 0.08, 0.15], 1.4, Some(5)),
    chronic("414916001", "Obesity (disorder)", [0.12, 0.25, 0.3, 0.27, 0.15], 1.0, None),
    chronic("15777000", "Prediabetes (finding)", [0.01, 0.1, 0.25, 0.3, 0.25], 0.95, None),
    chronic("396275006", "Osteoarthritis (disorder)", [0.0, 0.02, 0.15, 0.32, 0.4], 1.25, Some(6)),
    chronic(
        "254837009",
        "Malignant neoplasm of breast (disorder)",
        [0.0, 0.001, 0.01, 0.025, 0.03],
        1.98,
        None,
    ),
    chronic(
        "399068003",
        "Malignant neoplasm of prostate (disorder)",
        [0.0, 0.0, 0.006, 0.03, 0.04],
        0.0,
        None,
    ),
    acute("195662009", "Acute viral pharyngitis (disorder)", [0.2, 0.1, 0.06, 0.04, 0.03], 1.0, None),
    acute("10509002", "Acute bronchitis (disorder)", [0.08, 0.05, 0.06, 0.07, 0.08], 1.0, Some(7)),
    acute("840539006", "Disease caused by SARS-CoV-2 (disorder)", [0.05, 0.08, 0.07, 0.06, 0.07], 1.0, None),
    acute("44465007", "Sprain of ankle (disorder)", [0.03, 0.02, 0.01, 0.005, 0.005], 1.0, Some(6)),
    acute(
        "68566005",
        "Urinary tract infectious disease (disorder)",
        [0.02, 0.05, 0.04, 0.06, 0.1],
        1.8,
        Some(7),
    ),
    acute("233604007", "Pneumonia (disorder)", [0.01, 0.005, 0.008, 0.02, 0.05], 0.95, Some(7)),
    // Rare: small cells that a release has to keep safe.
    chronic("190905008", "Cystic fibrosis (disorder)", [0.0002, 0.0001, 0.00002, 0.0, 0.0], 1.0, None),
    chronic(
        "58756001",
        "Huntington's chorea (disorder)",
        [0.0, 0.00004, 0.0001, 0.00006, 0.00002],
        1.0,
        None,
    ),
    chronic(
        "86044005",
        "Amyotrophic lateral sclerosis (disorder)",
        [0.0, 0.00001, 0.00006, 0.00015, 0.0001],
        0.8,
        None,
    ),
];

/// A drug, by `RxNorm`.
pub(super) struct Drug {
    pub(super) rxnorm: &'static str,
    pub(super) name: &'static str,
    pub(super) days: i32,
}

const fn drug(rxnorm: &'static str, name: &'static str, days: i32) -> Drug {
    Drug { rxnorm, name, days }
}

pub(super) const DRUGS: [Drug; 8] = [
    drug("860975", "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet", 90),
    drug("314076", "lisinopril 10 MG Oral Tablet", 90),
    drug("745679", "200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler", 30),
    drug("314231", "simvastatin 10 MG Oral Tablet", 90),
    drug("312940", "sertraline 50 MG Oral Tablet", 90),
    drug("310325", "ferrous sulfate 325 MG Oral Tablet", 60),
    drug("310965", "ibuprofen 200 MG Oral Tablet", 14),
    drug("308182", "amoxicillin 250 MG Oral Capsule", 10),
];

/// A measurement, by LOINC: normal with these parameters, cut off at the ends.
pub(super) struct Test {
    pub(super) loinc: &'static str,
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) mean: f64,
    pub(super) sd: f64,
    pub(super) lowest: f64,
    pub(super) highest: f64,
    pub(super) decimals: u8,
    /// `vital-signs` are taken at every encounter, `laboratory` at some.
    pub(super) category: &'static str,
    /// Condition that shifts the mean, and by how much.
    pub(super) shift: Option<(usize, f64)>,
}

macro_rules! tests {
    ($($loinc:literal $name:literal $unit:literal, $mean:literal +- $sd:literal in $lowest:literal..$highest:literal,
       $decimals:literal, $category:literal, $shift:expr;)*) => {
        &[$(Test {
            loinc: $loinc, name: $name, unit: $unit, mean: $mean, sd: $sd, lowest: $lowest, highest: $highest,
            decimals: $decimals, category: $category, shift: $shift,
        }),*]
    };
}

pub(super) const TESTS: &[Test] = tests! {
    "8480-6" "Systolic Blood Pressure" "mm[Hg]", 121.0 +- 13.0 in 70.0..240.0, 0, "vital-signs", Some((HYPERTENSION, 22.0));
    "8462-4" "Diastolic Blood Pressure" "mm[Hg]", 76.0 +- 9.0 in 40.0..140.0, 0, "vital-signs", Some((HYPERTENSION, 11.0));
    "39156-5" "Body Mass Index" "kg/m2", 27.0 +- 5.0 in 11.0..65.0, 1, "vital-signs", Some((8, 7.5));
    "8867-4" "Heart rate" "/min", 76.0 +- 10.0 in 38.0..180.0, 0, "vital-signs", None;
    "4548-4" "Hemoglobin A1c/Hemoglobin.total in Blood" "%", 5.4 +- 0.4 in 3.5..16.0, 1, "laboratory", Some((DIABETES, 1.9));
    "2339-0" "Glucose [Mass/volume] in Blood" "mg/dL", 93.0 +- 11.0 in 35.0..600.0, 0, "laboratory", Some((DIABETES, 58.0));
    "2093-3" "Total Cholesterol" "mg/dL", 189.0 +- 35.0 in 80.0..420.0, 0, "laboratory", None;
    "718-7" "Hemoglobin [Mass/volume] in Blood" "g/dL", 14.1 +- 1.3 in 5.0..20.0, 1, "laboratory", Some((ANAEMIA, -3.2));
    "2498-4" "Iron [Mass/volume] in Serum or Plasma" "ug/dL", 95.0 +- 32.0 in 8.0..320.0, 0, "laboratory", Some((ANAEMIA, -48.0));
    "33914-3" "Estimated Glomerular Filtration Rate" "mL/min/{1.73_m2}", 92.0 +- 15.0 in 5.0..140.0, 0, "laboratory", Some((5, -45.0));
};

/// Procedures, by SNOMED CT.
pub(super) const PROCEDURES: [(&str, &str); 6] = [
    ("430193006", "Medication Reconciliation (procedure)"),
    ("171207006", "Depression screening (procedure)"),
    ("73761001", "Colonoscopy (procedure)"),
    ("399208008", "Plain X-ray of chest (procedure)"),
    ("29303009", "Electrocardiographic procedure (procedure)"),
    ("232717009", "Coronary artery bypass grafting (procedure)"),
];

/// A class of encounters: canonical word, `ActCode` of HL7 v3, OMOP visit concept, SNOMED type, share.
pub(super) struct ClassKind {
    pub(super) word: &'static str,
    pub(super) act_code: &'static str,
    pub(super) visit_concept: u32,
    pub(super) snomed: &'static str,
    pub(super) name: &'static str,
    pub(super) share: f64,
}

pub(super) const CLASSES: [ClassKind; 5] = [
    ClassKind {
        word: "ambulatory",
        act_code: "AMB",
        visit_concept: 9202,
        snomed: "185345009",
        name: "Encounter for symptom",
        share: 0.72,
    },
    ClassKind {
        word: "virtual",
        act_code: "VR",
        visit_concept: 5083,
        snomed: "448337001",
        name: "Telemedicine consultation with patient",
        share: 0.1,
    },
    ClassKind {
        word: "emergency",
        act_code: "EMER",
        visit_concept: 9203,
        snomed: "50849002",
        name: "Emergency room admission (procedure)",
        share: 0.09,
    },
    ClassKind {
        word: "inpatient",
        act_code: "IMP",
        visit_concept: 9201,
        snomed: "32485007",
        name: "Hospital admission (procedure)",
        share: 0.06,
    },
    ClassKind {
        word: "home",
        act_code: "HH",
        visit_concept: 581_476,
        snomed: "439708006",
        name: "Home visit (procedure)",
        share: 0.03,
    },
];

/// States and the first digits of their postal codes. 036 and 059 hold 20,000 people or fewer.
pub(super) const STATES: [(&str, &str, &[&str]); 6] = [
    ("MA", "Massachusetts", &["010", "017", "018", "019", "021", "024"]),
    ("NY", "New York", &["100", "112", "117", "130", "146"]),
    ("CT", "Connecticut", &["060", "064", "066"]),
    ("NH", "New Hampshire", &["030", "031", "036", "038"]),
    ("VT", "Vermont", &["050", "054", "056", "059"]),
    ("ME", "Maine", &["040", "041", "044"]),
];

/// A code of an OMOP concept of our own. Ids above two billion are reserved for local concepts.
pub(super) const LOCAL_CONCEPTS: u32 = 2_000_000_000;
