//! The budget ledger: who has lost how much privacy, and how far each release has come.
//!
//! ```text
//! affordable?   price from public parameters, before a record is read
//! over_caps?    who would pass her cap is left out, in silence
//! reserve  ---> charged, on the disk        a kill from here on keeps the charge
//! store_noise-> noise, on the disk          a kill from here on uses this noise and draws none
//! commit   ---> answer, on the disk         noise erased; the same answer for ever
//! ```
//!
//! Losses are exact rationals. Charges are of two kinds: *everybody* (a census; recorded once, also for persons never
//! seen) and *each* (a bounty; every person for what she is in, after Feldman and Zrnic 2021). A person's loss is what everybody
//! was charged, less what she was left out of, plus her own charges. It never passes her cap, and no cap
//! passes the provider's. A charge is never given back.
//!
//! # Privacy
//! Loss and membership of one person are as secret as her record: rows are encrypted and their names hashed under a key
//! (`seal`). [`Ledger::forget`] leaves of a person one number, what she has lost beyond everybody; what was released about her stays
//! released, and [`Statement`] keeps the totals. Deleted rows stay on the disk, encrypted, until the file reuses their pages.
//!
//! This file knows no mechanism, no query and no file of a bundle.

pub mod fault;
mod life;
mod rows;
mod seal;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use medrec_domain::identifier::PersonId;
use medrec_domain::{Digest, Rho};

use crate::error::AnonymizerError;
use fault::LedgerFault;
use rows::{Charged, PersonRow, Progress, ReleaseRow, Totals};
use store::{PERSONS, RELEASES, Rows, Store, TOTALS, Write};

/// An open ledger. One process at a time; its methods may be called from several threads.
pub struct Ledger {
    store: Store,
    path: PathBuf,
}

/// What a release costs and whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Most that one person loses. From public parameters.
    pub price: Rho,
    /// Who pays.
    pub payers: Payers,
}

/// Who pays for a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payers {
    /// Everybody the full price, seen or not, except who was left out of the data.
    Everybody {
        /// Persons whose records were left out.
        except: BTreeSet<PersonId>,
    },
    /// Each person for what she is in, at most the price.
    Each(BTreeMap<PersonId, Rho>),
}

/// How far a release has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Charged. Noise may be drawn.
    Reserved,
    /// Charged, and this is its noise. No other may be drawn.
    Drawn(Vec<Vec<i64>>),
    /// Answered.
    Committed {
        /// Digest of the answer.
        answer: Digest,
        /// What the caller kept with it.
        metadata: Vec<u8>,
    },
}

/// What a ledger says about everybody. Nothing in it depends on one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Most that anybody may ever lose.
    pub cap: Rho,
    /// What everybody has lost.
    pub spent: Rho,
    /// What a new release may cost: the cap less what everybody has lost.
    pub left: Rho,
    /// Sum of the prices of releases that charge each for what she is in. It may pass the cap: no person's share does.
    pub individual_prices: Rho,
    /// Releases in the order in which they were reserved.
    pub releases: Vec<ReleaseLine>,
}

/// A line of a [`Statement`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseLine {
    /// The release or bounty.
    pub id: Digest,
    /// Most that one person lost by it.
    pub price: Rho,
    /// Whether everybody was charged, or each for what she is in.
    pub charges_everybody: bool,
    /// Digest of the answer, once there is one.
    pub answer: Option<Digest>,
}

/// What a ledger says about one person.
///
/// # Privacy
/// As secret as her record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonStatement {
    /// Most that she may ever lose: her own cap or the provider's, whichever is smaller.
    pub cap: Rho,
    /// What she has lost.
    pub spent: Rho,
}

impl Ledger {
    /// Creates a ledger with a lifetime cap, and its key file unless it exists.
    ///
    /// # Errors
    /// [`AnonymizerError::Ledger`], when anything of that name exists among others.
    pub fn create(path: &Path, key: &Path, cap: &Rho) -> Result<Self, AnonymizerError> {
        let totals =
            Totals { cap: cap.clone(), everybody: Rho::zero(), individual: Rho::zero(), releases: 0 };
        Store::create(path, key, |write| write.put(TOTALS, b"", &totals)).map_err(at(path))?;
        Self::open(path, key)
    }

    /// Opens a ledger, checks it whole and locks it.
    ///
    /// # Errors
    /// [`AnonymizerError::Ledger`], with one [`LedgerFault`] for each cause; a ledger that does not open is left as it is.
    pub fn open(path: &Path, key: &Path) -> Result<Self, AnonymizerError> {
        let store = Store::open(path, key).map_err(at(path))?;
        Self::over(store, path, key)
    }

    fn over(store: Store, path: &Path, key: &Path) -> Result<Self, AnonymizerError> {
        let ledger = Self { store, path: path.to_path_buf() };
        match ledger.store.read().and_then(|read| totals(&read)) {
            Ok(_) => Ok(ledger),
            // The pages are whole, so it is the key.
            Err(LedgerFault::Damaged { .. }) => {
                Err(at(path)(LedgerFault::WrongKey { key: key.to_path_buf() }))
            }
            Err(fault) => Err(at(path)(fault)),
        }
    }

    /// What everybody has lost, what is left, and every release.
    ///
    /// # Errors
    /// [`AnonymizerError::Ledger`].
    pub fn statement(&self) -> Result<Statement, AnonymizerError> {
        let state = || {
            let read = self.store.read()?;
            Ok((totals(&read)?, read.rows::<ReleaseRow>(RELEASES)?))
        };
        let (totals, mut releases) = state().map_err(at(&self.path))?;
        releases.sort_by_key(|release| release.sequence);
        let line = |release: ReleaseRow| ReleaseLine {
            id: release.id,
            price: release.price,
            charges_everybody: release.charges_everybody,
            answer: match release.progress {
                Progress::Committed { answer, .. } => Some(answer),
                Progress::Reserved | Progress::Drawn => None,
            },
        };
        Ok(Statement {
            left: left(&totals),
            cap: totals.cap,
            spent: totals.everybody,
            individual_prices: totals.individual,
            releases: releases.into_iter().map(line).collect(),
        })
    }

    /// Whether a release of this price fits what is left. Reads no record, changes nothing.
    ///
    /// # Errors
    /// [`AnonymizerError::TooDear`] when it does not; [`AnonymizerError::Ledger`].
    pub fn affordable(&self, price: &Rho) -> Result<(), AnonymizerError> {
        let totals = self.store.read().and_then(|read| totals(&read)).map_err(at(&self.path))?;
        too_dear(&totals, price)
    }

    /// What a person has lost and may lose.
    ///
    /// # Errors
    /// [`AnonymizerError::Ledger`].
    pub fn person(&self, person: PersonId) -> Result<PersonStatement, AnonymizerError> {
        let state = || {
            let read = self.store.read()?;
            let totals = totals(&read)?;
            let row = person_row(&read, person)?;
            Ok(PersonStatement { cap: row.cap(&totals), spent: row.spent(&totals) })
        };
        state().map_err(at(&self.path))
    }

    /// Sets a person's own lifetime cap. One above the provider's counts as the provider's; one below what she
    /// has lost already means that she loses no more.
    ///
    /// # Errors
    /// [`AnonymizerError::Ledger`].
    pub fn set_cap(&self, person: PersonId, cap: &Rho) -> Result<(), AnonymizerError> {
        self.set_caps([(person, cap.clone())])
    }

    /// As [`Self::set_cap`], for many persons in one transaction.
    ///
    /// # Errors
    /// [`AnonymizerError::Ledger`]; then no cap was set.
    pub fn set_caps(&self, caps: impl IntoIterator<Item = (PersonId, Rho)>) -> Result<(), AnonymizerError> {
        let change = || {
            let write = self.store.write()?;
            for (person, cap) in caps {
                let row = PersonRow { cap: Some(cap), ..person_row(&write, person)? };
                write.put(PERSONS, &person.0.to_le_bytes(), &row)?;
            }
            write.commit()
        };
        change().map_err(at(&self.path))
    }

    /// Who of `losses` would pass her cap by them: whom to leave out of release `id`, in silence.
    ///
    /// What an earlier attempt at the same release has charged already counts once.
    ///
    /// # Errors
    /// [`AnonymizerError::Ledger`].
    pub fn over_caps(
        &self,
        id: Digest,
        losses: &BTreeMap<PersonId, Rho>,
    ) -> Result<BTreeSet<PersonId>, AnonymizerError> {
        let state = || {
            let read = self.store.read()?;
            let totals = totals(&read)?;
            let charged = read.row::<ReleaseRow>(RELEASES, &id.0)?.and_then(|release| release.charged);
            let mut over = BTreeSet::new();
            for (&person, loss) in losses {
                let row = person_row(&read, person)?;
                let more = match &charged {
                    Some(Charged::Each { losses }) => {
                        losses.get(&person.0).map_or_else(|| loss.clone(), |old| difference(loss, old))
                    }
                    _ => loss.clone(),
                };
                if !more.is_zero() && &row.spent(&totals) + &more > row.cap(&totals) {
                    over.insert(person);
                }
            }
            Ok(over)
        };
        state().map_err(at(&self.path))
    }

    /// Who would pass her cap if everybody were charged `price` by release `id`. Persons without a row never do, as long as
    /// the price is [`affordable`](Self::affordable).
    ///
    /// # Errors
    /// [`AnonymizerError::Ledger`].
    pub fn over_caps_of_everybody(
        &self,
        id: Digest,
        price: &Rho,
    ) -> Result<BTreeSet<PersonId>, AnonymizerError> {
        let state = || {
            let read = self.store.read()?;
            let totals = totals(&read)?;
            let charged = read.row::<ReleaseRow>(RELEASES, &id.0)?.and_then(|release| release.charged);
            let pays_already = |row: &PersonRow| matches!(&charged, Some(Charged::Everybody { except }) if !except.contains(&row.person));
            let rows = read.rows::<PersonRow>(PERSONS)?.into_iter();
            let over =
                rows.filter(|row| !pays_already(row) && &row.spent(&totals) + price > row.cap(&totals));
            Ok(over.map(|row| PersonId(row.person)).collect())
        };
        state().map_err(at(&self.path))
    }

    /// Forgets a person, as far as the promise to her allows: her own cap, and what she was left out of. What she has lost beyond
    /// everybody stays as one number, for ever, since no budget refills; without it she could come back and lose as much
    /// again. Who has lost nothing beyond everybody has no row afterwards. Totals and answers stay.
    ///
    /// # Privacy
    /// The number is never below her loss: what she was left out of counts as lost, once that release is committed. It lies as every
    /// row does, encrypted and under a keyed hash of a pseudonym. Until she states a cap again hers is the provider's, so call
    /// this while no release is under way.
    ///
    /// # Errors
    /// [`AnonymizerError::Ledger`].
    pub fn forget(&self, person: PersonId) -> Result<(), AnonymizerError> {
        let change = || {
            let write = self.store.write()?;
            let row = person_row(&write, person)?;
            // A census that is not committed may still come to count her, and takes back then what it spared her.
            let mut open = Rho::zero();
            for release in write.rows::<ReleaseRow>(RELEASES)? {
                let spares = |charged: Charged| matches!(charged, Charged::Everybody { except } if except.contains(&person.0));
                if release.charged.is_some_and(spares) {
                    open += &release.price;
                }
            }
            let lost = difference(&row.individual, &difference(&row.exempt, &open));
            if lost.is_zero() && open.is_zero() {
                write.delete(PERSONS, &person.0.to_le_bytes())?;
            } else {
                let row = PersonRow { individual: lost, exempt: open, ..PersonRow::new(person) };
                write.put(PERSONS, &person.0.to_le_bytes(), &row)?;
            }
            write.commit()
        };
        change().map_err(at(&self.path))
    }
}

fn at(path: &Path) -> impl Fn(LedgerFault) -> AnonymizerError {
    move |fault| AnonymizerError::Ledger { path: path.to_path_buf(), fault }
}

fn totals(rows: &impl Rows) -> Result<Totals, LedgerFault> {
    rows.row(TOTALS, b"")?.ok_or_else(|| LedgerFault::damaged("its totals are missing"))
}

fn person_row(rows: &impl Rows, person: PersonId) -> Result<PersonRow, LedgerFault> {
    Ok(rows.row(PERSONS, &person.0.to_le_bytes())?.unwrap_or_else(|| PersonRow::new(person)))
}

fn left(totals: &Totals) -> Rho {
    totals.cap.checked_sub(&totals.everybody).unwrap_or_else(Rho::zero)
}

fn too_dear(totals: &Totals, price: &Rho) -> Result<(), AnonymizerError> {
    let left = left(totals);
    if *price > left { Err(AnonymizerError::TooDear { price: price.clone(), left }) } else { Ok(()) }
}

/// How much `more` is above `less`, or nothing.
fn difference(more: &Rho, less: &Rho) -> Rho {
    more.checked_sub(less).unwrap_or_else(Rho::zero)
}

/// A row of the charge, changed in a transaction.
fn with_person(
    write: &Write<'_>,
    person: PersonId,
    change: impl FnOnce(&mut PersonRow),
) -> Result<PersonRow, LedgerFault> {
    let mut row = person_row(write, person)?;
    change(&mut row);
    write.put(PERSONS, &person.0.to_le_bytes(), &row)?;
    Ok(row)
}

#[cfg(test)]
mod tests;
