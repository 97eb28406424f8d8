//! The ledger against a naive one in memory, over random calls.

use proptest::prelude::*;

use super::*;

const PERSONS: u64 = 4;
const CAP: u64 = 20;

#[derive(Debug, Clone)]
enum Call {
    SetCap(u64, u64),
    Reserve { release: u8, plan: u8, price: u64, everybody: bool, losses: Vec<u64> },
    StoreNoise(u8),
    Commit(u8, u8),
    Forget(u64),
    Reopen,
}

fn call() -> impl Strategy<Value = Call> {
    let release = 0..4_u8;
    prop_oneof![
        2 => (0..PERSONS, 0..2 * CAP).prop_map(|(person, cap)| Call::SetCap(person, cap)),
        8 => (release.clone(), 0..8_u8, 0..8_u64, any::<bool>(), prop::collection::vec(0..8_u64, 4)).prop_map(
            // Prices belong to releases, mostly, so that second attempts happen.
            |(release, plan, price, everybody, losses)| Call::Reserve {
                release,
                plan: plan / 7,
                price: if price == 0 { 5 } else { 3 + u64::from(release) },
                everybody: everybody && release < 2,
                losses,
            }
        ),
        4 => release.clone().prop_map(Call::StoreNoise),
        4 => (release, 0..2_u8).prop_map(|(release, answer)| Call::Commit(release, answer)),
        1 => (0..PERSONS).prop_map(Call::Forget),
        1 => Just(Call::Reopen),
    ]
}

#[derive(Debug, Clone, PartialEq)]
enum Progress {
    Reserved,
    Drawn,
    Committed(u8),
}

/// A release: what each person pays for it, in sixteenths.
#[derive(Debug, Clone)]
struct Release {
    plan: u8,
    price: u64,
    everybody: bool,
    pays: BTreeMap<u64, u64>,
    /// What it has really cost each: forgetting changes nothing about it.
    cost: BTreeMap<u64, u64>,
    progress: Progress,
}

/// The naive ledger: every release with its payers; sums are made anew each time.
#[derive(Debug, Default)]
struct Model {
    releases: BTreeMap<u8, Release>,
    caps: BTreeMap<u64, u64>,
    /// What was left of those who were forgotten, beside what releases have charged since or are about to.
    kept: BTreeMap<u64, i64>,
}

impl Model {
    fn everybody(&self) -> u64 {
        self.releases.values().filter(|release| release.everybody).map(|release| release.price).sum()
    }

    fn spent(&self, person: u64) -> u64 {
        let pays: u64 = self.releases.values().filter_map(|release| release.pays.get(&person)).sum();
        pays.checked_add_signed(self.kept.get(&person).copied().unwrap_or(0)).unwrap()
    }

    /// What a person has really lost, whatever was forgotten.
    fn lost(&self, person: u64) -> u64 {
        self.releases.values().filter_map(|release| release.cost.get(&person)).sum()
    }

    fn cap(&self, person: u64) -> u64 {
        self.caps.get(&person).copied().unwrap_or(CAP).min(CAP)
    }

    /// Who would pass her cap by paying at least `pays` for this release. What a first attempt of the same kind has
    /// charged counts once, until the release is committed.
    fn over(&self, release: u8, everybody: bool, pays: &BTreeMap<u64, u64>) -> BTreeSet<u64> {
        let pending = |release: &&Release| {
            release.everybody == everybody && !matches!(release.progress, Progress::Committed(_))
        };
        let known = self.releases.get(&release).filter(pending);
        // Who pays for a census already is not asked again: another price is refused as a whole.
        let more = |person, loss: u64| match known.and_then(|release| release.pays.get(&person)) {
            Some(_) if everybody => 0,
            paid => loss.saturating_sub(paid.copied().unwrap_or(0)),
        };
        let passes = |&(&person, &loss): &(&u64, &u64)| {
            let more = more(person, loss);
            more > 0 && self.spent(person) + more > self.cap(person)
        };
        pays.iter().filter(passes).map(|(person, _)| *person).collect()
    }

    /// Whether the charge is accepted; then it stands.
    fn reserve(&mut self, id: u8, plan: u8, price: u64, everybody: bool, pays: &BTreeMap<u64, u64>) -> bool {
        let left = CAP - self.everybody();
        match self.releases.get_mut(&id) {
            Some(release) if (release.plan, release.price, release.everybody) != (plan, price, everybody) => {
                false
            }
            Some(release) if matches!(release.progress, Progress::Committed(_)) => true,
            Some(release) => {
                for (&person, &loss) in pays {
                    for paid in [&mut release.pays, &mut release.cost] {
                        let paid = paid.entry(person).or_insert(0);
                        *paid = loss.max(*paid);
                    }
                }
                true
            }
            None if price > left => false,
            None => {
                let progress = Progress::Reserved;
                let (pays, cost) = (pays.clone(), pays.clone());
                self.releases.insert(id, Release { plan, price, everybody, pays, cost, progress });
                true
            }
        }
    }

    /// What she lost beyond everybody is kept as one number; in committed censuses she counts as if she had paid with everybody.
    fn forget(&mut self, person: u64) {
        self.caps.remove(&person);
        let (mut committed, mut open, mut spared) = (0, 0, 0);
        for release in self.releases.values_mut() {
            let is_committed = matches!(release.progress, Progress::Committed(_));
            match (release.everybody, is_committed) {
                (true, true) if release.pays.insert(person, release.price).is_none() => {
                    spared += release.price;
                }
                (false, true) => committed += release.pays.remove(&person).unwrap_or(0),
                (false, false) => open += release.pays.get(&person).copied().unwrap_or(0),
                (true, _) => {}
            }
        }
        let signed = |sixteenths: u64| i64::try_from(sixteenths).unwrap();
        let before = self.kept.get(&person).copied().unwrap_or(0) + signed(open + committed);
        self.kept.insert(person, (before - signed(spared)).max(0) - signed(open));
    }
}

fn sixteenths(number: u64) -> Rho {
    Rho::from_ratio(number, 16).unwrap()
}

/// Makes the call of both and compares what they say.
fn step(model: &mut Model, ledger: &Ledger, call: &Call) {
    match call {
        Call::Reopen => {}
        Call::SetCap(person, cap) => {
            ledger.set_cap(PersonId(*person), &sixteenths(*cap)).unwrap();
            model.caps.insert(*person, *cap);
        }
        Call::Forget(person) => {
            ledger.forget(PersonId(*person)).unwrap();
            model.forget(*person);
        }
        Call::Reserve { release, plan, price, everybody, losses } => {
            let all = (0..PERSONS).zip(losses);
            let mut pays: BTreeMap<u64, u64> = all
                .map(|(person, &loss)| (person, if *everybody { *price } else { loss.min(*price) }))
                .collect();
            let expected: BTreeSet<PersonId> =
                model.over(*release, *everybody, &pays).into_iter().map(PersonId).collect();
            let over = if *everybody {
                // Persons without a row are never named; neither is one of them over her cap unless the price is too dear.
                ledger.over_caps_of_everybody(id(*release), &sixteenths(*price)).unwrap()
            } else {
                let losses =
                    pays.iter().map(|(&person, &loss)| (PersonId(person), sixteenths(loss))).collect();
                ledger.over_caps(id(*release), &losses).unwrap()
            };
            let too_dear = *price > CAP - model.everybody();
            assert!(
                over == expected || (*everybody && too_dear),
                "over their caps: {over:?}, not {expected:?}"
            );
            pays.retain(|person, _| !over.contains(&PersonId(*person)));
            let payers = if *everybody {
                Payers::Everybody { except: over }
            } else {
                Payers::Each(
                    pays.iter().map(|(&person, &loss)| (PersonId(person), sixteenths(loss))).collect(),
                )
            };
            let charge = Charge { price: sixteenths(*price), payers };
            let accepted = ledger.reserve(id(*release), Digest([*plan; 32]), &charge).is_ok();
            assert_eq!(accepted, model.reserve(*release, *plan, *price, *everybody, &pays));
        }
        Call::StoreNoise(release) => {
            let found =
                model.releases.get_mut(release).filter(|release| release.progress == Progress::Reserved);
            let accepted = ledger.store_noise(id(*release), &[vec![i64::from(*release)]]).is_ok();
            assert_eq!(accepted, found.is_some());
            found.map(|release| release.progress = Progress::Drawn).unwrap_or_default();
        }
        Call::Commit(release, answer) => {
            let committed = Progress::Committed(*answer);
            let fits =
                |release: &&mut Release| release.progress == Progress::Drawn || release.progress == committed;
            let found = model.releases.get_mut(release).filter(fits);
            assert_eq!(ledger.commit(id(*release), id(*answer), &[*answer]).is_ok(), found.is_some());
            found.map(|release| release.progress = committed.clone()).unwrap_or_default();
        }
    }
}

fn compare(model: &Model, ledger: &Ledger) {
    for person in 0..PERSONS {
        let statement = ledger.person(PersonId(person)).unwrap();
        assert_eq!(statement.spent, sixteenths(model.spent(person)), "spent of {person}");
        assert_eq!(statement.cap, sixteenths(model.cap(person)), "cap of {person}");
        assert!(
            statement.spent >= sixteenths(model.lost(person)),
            "{person} lost more than the ledger knows"
        );
        assert!(statement.spent <= sixteenths(CAP), "nobody passes the provider's cap");
    }
    let statement = ledger.statement().unwrap();
    assert_eq!(statement.spent, sixteenths(model.everybody()));
    assert_eq!(statement.releases.len(), model.releases.len());
    for (&number, release) in &model.releases {
        let expected = match release.progress {
            Progress::Reserved => Stage::Reserved,
            Progress::Drawn => Stage::Drawn(vec![vec![i64::from(number)]]),
            Progress::Committed(answer) => Stage::Committed { answer: id(answer), metadata: vec![answer] },
        };
        assert_eq!(ledger.stage(id(number)).unwrap(), Some(expected));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_agrees_with_a_naive_one_after_every_call(calls in prop::collection::vec(call(), 1..30)) {
        let (desk, mut ledger) = Desk::new("20/16");
        let mut model = Model::default();
        for call in &calls {
            if matches!(call, Call::Reopen) {
                drop(ledger);
                ledger = desk.open().unwrap();
            }
            step(&mut model, &ledger, call);
            compare(&model, &ledger);
        }
    }
}
