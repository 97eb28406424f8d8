//! One synthetic person with all her records, and the world that she lives in.

use medrec_domain::CalendarDate;

use super::catalogue::{AGE_STEPS, CLASSES, CONDITIONS, DRUGS, PROCEDURES, STATES, TESTS};
use super::identity::Identity;
use super::random::Random;

/// What all persons share.
pub(super) struct World {
    seed: u64,
    pub(super) organisations: Vec<Clinic>,
    /// Running sum of the organisations' sizes, ending at 1.
    cumulative: Vec<f64>,
    pub(super) from: CalendarDate,
    pub(super) until: CalendarDate,
}

/// A provider organisation.
pub(super) struct Clinic {
    pub(super) id: String,
    pub(super) name: String,
    /// Index into [`STATES`].
    pub(super) state: usize,
}

impl World {
    pub(super) fn new(seed: u64, organisations: u32, from: CalendarDate, until: CalendarDate) -> Self {
        let mut random = Random::of(seed, u64::MAX);
        let clinics: Vec<Clinic> = (0..organisations)
            .map(|number| {
                let state = if number < 6 {
                    usize::try_from(number).unwrap_or(0)
                } else {
                    random.index(STATES.len())
                };
                let kind = if number < 6 { "General Hospital" } else { "Health Center" };
                Clinic {
                    id: format!("org-{:05}", number + 1),
                    name: format!("{} {kind} {}", STATES[state].1, number + 1),
                    state,
                }
            })
            .collect();
        let total: f64 = (1..=organisations).map(|rank| 1.0 / f64::from(rank)).sum();
        let mut running = 0.0;
        let cumulative = (1..=organisations)
            .map(|rank| {
                running += 1.0 / f64::from(rank) / total;
                running
            })
            .collect();
        Self { seed, organisations: clinics, cumulative, from, until }
    }

    fn draw_organisation(&self, random: &mut Random) -> usize {
        let drawn = random.unit();
        self.cumulative.partition_point(|&sum| sum <= drawn).min(self.organisations.len() - 1)
    }
}

pub(super) struct Encounter {
    pub(super) class: usize,
    pub(super) organisation: usize,
    pub(super) start: CalendarDate,
    pub(super) end: CalendarDate,
}

/// A condition, drug or procedure at an encounter.
pub(super) struct Event {
    pub(super) encounter: usize,
    pub(super) kind: usize,
    pub(super) start: CalendarDate,
    pub(super) end: Option<CalendarDate>,
}

pub(super) struct Measurement {
    pub(super) encounter: usize,
    pub(super) test: usize,
    pub(super) value: f64,
}

/// A person.
pub(super) struct Person {
    pub(super) index: u64,
    pub(super) identity: Identity,
    pub(super) female: bool,
    /// Canonical words.
    pub(super) race: &'static str,
    pub(super) hispanic: bool,
    pub(super) state: usize,
    pub(super) birth: CalendarDate,
    pub(super) death: Option<CalendarDate>,
    pub(super) encounters: Vec<Encounter>,
    pub(super) conditions: Vec<Event>,
    pub(super) measurements: Vec<Measurement>,
    pub(super) medications: Vec<Event>,
    pub(super) procedures: Vec<Event>,
}

/// Group of an age among [`AGE_STEPS`].
fn age_group(age: i32) -> usize {
    AGE_STEPS.iter().filter(|&&step| age >= step).count()
}

/// Yearly chance of death in each age group.
const MORTALITY: [f64; 5] = [0.0003, 0.0012, 0.005, 0.022, 0.1];
/// Mean encounters a year in each age group, without chronic conditions.
const VISITS: [f64; 5] = [0.8, 0.7, 1.0, 1.4, 1.7];
const RACES: [(&str, f64); 5] =
    [("white", 0.72), ("black", 0.86), ("asian", 0.93), ("native", 0.94), ("other", 1.0)];

impl Person {
    /// Draws person number `index`. The same world and number give the same person.
    pub(super) fn draw(world: &World, index: u64) -> Self {
        let mut random = Random::of(world.seed, index);
        let home = world.draw_organisation(&mut random);
        let state = world.organisations[home].state;
        let identity = Identity::draw(&mut random, index, state);
        let female = random.chance(0.51);
        // Fewer people in each older year: a pyramid that ends at 100.
        let age_years = 100.0 * (1.0 - random.unit().powf(0.55));
        #[expect(clippy::cast_possible_truncation, reason = "at most 36,525 days")]
        let age_days = (age_years * 365.25) as i32;
        // Ages are those at the start of the records; some are born during them.
        let length = world.until.days() - world.from.days();
        let newborn_days =
            if random.chance(0.012) { random.index(usize::try_from(length).unwrap_or(1)) } else { 0 };
        let newborn_days = i32::try_from(newborn_days).unwrap_or(0);
        let birth_shift = if newborn_days > 0 { newborn_days } else { -age_days };
        let birth = world.from.plus_days(birth_shift).unwrap_or(world.from);
        let drawn = random.unit();
        let race = RACES.iter().find(|(_, sum)| drawn < *sum).map_or("other", |(word, _)| word);
        let hispanic = random.chance(0.17);
        let death = draw_death(&mut random, world, birth);
        let mut person = Self {
            index,
            identity,
            female,
            race,
            hispanic,
            state,
            birth,
            death,
            encounters: Vec::new(),
            conditions: Vec::new(),
            measurements: Vec::new(),
            medications: Vec::new(),
            procedures: Vec::new(),
        };
        person.live(world, &mut random, home);
        person
    }

    /// First and last day (exclusive) of the records that this person can have.
    fn span(&self, world: &World) -> (CalendarDate, CalendarDate) {
        (self.birth.max(world.from), self.death.unwrap_or(world.until).min(world.until))
    }

    fn live(&mut self, world: &World, random: &mut Random, home: usize) {
        let (from, until) = self.span(world);
        let days = until.days() - from.days();
        let group = age_group(until.year() - self.birth.year());
        let chronic: Vec<usize> = (0..CONDITIONS.len())
            .filter(|&kind| CONDITIONS[kind].chronic && random.chance(self.share(kind, group)))
            .collect();
        let years = f64::from(days) / 365.25;
        let burden = f64::from(u32::try_from(chronic.len()).unwrap_or(0));
        let visits = random.poisson((VISITS[group] + 0.55 * burden) * years);
        if days <= 0 || visits == 0 {
            return;
        }
        // Several providers: most people have another one, some a third.
        let mut providers = vec![home];
        while providers.len() < 3 && random.chance(0.45) {
            providers.push(world.draw_organisation(random));
        }
        let mut starts: Vec<i32> = (0..visits)
            .map(|_| i32::try_from(random.below(u32::try_from(days).unwrap_or(1))).unwrap_or(0))
            .collect();
        starts.sort_unstable();
        for start in starts {
            let start = from.plus_days(start).unwrap_or(from);
            self.visit(world, random, &providers, start);
        }
        self.diagnose(random, &chronic, group, years);
        self.measure(random, &chronic);
    }

    /// Share of this person's sex and age group that has, or in a year gets, a condition.
    fn share(&self, kind: usize, group: usize) -> f64 {
        let condition = &CONDITIONS[kind];
        let sex = if self.female { condition.women } else { 2.0 - condition.women };
        condition.shares[group] * sex
    }

    fn visit(&mut self, world: &World, random: &mut Random, providers: &[usize], start: CalendarDate) {
        let mut drawn = random.unit();
        let class = CLASSES.iter().position(|kind| {
            drawn -= kind.share;
            drawn < 0.0
        });
        let class = class.unwrap_or(0);
        let organisation = if random.chance(0.7) { providers[0] } else { *random.pick(providers) };
        let stay = if CLASSES[class].word == "inpatient" {
            1 + i32::try_from(random.poisson(3.5)).unwrap_or(0)
        } else {
            0
        };
        let last = self.death.unwrap_or(world.until).min(world.until).plus_days(-1).unwrap_or(start);
        let end = start.plus_days(stay).unwrap_or(start).min(last).max(start);
        self.encounters.push(Encounter { class, organisation, start, end });
        let encounter = self.encounters.len() - 1;
        if random.chance(0.3) {
            let kind = random.index(PROCEDURES.len() * 2).min(PROCEDURES.len() - 1) % PROCEDURES.len();
            self.procedures.push(Event { encounter, kind, start, end: None });
        }
    }

    fn diagnose(&mut self, random: &mut Random, chronic: &[usize], group: usize, years: f64) {
        let acute: Vec<usize> = (0..CONDITIONS.len()).filter(|&kind| !CONDITIONS[kind].chronic).collect();
        for &kind in chronic {
            let encounter = random.index(self.encounters.len());
            self.condition(random, kind, encounter);
        }
        for kind in acute {
            for _ in 0..random.poisson(self.share(kind, group) * years) {
                let encounter = random.index(self.encounters.len());
                self.condition(random, kind, encounter);
            }
        }
    }

    fn condition(&mut self, random: &mut Random, kind: usize, encounter: usize) {
        let start = self.encounters[encounter].start;
        let length = 5 + i32::try_from(random.below(15)).unwrap_or(0);
        let end = if CONDITIONS[kind].chronic { None } else { start.plus_days(length) };
        self.conditions.push(Event { encounter, kind, start, end });
        let Some(drug) = CONDITIONS[kind].drug else { return };
        // Chronic conditions are treated at every later encounter, acute ones once.
        let last = if CONDITIONS[kind].chronic { self.encounters.len() } else { encounter + 1 };
        for encounter in encounter..last {
            if random.chance(0.8) {
                let start = self.encounters[encounter].start;
                let end = start.plus_days(DRUGS[drug].days);
                self.medications.push(Event { encounter, kind: drug, start, end });
            }
        }
    }

    fn measure(&mut self, random: &mut Random, chronic: &[usize]) {
        for encounter in 0..self.encounters.len() {
            if CLASSES[self.encounters[encounter].class].word == "virtual" {
                continue;
            }
            let laboratory = random.chance(0.35);
            for (test, kind) in TESTS.iter().enumerate() {
                let vital = kind.category == "vital-signs";
                let taken = vital || (laboratory && random.chance(0.6));
                if !taken {
                    continue;
                }
                let shift =
                    kind.shift.filter(|(condition, _)| chronic.contains(condition)).map_or(0.0, |(_, by)| by);
                let drawn = random.normal(kind.mean + shift, kind.sd).clamp(kind.lowest, kind.highest);
                // Rounded so that every format writes and reads back the same number.
                let scale = 10_f64.powi(i32::from(kind.decimals));
                self.measurements.push(Measurement {
                    encounter,
                    test,
                    value: (drawn * scale).round() / scale,
                });
            }
        }
    }
}

fn draw_death(random: &mut Random, world: &World, birth: CalendarDate) -> Option<CalendarDate> {
    let from = birth.max(world.from);
    let mut year_start = from;
    loop {
        let year_end = year_start.plus_days(365)?.min(world.until);
        let days = year_end.days() - year_start.days();
        let offset = random.below(365);
        if days <= 0 {
            return None;
        }
        let group = age_group(year_start.year() - birth.year());
        if random.chance(MORTALITY[group]) {
            let offset = i32::try_from(offset).unwrap_or(0);
            return (offset > 0 && offset < days).then(|| year_start.plus_days(offset)).flatten();
        }
        year_start = year_end;
    }
}
