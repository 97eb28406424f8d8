//! The persons of one pass: their numbers, their consent, and what tables ask about them.
//!
//! A person takes part when she has a row in `person` and a scope. Each question that some table asks
//! about a person (a band of age, a word of a column, whether a filter holds) is answered once here.

use std::collections::{BTreeSet, HashMap};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, UInt64Type};
use medrec_domain::identifier::PersonId;
use medrec_domain::schema::{Field, Table};
use medrec_domain::workload::cells::band_of;

use super::index::Index;
use super::parts::in_order;
use super::words::{self, Words};
use crate::consent::Consents;
use crate::error::AnonymizerError;
use crate::records::{Progress, Records};

/// A question about a person, answered by a position on an axis or by 0 and 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// Position of a column's word among declared ones; `other` for words that are not, `unknown` for none.
    Word { field: Field, words: Vec<String>, other: u32, unknown: u32 },
    /// Position of the band of her age at the end of the window.
    AgeBand { field: Field, bounds: Vec<u8>, unknown: u32, year: i32 },
    /// 1 when the column's word is one of these.
    AnyOf { field: Field, words: Vec<String> },
}

impl Question {
    /// The field that must be shared for an answer.
    pub(super) const fn field(&self) -> Field {
        match self {
            Self::Word { field, .. } | Self::AgeBand { field, .. } | Self::AnyOf { field, .. } => *field,
        }
    }

    /// The answer about somebody who does not share the field, or lacks it.
    pub(super) const fn unanswered(&self) -> u32 {
        match self {
            Self::Word { unknown, .. } | Self::AgeBand { unknown, .. } => *unknown,
            Self::AnyOf { .. } => 0,
        }
    }

    fn answers(&self, batch: &RecordBatch) -> Vec<u32> {
        let Some(column) = batch.column_by_name(self.field().column.name) else {
            return vec![self.unanswered(); batch.num_rows()];
        };
        match self {
            Self::AgeBand { bounds, year, unknown, .. } => {
                let years = column.as_primitive::<Int16Type>();
                let band =
                    |birth: i16| u32::try_from(band_of(bounds, year - i32::from(birth))).unwrap_or(*unknown);
                years.iter().map(|birth| birth.map_or(*unknown, band)).collect()
            }
            Self::Word { words, other, unknown, .. } => {
                let column = Words::of(column);
                let answer = column.each(|word| words::position(words, word).unwrap_or(*other));
                (0..column.len()).map(|row| column.get(&answer, row).unwrap_or(*unknown)).collect()
            }
            Self::AnyOf { words, .. } => {
                let column = Words::of(column);
                let answer = column.each(|word| u32::from(words::position(words, word).is_some()));
                (0..column.len()).map(|row| column.get(&answer, row).unwrap_or(0)).collect()
            }
        }
    }
}

/// The persons of one pass.
pub(super) struct Persons {
    index: Index,
    ids: Vec<u64>,
    scopes: Vec<u32>,
    answers: Vec<u32>,
    questions: usize,
}

/// Which persons a pass takes: those whose pseudonym falls into one of several equal parts.
#[derive(Clone, Copy)]
pub(super) struct Pass {
    pub(super) number: u64,
    pub(super) of: u64,
}

impl Pass {
    fn takes(self, id: u64) -> bool {
        self.of == 1 || (id.wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32) % self.of == self.number
    }
}

#[derive(Default)]
struct Part {
    ids: Vec<u64>,
    scopes: Vec<u32>,
    answers: Vec<u32>,
}

impl Persons {
    /// Reads the persons of a pass who take part. `left_out` take no part.
    pub(super) fn read(
        records: &dyn Records,
        consents: &Consents,
        questions: &[Question],
        pass: Pass,
        left_out: &BTreeSet<PersonId>,
        progress: &dyn Progress,
    ) -> Result<Self, AnonymizerError> {
        let mut columns = vec!["person_id"];
        columns.extend(questions.iter().map(|question| question.field().column.name));
        columns.sort_unstable();
        columns.dedup();
        let parts = in_order(records.parts(Table::Person)?, |part| {
            let mut found = Part::default();
            records.scan(Table::Person, part, &columns, &mut |batch| {
                if progress.is_stopped() {
                    return Err(AnonymizerError::Stopped);
                }
                take(batch, consents, questions, pass, left_out, &mut found);
                Ok(())
            })?;
            Ok(found)
        })?;
        let all: Vec<u64> = parts.iter().flat_map(|part| part.ids.iter().copied()).collect();
        let (index, first) = Index::new(&all);
        let scopes: Vec<u32> = parts.iter().flat_map(|part| part.scopes.iter().copied()).collect();
        let answers: Vec<u32> = parts.into_iter().flat_map(|part| part.answers).collect();
        let width = questions.len();
        Ok(Self {
            index,
            ids: first.iter().map(|&position| all[position]).collect(),
            scopes: first.iter().map(|&position| scopes[position]).collect(),
            answers: first
                .iter()
                .flat_map(|&position| &answers[position * width..][..width])
                .copied()
                .collect(),
            questions: width,
        })
    }

    /// How many take part in this pass.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Number of a person, or [`super::index::ABSENT`].
    pub(super) fn number(&self, id: u64) -> u32 {
        self.index.number(id)
    }

    /// Pseudonym of a number.
    pub(super) fn id(&self, number: u32) -> u64 {
        self.ids[to_index(number)]
    }

    /// Index of the scope of a number.
    pub(super) fn scope(&self, number: u32) -> usize {
        to_index(self.scopes[to_index(number)])
    }

    /// Answers about a number, one a question.
    pub(super) fn answers(&self, number: u32) -> &[u32] {
        &self.answers[to_index(number) * self.questions..][..self.questions]
    }
}

pub(super) fn to_index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Adds the persons of a batch who take part.
fn take(
    batch: &RecordBatch,
    consents: &Consents,
    questions: &[Question],
    pass: Pass,
    left_out: &BTreeSet<PersonId>,
    found: &mut Part,
) {
    let Some(ids) = batch.column_by_name("person_id") else { return };
    let ids = ids.as_primitive::<UInt64Type>();
    let answers: Vec<Vec<u32>> = questions.iter().map(|question| question.answers(batch)).collect();
    // Whether a scope shares the field of each question, once a scope and batch.
    let mut shared: HashMap<u32, Vec<bool>> = HashMap::new();
    for (row, &id) in ids.values().iter().enumerate() {
        if !pass.takes(id) || left_out.contains(&PersonId(id)) {
            continue;
        }
        let Some(scope) = consents.scope_of(id) else { continue };
        let shared = shared.entry(scope).or_insert_with(|| {
            let scope = &consents.scopes()[to_index(scope)];
            questions.iter().map(|question| scope.covers_field(question.field())).collect()
        });
        found.ids.push(id);
        found.scopes.push(scope);
        for ((question, answers), shared) in questions.iter().zip(&answers).zip(shared) {
            found.answers.push(if *shared { answers[row] } else { question.unanswered() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::DictionaryArray;
    use arrow_array::types::Int32Type;

    use super::*;

    #[test]
    fn a_word_that_is_not_declared_is_other_and_a_missing_one_is_unknown() {
        let column: DictionaryArray<Int32Type> =
            [Some("white"), Some("other"), None, Some("unknown"), Some("martian")].into_iter().collect();
        let batch =
            RecordBatch::try_from_iter([("race", Arc::new(column) as arrow_array::ArrayRef)]).unwrap();
        let question = Question::Word {
            field: "person.race".parse().unwrap(),
            words: vec!["white".into(), "unknown".into()],
            other: 2,
            unknown: 1,
        };
        assert_eq!(question.answers(&batch), [0, 2, 1, 1, 2]);
        assert_eq!(question.unanswered(), 1);
    }
}
