//! Sex, race and ethnicity.

use super::folded;

/// `female`, `male`, `other` or `unknown`. Administrative gender of FHIR, letters of Synthea, OMOP
/// concept ids, words of hospital systems.
pub(crate) fn sex(word: &str) -> &'static str {
    match folded(word).as_str() {
        "f" | "female" | "woman" | "8532" => "female",
        "m" | "male" | "man" | "8507" => "male",
        "o" | "other" | "nonbinary" | "8521" => "other",
        _ => "unknown",
    }
}

/// OMB category of race: `white`, `black`, `asian`, `native`, `pacific`, `other` or `unknown`.
pub(crate) fn race(word: &str) -> &'static str {
    match folded(word).as_str() {
        "white" | "caucasian" | "21063" | "8527" => "white",
        "black" | "blackorafricanamerican" | "africanamerican" | "20545" | "8516" => "black",
        "asian" | "20289" | "8515" => "asian",
        "native" | "americanindianoralaskanative" | "americanindian" | "alaskanative" | "10025" | "8657" => {
            "native"
        }
        "hawaiian"
        | "pacific"
        | "nativehawaiianorotherpacificislander"
        | "pacificislander"
        | "20768"
        | "8557" => "pacific",
        "other" | "otherrace" | "21311" | "8522" | "hispanic" => "other",
        _ => "unknown",
    }
}

/// `hispanic`, `not-hispanic` or `unknown`.
pub(crate) fn ethnicity(word: &str) -> &'static str {
    match folded(word).as_str() {
        "hispanic" | "hispanicorlatino" | "21352" | "38003563" => "hispanic",
        "nonhispanic" | "nothispanic" | "nothispanicorlatino" | "21865" | "38003564" => "not-hispanic",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_vocabularies_agree() {
        for word in ["F", "female", "Female", "8532"] {
            assert_eq!(sex(word), "female");
        }
        assert_eq!(sex("Unknown/Invalid"), "unknown");
        for word in ["Black or African American", "black", "AfricanAmerican", "2054-5", "8516"] {
            assert_eq!(race(word), "black", "{word}");
        }
        assert_eq!(race("Mrs. Smith"), "unknown");
        assert_eq!(ethnicity("Not Hispanic or Latino"), "not-hispanic");
        assert_eq!(ethnicity("2135-2"), "hispanic");
    }
}
