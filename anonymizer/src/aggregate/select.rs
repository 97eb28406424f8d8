//! From a batch of rows to the records that count: person, finest cell, value.
//!
//! Column by column: filters first, on distinct words; what is left of the batch is a list of rows, and only those
//! are looked at again. Consent masks act here, before anything is counted.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use medrec_domain::schema::Table;
use medrec_domain::scope::ValueSet;

use super::index::ABSENT;
use super::persons::{Persons, to_index};
use super::query::{AxisKind, Mask, OwnAxis, Query, Test};
use super::words::{self, Words};
use crate::consent::Consents;

/// A row that counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) person: u32,
    pub(super) cell: u32,
    pub(super) value: f64,
}

/// A batch with what all queries on its table need of it.
pub(super) struct Batch<'a> {
    rows: &'a RecordBatch,
    of: Table,
    persons: &'a Persons,
    consents: &'a Consents,
    /// Number of each row's person.
    numbers: Vec<u32>,
}

/// Codes of a batch: a decision once a distinct pair of vocabulary and code.
struct Codes<'a> {
    systems: Words<'a>,
    codes: Words<'a>,
}

impl<'a> Codes<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let systems = Words::of(batch.column_by_name("code_system")?);
        Some(Self { systems, codes: Words::of(batch.column_by_name("code")?) })
    }

    /// Decisions, filled in as pairs appear.
    fn decide<T: Copy>(&self, decide: impl Fn(&str, &str) -> T) -> impl FnMut(usize) -> Option<T> {
        let width = self.codes.distinct();
        let mut decisions: Vec<Option<T>> = vec![None; width * self.systems.distinct()];
        move |row| {
            let (system, code) = (self.systems.key(row)?, self.codes.key(row)?);
            let decision = &mut decisions[system * width + code];
            Some(*decision.get_or_insert_with(|| decide(self.systems.word(system), self.codes.word(code))))
        }
    }
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        batch: &'a RecordBatch,
        of: Table,
        persons: &'a Persons,
        consents: &'a Consents,
    ) -> Self {
        let numbers = match batch.column_by_name("person_id") {
            Some(ids) => {
                ids.as_primitive::<UInt64Type>().values().iter().map(|&id| persons.number(id)).collect()
            }
            None => vec![ABSENT; batch.num_rows()],
        };
        Self { rows: batch, of, persons, consents, numbers }
    }

    fn column(&self, name: &str) -> Option<&'a ArrayRef> {
        self.rows.column_by_name(name)
    }

    /// Rows of persons who take part, on days that count, that pass the filter and the masks.
    fn rows(&self, query: &Query) -> Vec<usize> {
        let mut rows: Vec<usize> =
            (0..self.numbers.len()).filter(|&row| self.numbers[row] != ABSENT).collect();
        if let Some(days) = self.of.date_column().and_then(|name| self.column(name)) {
            let days = days.as_primitive::<Date32Type>();
            let (from, until) = query.days;
            rows.retain(|&row| days.is_valid(row) && (from..until).contains(&days.value(row)));
        }
        for test in &query.tests {
            self.test(test, &mut rows);
        }
        for &question in &query.person_tests {
            rows.retain(|&row| self.persons.answers(self.numbers[row])[question] == 1);
        }
        if query.masks.iter().any(|mask| mask.drops || mask.codes) {
            self.masked(query, &mut rows);
        }
        rows
    }

    fn test(&self, test: &Test, rows: &mut Vec<usize>) {
        match test {
            Test::AnyOf { field, words } => {
                let Some(column) = self.column(field.column.name) else { return rows.clear() };
                let column = Words::of(column);
                let passes = column.each(|word| words::position(words, word).is_some());
                rows.retain(|&row| column.get(&passes, row).unwrap_or(false));
            }
            Test::InSet { set } => {
                let Some(codes) = Codes::of(self.rows) else { return rows.clear() };
                let mut passes = codes.decide(|system, code| set.contains(system, code));
                rows.retain(|&row| passes(row).unwrap_or(false));
            }
        }
    }

    /// Drops the rows that their persons do not share.
    fn masked(&self, query: &Query, rows: &mut Vec<usize>) {
        let codes = Codes::of(self.rows);
        let sets = self.consents.value_sets();
        let mut covered: HashMap<(usize, usize, usize), bool> = HashMap::new();
        rows.retain(|&row| {
            let scope = self.persons.scope(self.numbers[row]);
            let mask = &query.masks[scope];
            if mask.drops || !mask.codes {
                return !mask.drops;
            }
            // A row without a code cannot be told to be covered.
            let Some(codes) = &codes else { return false };
            let (Some(system), Some(code)) = (codes.systems.key(row), codes.codes.key(row)) else {
                return false;
            };
            *covered.entry((scope, system, code)).or_insert_with(|| {
                self.consents.scopes()[scope].covers_code(
                    sets,
                    codes.systems.word(system),
                    codes.codes.word(code),
                )
            })
        });
    }

    /// Calls `take` with each record of the batch that counts for a query.
    pub(super) fn select(&self, query: &Query, mut take: impl FnMut(Record)) {
        let rows = self.rows(query);
        let mut cells = vec![0_u32; rows.len()];
        let hides = |mask: &Mask, axis: usize| mask.axes.get(axis).copied().unwrap_or(false);
        for (number, axis) in query.axes.iter().enumerate() {
            let hidden = query.masks.iter().any(|mask| hides(mask, number));
            let mut position = self.position(axis);
            for (cell, &row) in cells.iter_mut().zip(&rows) {
                let tells = !hidden || !hides(&query.masks[self.persons.scope(self.numbers[row])], number);
                *cell += axis.stride * if tells { position(row) } else { axis.otherwise };
            }
        }
        let values = if query.value { self.column("value") } else { None };
        let values = values.map(AsArray::as_primitive::<Float64Type>);
        let value_hidden = query.masks.iter().any(|mask| mask.value);
        for (mut cell, row) in cells.into_iter().zip(rows) {
            let person = self.numbers[row];
            if !query.person_axes.is_empty() {
                let answers = self.persons.answers(person);
                for &(question, stride) in &query.person_axes {
                    cell += stride * answers[question];
                }
            }
            let mut value =
                values.filter(|values| values.is_valid(row)).map_or(f64::NAN, |values| values.value(row));
            if value_hidden && query.masks[self.persons.scope(person)].value {
                value = f64::NAN;
            }
            if query.needs_value && value.is_nan() {
                continue;
            }
            take(Record { person, cell, value });
        }
    }

    /// Position of each row on an axis.
    fn position<'b>(&'b self, axis: &'b OwnAxis) -> Box<dyn FnMut(usize) -> u32 + 'b> {
        let otherwise = axis.otherwise;
        match &axis.kind {
            AxisKind::Words { field, words } => {
                let Some(column) = self.column(field.column.name) else {
                    return Box::new(move |_| otherwise);
                };
                let column = Words::of(column);
                let positions = column.each(|word| words::position(words, word).unwrap_or(otherwise));
                Box::new(move |row| column.get(&positions, row).unwrap_or(otherwise))
            }
            AxisKind::Place { of } => {
                let Some(column) = self.column("organisation_id") else {
                    return Box::new(move |_| otherwise);
                };
                let column = Words::of(column);
                let positions = column.each(|word| of.get(word).copied().unwrap_or(otherwise));
                Box::new(move |row| column.get(&positions, row).unwrap_or(otherwise))
            }
            AxisKind::Sets { sets } => self.set_position(sets, otherwise),
            AxisKind::Calendar { from, positions } => {
                let days = self.of.date_column().and_then(|name| self.column(name));
                let Some(days) = days.map(AsArray::as_primitive::<Date32Type>) else {
                    return Box::new(move |_| otherwise);
                };
                Box::new(move |row| {
                    let day = usize::try_from(days.value(row) - from).unwrap_or(usize::MAX);
                    positions.get(day).copied().unwrap_or(otherwise)
                })
            }
        }
    }

    fn set_position<'b>(&'b self, sets: &'b [ValueSet], otherwise: u32) -> Box<dyn FnMut(usize) -> u32 + 'b> {
        let Some(codes) = Codes::of(self.rows) else { return Box::new(move |_| otherwise) };
        let mut decisions: HashMap<(usize, usize), u32> = HashMap::new();
        Box::new(move |row| {
            let (Some(system), Some(code)) = (codes.systems.key(row), codes.codes.key(row)) else {
                return otherwise;
            };
            *decisions.entry((system, code)).or_insert_with(|| {
                let holds = |set: &ValueSet| set.contains(codes.systems.word(system), codes.codes.word(code));
                sets.iter().position(holds).and_then(|set| u32::try_from(set).ok()).unwrap_or(otherwise)
            })
        })
    }
}

/// The bucket of a person's number: numbers are dealt to buckets in equal runs.
pub(super) fn bucket(number: u32, persons_a_bucket: usize) -> usize {
    to_index(number) / persons_a_bucket.max(1)
}
