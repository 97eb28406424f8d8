//! Columns of words: a decision once a distinct word, not once a row.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, StringArray};

/// A dictionary-encoded column.
pub(super) struct Words<'a> {
    column: &'a DictionaryArray<Int32Type>,
    values: &'a StringArray,
}

impl<'a> Words<'a> {
    pub(super) fn of(column: &'a ArrayRef) -> Self {
        let column = column.as_dictionary::<Int32Type>();
        Self { column, values: column.values().as_string() }
    }

    pub(super) fn len(&self) -> usize {
        self.column.len()
    }

    /// Distinct words of the batch.
    pub(super) fn distinct(&self) -> usize {
        self.values.len()
    }

    /// A distinct word.
    pub(super) fn word(&self, key: usize) -> &'a str {
        if self.values.is_null(key) { "" } else { self.values.value(key) }
    }

    /// Key of a row's word; `None` where it is missing.
    pub(super) fn key(&self, row: usize) -> Option<usize> {
        self.column.key(row)
    }

    /// A decision about each distinct word.
    pub(super) fn each<T>(&self, decide: impl FnMut(&'a str) -> T) -> Vec<T> {
        (0..self.distinct()).map(|key| self.word(key)).map(decide).collect()
    }

    /// The decision about a row's word.
    pub(super) fn get<T: Copy>(&self, decisions: &[T], row: usize) -> Option<T> {
        self.key(row).map(|key| decisions[key])
    }
}

/// Position of a word in a list.
pub(super) fn position(words: &[String], word: &str) -> Option<u32> {
    words.iter().position(|other| other == word).and_then(|position| u32::try_from(position).ok())
}
