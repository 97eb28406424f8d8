//! The life of a release: reserved, drawn, committed.
//!
//! Each step is one transaction, and each may be repeated after a kill. Who repeats a reservation with data that
//! have changed since pays the larger of both charges: at most one of the two answers is ever committed.

use std::collections::{BTreeMap, BTreeSet};

use medrec_domain::identifier::PersonId;
use medrec_domain::{Digest, Rho};

use super::fault::LedgerFault;
use super::rows::PersonRow;
use super::rows::{Charged, Progress, ReleaseRow, Totals, decode_noise, encode_noise};
use super::store::{NOISE, PERSONS, RELEASES, Rows, TOTALS, Write};
use super::{Charge, Ledger, Payers, Stage, at, difference, too_dear, totals, with_person};
use crate::error::AnonymizerError;

impl Ledger {
    /// Charges for a release, on the disk before this returns; or says how far it has come.
    ///
    /// `id` names the release or bounty, never a block; `plan` is the digest of what is asked of which data, price
    /// included. A release that was reserved before is charged only for what its charge has grown by.
    ///
    /// # Errors
    /// [`AnonymizerError::TooDear`], and [`LedgerFault::Conflict`] when the id has another plan, price or kind
    /// of charge, when a person is charged more than the price, or when one would pass her cap
    /// (see [`Self::over_caps`]). Then nothing has changed.
    pub fn reserve(&self, id: Digest, plan: Digest, charge: &Charge) -> Result<Stage, AnonymizerError> {
        let write = self.store.write().map_err(at(&self.path))?;
        let mut sums = totals(&write).map_err(at(&self.path))?;
        let old = write.row::<ReleaseRow>(RELEASES, &id.0).map_err(at(&self.path))?;
        if old.is_none() {
            too_dear(&sums, &charge.price)?;
        }
        let enter = || {
            let release = match old {
                Some(mut release) => {
                    check_same(&release, plan, charge)?;
                    let Some(charged) = &mut release.charged else { return stage(&write, &release) };
                    charge_more(&write, &sums, charged, charge)?;
                    release
                }
                None => charge_new(&write, &mut sums, id, plan, charge)?,
            };
            let stage = stage(&write, &release)?;
            write.put(TOTALS, b"", &sums)?;
            write.put(RELEASES, &id.0, &release)?;
            write.commit()?;
            Ok(stage)
        };
        enter().map_err(at(&self.path))
    }

    /// How far a release has come; `None` when it was never reserved.
    ///
    /// # Errors
    /// [`AnonymizerError::Ledger`].
    pub fn stage(&self, id: Digest) -> Result<Option<Stage>, AnonymizerError> {
        let state = || {
            let read = self.store.read()?;
            read.row::<ReleaseRow>(RELEASES, &id.0)?.map(|release| stage(&read, &release)).transpose()
        };
        state().map_err(at(&self.path))
    }

    /// Keeps the noise of a reserved release, encrypted, until it is committed.
    ///
    /// Only noise that this has accepted may be added to anything.
    ///
    /// # Errors
    /// [`LedgerFault::Conflict`] when the release is not reserved or has its noise already.
    pub fn store_noise(&self, id: Digest, noise: &[Vec<i64>]) -> Result<(), AnonymizerError> {
        let change = || {
            let write = self.store.write()?;
            let mut release = release_row(&write, id)?;
            if release.progress != Progress::Reserved {
                return Err(LedgerFault::conflict("the release has its noise already"));
            }
            release.progress = Progress::Drawn;
            write.put_bytes(NOISE, &id.0, &encode_noise(noise))?;
            write.put(RELEASES, &id.0, &release)?;
            write.commit()
        };
        change().map_err(at(&self.path))
    }

    /// Keeps the answer's digest and what the caller wants to find again with it; erases the noise.
    ///
    /// Publish only after this has returned. The same answer may be committed again.
    ///
    /// # Errors
    /// [`LedgerFault::Conflict`] when no noise was kept or another answer is committed.
    pub fn commit(&self, id: Digest, answer: Digest, metadata: &[u8]) -> Result<(), AnonymizerError> {
        let change = || {
            let write = self.store.write()?;
            let mut release = release_row(&write, id)?;
            let committed = Progress::Committed { answer, metadata: metadata.to_vec() };
            match &release.progress {
                Progress::Drawn => {}
                Progress::Reserved => return Err(LedgerFault::conflict("the release has no noise yet")),
                same if *same == committed => return Ok(()),
                Progress::Committed { .. } => {
                    return Err(LedgerFault::conflict("the release has another answer"));
                }
            }
            release.progress = committed;
            release.charged = None;
            write.delete(NOISE, &id.0)?;
            write.put(RELEASES, &id.0, &release)?;
            write.commit()
        };
        change().map_err(at(&self.path))
    }
}

fn release_row(rows: &impl Rows, id: Digest) -> Result<ReleaseRow, LedgerFault> {
    rows.row(RELEASES, &id.0)?.ok_or_else(|| LedgerFault::conflict("the release is not reserved"))
}

fn stage(rows: &impl Rows, release: &ReleaseRow) -> Result<Stage, LedgerFault> {
    Ok(match &release.progress {
        Progress::Reserved => Stage::Reserved,
        Progress::Drawn => {
            let noise = rows.bytes(NOISE, &release.id.0)?.and_then(|bytes| decode_noise(&bytes));
            Stage::Drawn(noise.ok_or_else(|| LedgerFault::damaged("noise of a release is missing"))?)
        }
        Progress::Committed { answer, metadata } => {
            Stage::Committed { answer: *answer, metadata: metadata.clone() }
        }
    })
}

fn check_same(release: &ReleaseRow, plan: Digest, charge: &Charge) -> Result<(), LedgerFault> {
    if release.plan != plan {
        return Err(LedgerFault::conflict("the release was reserved for another plan"));
    }
    let everybody = matches!(charge.payers, Payers::Everybody { .. });
    if release.price != charge.price || release.charges_everybody != everybody {
        return Err(LedgerFault::conflict("the release was reserved at another price"));
    }
    Ok(())
}

fn charge_new(
    write: &Write<'_>,
    totals: &mut Totals,
    id: Digest,
    plan: Digest,
    charge: &Charge,
) -> Result<ReleaseRow, LedgerFault> {
    let charged = match &charge.payers {
        Payers::Everybody { except } => {
            totals.everybody += &charge.price;
            for &person in except {
                with_person(write, person, |row| row.exempt += &charge.price)?;
            }
            check_caps(write, totals, except)?;
            Charged::Everybody { except: except.iter().map(|person| person.0).collect() }
        }
        Payers::Each(_) => {
            totals.individual += &charge.price;
            let mut charged = Charged::Each { losses: BTreeMap::new() };
            charge_more(write, totals, &mut charged, charge)?;
            charged
        }
    };
    let sequence = totals.releases;
    totals.releases += 1;
    Ok(ReleaseRow {
        id,
        plan,
        sequence,
        price: charge.price.clone(),
        charges_everybody: matches!(charge.payers, Payers::Everybody { .. }),
        charged: Some(charged),
        progress: Progress::Reserved,
    })
}

/// Charges what `charge` asks for beyond what `charged` says was charged before.
fn charge_more(
    write: &Write<'_>,
    totals: &Totals,
    charged: &mut Charged,
    charge: &Charge,
) -> Result<(), LedgerFault> {
    match (charged, &charge.payers) {
        (Charged::Each { losses: old }, Payers::Each(losses)) => {
            for (&person, loss) in losses {
                if *loss > charge.price {
                    return Err(LedgerFault::conflict("a person is charged more than the price"));
                }
                let before = old.get(&person.0).cloned().unwrap_or_else(Rho::zero);
                let more = difference(loss, &before);
                if !more.is_zero() {
                    let row = with_person(write, person, |row| row.individual += &more)?;
                    check_cap(&row, totals)?;
                    old.insert(person.0, &before + &more);
                }
            }
            Ok(())
        }
        (Charged::Everybody { except: old }, Payers::Everybody { except }) => {
            let joined: Vec<u64> =
                old.iter().copied().filter(|&person| !except.contains(&PersonId(person))).collect();
            for person in joined {
                let row = with_person(write, PersonId(person), |row| {
                    row.exempt = difference(&row.exempt, &charge.price);
                })?;
                check_cap(&row, totals)?;
                old.remove(&person);
            }
            Ok(())
        }
        _ => Err(LedgerFault::conflict("the release was reserved at another price")),
    }
}

/// Nobody who is charged with everybody passes her cap.
fn check_caps(write: &Write<'_>, totals: &Totals, except: &BTreeSet<PersonId>) -> Result<(), LedgerFault> {
    let rows = write.rows::<PersonRow>(PERSONS)?;
    rows.iter()
        .filter(|row| !except.contains(&PersonId(row.person)))
        .try_for_each(|row| check_cap(row, totals))
}

fn check_cap(row: &PersonRow, totals: &Totals) -> Result<(), LedgerFault> {
    if row.spent(totals) > row.cap(totals) {
        return Err(LedgerFault::conflict("a person who is charged would pass her cap"));
    }
    Ok(())
}
