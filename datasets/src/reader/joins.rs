//! What rows of one file need to know of rows of another.
//!
//! Events name a patient and an encounter; the canonical row also names the organisation. Persons and
//! encounters are indexed by pseudonym while they are read, and every later row is completed at once,
//! so that nobody has to join tens of millions of rows afterwards.

use std::collections::HashMap;

use crate::error::RowProblem;
use crate::index::PseudonymIndex;
use crate::options::ReadOptions;
use crate::pseudonym::Kind;

/// No organisation.
pub(crate) const NO_ORGANISATION: u32 = u32::MAX;

/// An organisation as it is collected.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrganisationRecord {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) nation: Option<&'static str>,
    pub(crate) region: Option<&'static str>,
}

/// Organisations by number, in the order in which they were met.
#[derive(Debug, Default)]
pub(crate) struct Organisations {
    list: Vec<OrganisationRecord>,
    numbers: HashMap<String, u32>,
}

impl Organisations {
    /// The number of an organisation, known or new.
    pub(crate) fn number(&mut self, id: &str) -> u32 {
        if let Some(&number) = self.numbers.get(id) {
            return number;
        }
        self.add(OrganisationRecord { id: id.to_owned(), ..OrganisationRecord::default() })
    }

    /// Adds an organisation or completes the one of that id.
    pub(crate) fn add(&mut self, record: OrganisationRecord) -> u32 {
        let next = u32::try_from(self.list.len()).unwrap_or(NO_ORGANISATION);
        let number = *self.numbers.entry(record.id.clone()).or_insert(next);
        if number == next {
            self.list.push(record);
        } else if let Some(known) = usize::try_from(number).ok().and_then(|index| self.list.get_mut(index)) {
            *known = record;
        }
        number
    }

    pub(crate) fn id(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number).ok()?;
        self.list.get(index).map(|record| record.id.as_str())
    }

    pub(crate) fn list(&self) -> &[OrganisationRecord] {
        &self.list
    }
}

/// An encounter as the index keeps it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) encounter: u64,
    pub(crate) person: u64,
    /// Number of the organisation, or [`NO_ORGANISATION`].
    pub(crate) organisation: u32,
    /// Days since 1970 of its start.
    pub(crate) start_day: i32,
}

/// The latest encounter of a person with an organisation.
#[derive(Debug, Clone, Copy)]
struct LastSeen {
    start_day: i32,
    organisation: u32,
    encounter: u64,
}

/// Indexes over persons and encounters, and the organisations.
pub(crate) struct Joins<'o> {
    options: &'o ReadOptions,
    persons: PseudonymIndex,
    last_seen: Vec<LastSeen>,
    encounters: PseudonymIndex,
    encounter_organisations: Vec<u32>,
    pub(crate) organisations: Organisations,
}

impl<'o> Joins<'o> {
    pub(crate) fn new(options: &'o ReadOptions) -> Self {
        let mut organisations = Organisations::default();
        for site in 0..options.synthetic_sites {
            organisations.number(&format!("site-{:03}", site + 1));
        }
        Self {
            options,
            persons: PseudonymIndex::default(),
            last_seen: Vec::new(),
            encounters: PseudonymIndex::default(),
            encounter_organisations: Vec::new(),
            organisations,
        }
    }

    /// Takes the persons of the source; `sorted` and distinct.
    pub(crate) fn set_persons(&mut self, sorted: Vec<u64>) {
        let nobody = LastSeen { start_day: i32::MIN, organisation: NO_ORGANISATION, encounter: 0 };
        self.last_seen = vec![nobody; sorted.len()];
        self.persons = PseudonymIndex::new(sorted);
    }

    /// Takes the encounters of the source. Of two with one id the first stays.
    pub(crate) fn set_encounters(&mut self, mut links: Vec<Link>) {
        // Stable, so that of two encounters with one id the first stays.
        links.sort_by_key(|link| link.encounter);
        links.dedup_by_key(|link| link.encounter);
        for link in &links {
            let Some(position) = self.persons.position(link.person) else { continue };
            if link.organisation == NO_ORGANISATION {
                continue;
            }
            let last = &mut self.last_seen[position];
            // Encounters of one day are ordered by their pseudonyms: any rule will do that ignores row order.
            if (link.start_day, link.encounter) > (last.start_day, last.encounter) {
                *last = LastSeen {
                    start_day: link.start_day,
                    organisation: link.organisation,
                    encounter: link.encounter,
                };
            }
        }
        self.encounter_organisations = links.iter().map(|link| link.organisation).collect();
        self.encounters = PseudonymIndex::new(links.into_iter().map(|link| link.encounter).collect());
    }

    /// Pseudonym of a patient whom the source knows.
    pub(crate) fn person(&self, source_id: &str) -> Option<u64> {
        let pseudonym = self.pseudonym(source_id);
        self.persons.position(pseudonym).map(|_| pseudonym)
    }

    /// Pseudonym of a patient whom the source knows, or the problem with the column that names her.
    pub(crate) fn known_person(&self, source_id: &str, column: &str) -> Result<u64, RowProblem> {
        self.person(source_id)
            .ok_or_else(|| RowProblem::new(column, source_id, "is no patient of this source"))
    }

    /// Whether a pseudonym is that of a person of the source.
    pub(crate) fn is_known(&self, person: u64) -> bool {
        self.persons.position(person).is_some()
    }

    pub(crate) fn pseudonym(&self, source_id: &str) -> u64 {
        self.options.key.of(Kind::Person, source_id.as_bytes())
    }

    pub(crate) fn encounter(&self, source_id: &str) -> u64 {
        self.options.key.of(Kind::Encounter, source_id.as_bytes())
    }

    /// The organisation at which an event happened: that of its encounter, or the person's synthetic site.
    pub(crate) fn organisation(&self, encounter: Option<u64>, person: u64) -> Option<&str> {
        let of_encounter = encounter
            .and_then(|encounter| self.encounters.position(encounter))
            .and_then(|position| self.organisations.id(self.encounter_organisations[position]));
        of_encounter.or_else(|| self.site(person))
    }

    /// The organisation that saw a person last, or her synthetic site.
    pub(crate) fn last_organisation(&self, person: u64) -> Option<&str> {
        let last = self.persons.position(person).map(|position| self.last_seen[position].organisation);
        last.and_then(|number| self.organisations.id(number)).or_else(|| self.site(person))
    }

    /// Where the options spread persons over sites: hers.
    pub(crate) fn site(&self, person: u64) -> Option<&str> {
        let sites = u64::from(self.options.synthetic_sites);
        let number = self.options.key.of(Kind::Site, &person.to_le_bytes()).checked_rem(sites)?;
        self.organisations.id(u32::try_from(number).ok()?)
    }
}
