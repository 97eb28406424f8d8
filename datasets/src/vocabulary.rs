//! The closed vocabularies of the canonical tables, and how sources' words become theirs.
//!
//! Sources disagree in case, spelling and code system. Every function here maps a source's word to a
//! word of a closed list, so that free text, and whatever a person typed into the wrong field, ends
//! here as `other` or `unknown`.

pub(crate) mod code;
pub(crate) mod encounter;
pub(crate) mod person;
pub(crate) mod place;

/// Letters and digits of a word in lower case, so that `Vital-Signs`, `vital signs` and `vital_signs` agree.
pub(crate) fn folded(word: &str) -> String {
    word.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
