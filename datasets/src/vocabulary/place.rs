//! Places: postal codes to three digits, states to their abbreviations.

use super::folded;

/// Three-digit ZIP areas in which 20,000 people or fewer live: those of the 2000 census, which the
/// guidance on 45 CFR 164.514(b)(2)(i)(B) lists, and those that the 2010 census added. They become 000.
const SMALL_ZIP3: [&str; 22] = [
    "036", "059", "063", "102", "203", "205", "369", "556", "692", "753", "772", "790", "821", "823", "830",
    "831", "878", "879", "884", "890", "893", "999",
];

/// First three digits of a US postal code, or `000` where few people live; `None` if it is no code.
///
/// Spreadsheets drop leading zeros, so shorter numbers are padded to five digits first.
pub(crate) fn zip3(postal_code: &str) -> Option<String> {
    let digits = postal_code.trim();
    let digits = digits.split_once('-').map_or(digits, |(five, _)| five);
    let digits = if digits.len() == 9 { digits.get(..5)? } else { digits };
    if !(3..=5).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{digits:0>5}");
    let zip3 = &padded[..3];
    Some(if SMALL_ZIP3.contains(&zip3) || zip3 == "000" { "000".to_owned() } else { zip3.to_owned() })
}

/// States and territories of the United States: abbreviation and folded name.
const STATES: [(&str, &str); 56] = [
    ("AL", "alabama"),
    ("AK", "alaska"),
    ("AZ", "arizona"),
    ("AR", "arkansas"),
    ("CA", "california"),
    ("CO", "colorado"),
    ("CT", "connecticut"),
    ("DE", "delaware"),
    ("DC", "districtofcolumbia"),
    ("FL", "florida"),
    ("GA", "georgia"),
    ("HI", "hawaii"),
    ("ID", "idaho"),
    ("IL", "illinois"),
    ("IN", "indiana"),
    ("IA", "iowa"),
    ("KS", "kansas"),
    ("KY", "kentucky"),
    ("LA", "louisiana"),
    ("ME", "maine"),
    ("MD", "maryland"),
    ("MA", "massachusetts"),
    ("MI", "michigan"),
    ("MN", "minnesota"),
    ("MS", "mississippi"),
    ("MO", "missouri"),
    ("MT", "montana"),
    ("NE", "nebraska"),
    ("NV", "nevada"),
    ("NH", "newhampshire"),
    ("NJ", "newjersey"),
    ("NM", "newmexico"),
    ("NY", "newyork"),
    ("NC", "northcarolina"),
    ("ND", "northdakota"),
    ("OH", "ohio"),
    ("OK", "oklahoma"),
    ("OR", "oregon"),
    ("PA", "pennsylvania"),
    ("RI", "rhodeisland"),
    ("SC", "southcarolina"),
    ("SD", "southdakota"),
    ("TN", "tennessee"),
    ("TX", "texas"),
    ("UT", "utah"),
    ("VT", "vermont"),
    ("VA", "virginia"),
    ("WA", "washington"),
    ("WV", "westvirginia"),
    ("WI", "wisconsin"),
    ("WY", "wyoming"),
    ("PR", "puertorico"),
    ("GU", "guam"),
    ("VI", "virginislands"),
    ("AS", "americansamoa"),
    ("MP", "northernmarianaislands"),
];

/// A state's abbreviation, from its name or abbreviation; `None` for anything else.
///
/// A state is the smallest area that the tables name. A city or a street in this field ends here.
pub(crate) fn region(state: &str) -> Option<&'static str> {
    let word = folded(state);
    let same = |(short, name): &&(&'static str, &str)| word == *name || word.eq_ignore_ascii_case(short);
    STATES.iter().find(same).map(|(short, _)| *short)
}

/// ISO 3166 alpha-2 code of a country; `None` if it is not one that is known.
pub(crate) fn nation(country: &str) -> Option<&'static str> {
    match folded(country).as_str() {
        "us" | "usa" | "unitedstates" | "unitedstatesofamerica" | "840" => Some("US"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postal_codes_lose_all_but_three_digits_and_regain_their_zero() {
        assert_eq!(zip3("01701").as_deref(), Some("017"));
        assert_eq!(zip3("2780").as_deref(), Some("027"));
        assert_eq!(zip3("02780-1234").as_deref(), Some("027"));
        assert_eq!(zip3("027801234").as_deref(), Some("027"));
        assert_eq!(zip3("501").as_deref(), Some("005"));
        for text in ["", "12", "H2X 1Y4", "1 Main St", "00000x"] {
            assert_eq!(zip3(text), None, "{text:?}");
        }
    }

    #[test]
    fn areas_with_few_people_are_hidden() {
        for text in ["03601", "3601", "69210", "00000", "82100", "20500"] {
            assert_eq!(zip3(text).as_deref(), Some("000"), "{text}");
        }
    }

    #[test]
    fn only_states_are_regions() {
        assert_eq!(region("Massachusetts"), Some("MA"));
        assert_eq!(region("ma"), Some("MA"));
        assert_eq!(region("New York"), Some("NY"));
        assert_eq!(region("Framingham"), None);
        assert_eq!(region("772 Rutherford Trail"), None);
    }
}
