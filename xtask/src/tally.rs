//! Counts of checks, read from the output of the test runners. Knows no step.

use std::ops::AddAssign;

/// How many checks passed, failed, or did not run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Checks that ran and held.
    pub(crate) passed: u64,
    /// Checks that ran and did not hold.
    pub(crate) failed: u64,
    /// Checks that a runner left out although nobody asked for it.
    pub(crate) skipped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl Tally {
    /// Whether nothing failed and nothing was left out.
    pub(crate) const fn is_green(self) -> bool {
        self.failed == 0 && self.skipped == 0
    }

    /// The tally of a whole step: a step whose runner counted nothing is one check, and a step that
    /// exited with an error, or left tests out, has failed even where no single test did.
    pub(crate) fn of_step(self, succeeded: bool) -> Self {
        let mut tally = self;
        if tally == Self::default() && succeeded {
            tally.passed = 1;
        }
        tally.failed += tally.skipped;
        if !succeeded && tally.failed == 0 {
            tally.failed = 1;
        }
        tally
    }

    /// Adds what a line of a runner's output counts, if it counts anything.
    ///
    /// Understood: libtest's `test result:` line (each binary prints one), nextest's `Summary` line,
    /// and forge's `Suite result:` line.
    pub(crate) fn read(&mut self, line: &str) {
        let plain = without_colours(line);
        let counts = if let Some((_, counts)) = plain.split_once("test result: ") {
            counts
        } else if let Some((_, counts)) = plain.split_once("Suite result: ") {
            counts
        } else if let Some((_, counts)) =
            plain.trim_start().strip_prefix("Summary [").and_then(|rest| rest.split_once("run: "))
        {
            counts
        } else {
            return;
        };
        let words: Vec<&str> = counts.split([' ', ',', ';', '.']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" => self.passed += count,
                "failed" | "timed" => self.failed += count,
                "skipped" | "ignored" => self.skipped += count,
                _ => {}
            }
        }
    }
}

/// The line without terminal colour sequences (`ESC [ … m`).
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, tail)| tail);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (u64, u64, u64) {
        let mut tally = Tally::default();
        tally.read(line);
        (tally.passed, tally.failed, tally.skipped)
    }

    #[test]
    fn a_libtest_line_is_counted() {
        let line = "test result: FAILED. 7 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.10s";
        assert_eq!(read(line), (7, 2, 1));
    }

    #[test]
    fn a_nextest_summary_is_counted_once_and_with_colours() {
        assert_eq!(
            read("     Summary [   1.2s] 12 tests run: 10 passed (1 slow), 2 failed, 3 skipped"),
            (10, 2, 3)
        );
        assert_eq!(
            read(
                "\u{1b}[32m     Summary\u{1b}[0m [ 1.2s] 2 tests run: \u{1b}[1m2\u{1b}[0m passed, 0 skipped"
            ),
            (2, 0, 0)
        );
    }

    #[test]
    fn a_forge_line_is_counted() {
        assert_eq!(read("Suite result: ok. 5 passed; 0 failed; 0 skipped; finished in 1.19ms"), (5, 0, 0));
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(read("3 passed, 4 failed somewhere in prose"), (0, 0, 0));
    }

    #[test]
    fn a_step_that_leaves_a_test_out_has_failed() {
        let tally = Tally { passed: 3, failed: 0, skipped: 1 }.of_step(true);
        assert_eq!(tally.failed, 1);
        assert!(!tally.is_green());
    }

    #[test]
    fn a_step_without_tests_is_one_check() {
        assert_eq!(Tally::default().of_step(true).passed, 1);
        assert_eq!(Tally::default().of_step(false).failed, 1);
    }
}
