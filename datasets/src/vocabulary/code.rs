//! Codes and the vocabularies that they belong to.

use super::folded;

/// Canonical name of a code system, from a FHIR URI, an OID, an OMOP vocabulary id or a word.
/// `None` for systems that are not known; their codes are kept under `other`.
pub(crate) fn system(name: &str) -> Option<&'static str> {
    let name = name.trim().trim_end_matches('/');
    Some(match name {
        "http://snomed.info/sct" | "urn:oid:2.16.840.1.113883.6.96" => "snomed",
        "http://loinc.org" | "urn:oid:2.16.840.1.113883.6.1" => "loinc",
        "http://www.nlm.nih.gov/research/umls/rxnorm" | "urn:oid:2.16.840.1.113883.6.88" => "rxnorm",
        "http://hl7.org/fhir/sid/cvx" | "http://terminology.hl7.org/CodeSystem/cvx" => "cvx",
        "http://hl7.org/fhir/sid/icd-10-cm" | "urn:oid:2.16.840.1.113883.6.90" => "icd10cm",
        "http://hl7.org/fhir/sid/icd-10" => "icd10",
        "http://hl7.org/fhir/sid/icd-9-cm" | "urn:oid:2.16.840.1.113883.6.103" => "icd9cm",
        "http://www.ama-assn.org/go/cpt" => "cpt4",
        "http://hl7.org/fhir/sid/ndc" => "ndc",
        _ => match folded(name).as_str() {
            "snomed" | "snomedct" => "snomed",
            "loinc" => "loinc",
            "rxnorm" | "rxnormextension" => "rxnorm",
            "cvx" => "cvx",
            "icd10cm" => "icd10cm",
            "icd10" => "icd10",
            "icd9cm" => "icd9cm",
            "icd9proc" => "icd9proc",
            "icd10pcs" => "icd10pcs",
            "cpt4" | "cpt" => "cpt4",
            "hcpcs" => "hcpcs",
            "ndc" => "ndc",
            "gender" => "gender",
            _ => return None,
        },
    })
}

/// Whether a text can be a code: 1 to 20 letters, digits, dots, hyphens. Names with blanks cannot.
pub(crate) fn is_code(text: &str) -> bool {
    text.len() <= 20 && is_name(text)
}

/// Whether a text can be a name that a mapping declares: 1 to 64 letters, digits, dots, hyphens, underscores.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// Whether a text can be a UCUM unit: short, without blanks, printable ASCII.
pub(crate) fn is_unit(text: &str) -> bool {
    (1..=24).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// SNOMED code of the words in which flat exports write smoking status (LOINC 72166-2). Other texts
/// are not coded and are dropped.
pub(crate) fn of_answer(text: &str) -> Option<&'static str> {
    Some(match folded(text).as_str() {
        "neversmoker" | "neversmokedtobaccofinding" => "266919005",
        "formersmoker" | "exsmokerfinding" => "8517006",
        "currenteverydaysmoker" | "smokestobaccodailyfinding" => "449868002",
        "currentsomedaysmoker" => "428041000124106",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_have_one_name() {
        for name in ["http://snomed.info/sct", "SNOMED", "SNOMED-CT", "snomed"] {
            assert_eq!(system(name), Some("snomed"));
        }
        assert_eq!(system("RxNorm Extension"), Some("rxnorm"));
        assert_eq!(system("local"), None);
    }

    #[test]
    fn a_name_or_a_sentence_is_no_code() {
        for text in ["", "John Smith", "999-99-9999-999999999999", "n\u{e9}e", "a/b"] {
            assert!(!is_code(text), "{text:?}");
        }
        for text in ["44054006", "2498-4", "E11.9", "V57"] {
            assert!(is_code(text), "{text:?}");
        }
    }
}
