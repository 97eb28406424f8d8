//! Threads, parts and their speed decide neither what is answered nor which error is.

use std::time::Duration;

use medrec_anonymizer::AnonymizerError;
use medrec_anonymizer::aggregate::{Options, aggregate};
use medrec_anonymizer::consent::Consents;
use medrec_anonymizer::records::{Each, Records};
use medrec_domain::schema::Table;

use crate::plain::{WORKLOAD, options, plan};
use crate::population::{Population, population};

/// Records of which some parts cannot be read; the first of them takes longest to notice.
struct Broken<'a> {
    records: &'a Population,
    of: Table,
    parts: &'a [usize],
}

impl Records for Broken<'_> {
    fn parts(&self, table: Table) -> Result<usize, AnonymizerError> {
        self.records.parts(table)
    }

    fn rows(&self, table: Table) -> Result<u64, AnonymizerError> {
        self.records.rows(table)
    }

    fn scan(
        &self,
        table: Table,
        part: usize,
        columns: &[&'static str],
        each: &mut Each<'_>,
    ) -> Result<(), AnonymizerError> {
        if table == self.of && self.parts.contains(&part) {
            std::thread::sleep(Duration::from_millis(if part == self.parts[0] { 15 } else { 0 }));
            return Err(AnonymizerError::Records(format!("part {part} cannot be read").into()));
        }
        self.records.scan(table, part, columns, each)
    }
}

#[test]
fn of_several_broken_parts_the_first_is_named_whatever_the_threads() {
    let all = population(61, 200, 10);
    let (plan, everybody) = (plan(WORKLOAD), Consents::everybody());
    for (of, parts) in [(Table::Person, [3, 5, 11]), (Table::Measurement, [2, 9, 17])] {
        let broken = Broken { records: &all, of, parts: &parts };
        for threads in [1, 2, 4, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for memory_bytes in [512 << 20, 20_000] {
                let options = Options { memory_bytes, ..options() };
                let error = pool.install(|| aggregate(&plan, &broken, &everybody, &options, &()).err());
                let expected = format!("part {} cannot be read", parts[0]);
                assert_eq!(error.unwrap().to_string(), expected, "{threads} threads");
            }
        }
    }
}
