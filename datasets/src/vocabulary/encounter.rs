//! Classes of encounters and categories of measurements.

use super::folded;

/// Canonical class of an encounter, and the source's word if its vocabulary is known.
///
/// Known are HL7 v3 `ActCode` (AMB, EMER …), the words of Synthea and of hospital systems, and the
/// visit concepts of OMOP. Words of no known vocabulary become `other` and are not kept.
pub(crate) fn class(word: &str) -> (&'static str, bool) {
    let class = match folded(word).as_str() {
        "amb" | "ambulatory" | "outpatient" | "op" | "office" | "field" | "fld" | "9202" | "581477" => {
            "ambulatory"
        }
        "emer" | "emergency" | "er" | "ed" | "9203" => "emergency",
        "imp" | "inpatient" | "ip" | "acute" | "nonac" | "obsenc" | "observation" | "ss" | "shortstay"
        | "9201" | "262" | "8717" => "inpatient",
        "urgentcare" | "urgent" | "uc" | "8782" => "urgent-care",
        "wellness" | "checkup" => "wellness",
        "hh" | "home" | "homehealth" | "581476" => "home",
        "vr" | "virtual" | "telehealth" | "5083" => "virtual",
        "snf" | "hospice" | "longterm" | "42898160" | "8863" | "8546" => "long-term",
        _ => return ("other", false),
    };
    (class, true)
}

/// Canonical category of a measurement. Misspelt categories of real exports are listed.
pub(crate) fn category(word: &str) -> &'static str {
    match folded(word).as_str() {
        "laboratory" | "lab" | "labs" => "laboratory",
        "vitalsigns" | "vitalsign" | "vitals" => "vital-signs",
        "survey" | "surveys" => "survey",
        "socialhistory" => "social-history",
        "procedure" | "procedures" => "procedure",
        "exam" | "examination" => "exam",
        "therapy" => "therapy",
        "imaging" => "imaging",
        "activity" => "activity",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_vocabularies_of_classes_agree() {
        for word in ["ambulatory", "AMB", "outpatient", "9202"] {
            assert_eq!(class(word), ("ambulatory", true), "{word}");
        }
        assert_eq!(class("EMERGENCY"), class("EMER"));
        assert_eq!(class("URGENTCARE").0, "urgent-care");
        assert_eq!(class("visit of Mr. Smith"), ("other", false));
    }

    #[test]
    fn misspelt_categories_are_understood() {
        for word in ["vital-signs", "vital-sign", "Vital Signs", "vital_signs"] {
            assert_eq!(category(word), "vital-signs");
        }
    }
}
