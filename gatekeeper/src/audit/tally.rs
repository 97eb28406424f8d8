//! Refusals that are counted instead of written one by one: those of strangers, who could fill the log.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use medrec_protocol::RefusalCode;

/// The counts since the last entry.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The second of the first one.
    since_s: u64,
    /// By the code's place among all.
    counts: BTreeMap<usize, u64>,
}

impl Tally {
    /// Counts one of this second.
    pub(super) fn count(&mut self, code: RefusalCode, time_s: u64) {
        if self.counts.is_empty() {
            self.since_s = time_s;
        }
        let place = RefusalCode::ALL.iter().position(|known| *known == code).unwrap_or_default();
        let count = self.counts.entry(place).or_default();
        *count = count.saturating_add(1);
    }

    /// Words for all of them; `None` if there are none.
    pub(super) fn take(&mut self) -> Option<String> {
        if self.counts.is_empty() {
            return None;
        }
        let counts = std::mem::take(&mut self.counts);
        let all: u64 = counts.values().fold(0, |sum, count| sum.saturating_add(*count));
        let mut about = format!("{all} refused since {}:", self.since_s);
        for (place, count) in counts {
            let code = RefusalCode::ALL.get(place).map_or("", |code| code.name());
            let _ = write!(about, " {code} {count}");
        }
        Some(about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_refusals_is_one_entry_with_a_count_for_each_reason() {
        let mut tally = Tally::default();
        assert!(tally.take().is_none());
        for _ in 0..1_000 {
            tally.count(RefusalCode::NotAllowed, 7);
        }
        tally.count(RefusalCode::BadRequest, 9);
        let about = tally.take().unwrap();
        assert_eq!(about, "1001 refused since 7: bad-request 1 not-allowed 1000");
        assert!(tally.take().is_none(), "the next entry counts anew");
    }
}
