//! Invented identities: what sources carry and canonical tables must not.
//!
//! Numbers are from ranges that are never issued (area 999 of social security numbers, exchange 555
//! of telephones); names end in digits, as Synthea's do.

use super::catalogue::STATES;
use super::random::Random;

const GIVEN: [&str; 12] =
    ["Alma", "Bruno", "Clara", "Darius", "Elif", "Fadi", "Greta", "Hugo", "Inez", "Jonah", "Keiko", "Lamar"];
const FAMILY: [&str; 12] = [
    "Abara",
    "Bergmann",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Farkas",
    "Gonzaga",
    "Haruki",
    "Ivanova",
    "Jankowski",
    "Kowalczyk",
    "Lindqvist",
];
const STREETS: [&str; 6] =
    ["Quarry Ln", "Orchard Rd", "Harbor Ave", "Mill Pond Way", "Juniper Ct", "Granite St"];

/// An invented identity.
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) ssn: String,
    pub(super) licence: String,
    pub(super) passport: String,
    pub(super) phone: String,
    pub(super) street: String,
    pub(super) city: String,
    pub(super) postal_code: String,
    pub(super) latitude: String,
    pub(super) longitude: String,
}

impl Identity {
    pub(super) fn draw(random: &mut Random, index: u64, state: usize) -> Self {
        let (_, _, areas) = STATES[state];
        let area = *random.pick(areas);
        let mut name = |list: &[&str]| format!("{}{}", random.pick(list), random.below(1000));
        let (given, family) = (name(&GIVEN), name(&FAMILY));
        Self {
            id: uuid(random, index),
            given,
            family,
            ssn: format!("999-{:02}-{:04}", random.below(100), random.below(10_000)),
            licence: format!("S999{:05}", random.below(100_000)),
            passport: format!("X{:08}X", random.below(100_000_000)),
            phone: format!("555-{:03}-{:04}", random.below(1000), random.below(10_000)),
            street: format!("{} {}", 1 + random.below(999), random.pick(&STREETS)),
            city: format!("Town of {}", random.pick(&FAMILY)),
            postal_code: format!("{area}{:02}", random.below(100)),
            latitude: format!("{:.6}", 40.5 + 4.0 * random.unit()),
            longitude: format!("{:.6}", -74.0 + 4.0 * random.unit()),
        }
    }
}

/// An id of the form of a UUID (version 4) that holds the person's number, so that no two are equal.
fn uuid(random: &mut Random, index: u64) -> String {
    let bits = random.bits();
    let (a, b) = (bits >> 32, bits >> 16 & 0xffff);
    format!("{a:08x}-{b:04x}-4{:03x}-8{:03x}-{:012x}", bits >> 4 & 0xfff, random.below(0x1000), index)
}

/// Id of a person's encounter, derived from hers.
pub(super) fn encounter_id(person_id: &str, number: usize) -> String {
    // The first group is replaced by the number with a mark that no person's id carries.
    format!("{:07x}e{}", number, &person_id[8..])
}
