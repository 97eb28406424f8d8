//! From records to exact integers, bounded a person.
//!
//! ```text
//! for each part of the persons (one, unless memory is short):
//!   read the persons who take part
//!   for each canonical table:  scan its parts in parallel; drop records into buckets of persons
//!                              bucket by bucket: group by person, bound, add
//! ```
//!
//! 1. *Buckets.* Records of one person meet in one bucket, whose few thousand persons fit the nearest
//!    cache; grouping is a counting sort there, and no record is hashed or compared.
//! 2. *Only heavy persons are chosen from.* Who has no more rows than the limit is added as she is.
//! 3. *Memory is bounded by passes*, not by spilling records to a disk: a pass takes the persons whose
//!    pseudonym falls into its part, and reads the records again.
//!
//! # Privacy
//! The result is secret. It is a sum over persons of a function of each person's bounded rows alone, so
//! one person moves it by at most the plan's sensitivity (`plan/PROOF.md`). Integers are added, so neither
//! threads nor order can change it.

mod accumulate;
mod exact;
mod index;
mod parts;
mod persons;
mod query;
mod select;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use medrec_domain::identifier::PersonId;
use medrec_domain::schema::Table;
use rayon::prelude::*;

pub use self::exact::Exact;

use self::accumulate::{Accumulator, Group};
use self::parts::in_order;
use self::persons::{Pass, Persons, Question};
use self::query::Query;
use self::select::{Batch, Record, bucket};
use crate::bounding::BoundingKey;
use crate::consent::Consents;
use crate::error::AnonymizerError;
use crate::plan::Plan;
use crate::records::{Progress, Records};

/// Persons of a bucket: their grouped records stay in the second-level cache.
const PERSONS_A_BUCKET: usize = 1 << 12;

/// How records are aggregated.
#[derive(Debug, Clone)]
pub struct Options {
    /// Key of the choice among a heavy person's rows.
    pub key: BoundingKey,
    /// Memory for records under way, in bytes; less memory means more passes over the source.
    pub memory_bytes: u64,
    /// Whether each person's own loss is computed, for individual accounting.
    pub individual: bool,
    /// Persons who take no part, since their budget is spent.
    pub left_out: BTreeSet<PersonId>,
}

impl Options {
    /// Options with a key, half a gibibyte, and no individual accounting.
    pub const fn new(key: BoundingKey) -> Self {
        Self { key, memory_bytes: 512 << 20, individual: false, left_out: BTreeSet::new() }
    }
}

/// Aggregates all tables of a plan.
///
/// # Errors
/// What the source reports, or [`AnonymizerError::Stopped`].
pub fn aggregate(
    plan: &Plan,
    records: &dyn Records,
    consents: &Consents,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Exact, AnonymizerError> {
    let mut questions: Vec<Question> = Vec::new();
    let queries: Vec<Query> =
        (0..plan.tables.len()).map(|table| Query::new(plan, table, &mut questions, consents)).collect();
    let mut by_source: BTreeMap<Table, Vec<Query>> = BTreeMap::new();
    for query in queries {
        by_source.entry(plan.tables[query.table].query.of).or_default().push(query);
    }
    let passes = passes(records, &by_source, options.memory_bytes)?;
    let total = parts(records, &by_source)?.saturating_mul(passes);
    progress.stage("aggregating", Some(total));
    let mut sum = Accumulator::new(plan, options.individual);
    for number in 0..passes {
        let pass = Pass { number, of: passes };
        let persons = Persons::read(records, consents, &questions, pass, &options.left_out, progress)?;
        for (&of, queries) in &by_source {
            let run = Run { plan, records, consents, options, progress, persons: &persons, of };
            run.table(queries, &mut sum)?;
        }
    }
    Ok(sum.finish(plan))
}

/// Passes over the source that keep the records under way within the memory.
fn passes(
    records: &dyn Records,
    by_source: &BTreeMap<Table, Vec<Query>>,
    memory_bytes: u64,
) -> Result<u64, AnonymizerError> {
    let record = u64::try_from(size_of::<Record>()).unwrap_or(u64::MAX);
    let mut passes = 1;
    for (&of, queries) in by_source {
        let queries = u64::try_from(queries.len()).unwrap_or(u64::MAX);
        // Growing vectors hold up to twice what is in them.
        let bytes = records.rows(of)?.saturating_mul(queries).saturating_mul(2 * record);
        passes = passes.max(bytes.div_ceil(memory_bytes.max(1)));
    }
    Ok(passes)
}

fn parts(records: &dyn Records, by_source: &BTreeMap<Table, Vec<Query>>) -> Result<u64, AnonymizerError> {
    let mut parts = 0;
    for &of in by_source.keys() {
        parts += records.parts(of)?;
    }
    Ok(u64::try_from(parts).unwrap_or(u64::MAX))
}

/// One canonical table in one pass.
struct Run<'a> {
    plan: &'a Plan,
    records: &'a dyn Records,
    consents: &'a Consents,
    options: &'a Options,
    progress: &'a dyn Progress,
    persons: &'a Persons,
    of: Table,
}

/// Records of one part: for each query, one list a bucket.
type Buckets = Vec<Vec<Vec<Record>>>;

impl Run<'_> {
    fn table(&self, queries: &[Query], sum: &mut Accumulator) -> Result<(), AnonymizerError> {
        let columns = query::columns(self.of, queries);
        let buckets = self.persons.len().div_ceil(PERSONS_A_BUCKET);
        if buckets == 0 {
            return Ok(());
        }
        let parts =
            in_order(self.records.parts(self.of)?, |part| self.scan(part, &columns, queries, buckets))?;
        let next = AtomicUsize::new(0);
        let workers: Vec<Accumulator> = (0..rayon::current_num_threads())
            .into_par_iter()
            .map(|_| {
                let mut own = Accumulator::new(self.plan, self.options.individual);
                let mut group = Group::default();
                loop {
                    let task = next.fetch_add(1, Ordering::Relaxed);
                    let (query, bucket) = (task / buckets, task % buckets);
                    let Some(query_of) = queries.get(query) else { break };
                    let records = parts.iter().map(|part| part[query][bucket].as_slice());
                    let first = bucket * PERSONS_A_BUCKET;
                    group.sort(records, first, PERSONS_A_BUCKET);
                    let table = &self.plan.tables[query_of.table];
                    group.each(|number, rows| {
                        own.person(query_of.table, table, &self.options.key, self.persons.id(number), rows);
                    });
                }
                own
            })
            .collect();
        for worker in workers {
            sum.add(worker);
        }
        if self.progress.is_stopped() { Err(AnonymizerError::Stopped) } else { Ok(()) }
    }

    fn scan(
        &self,
        part: usize,
        columns: &[&'static str],
        queries: &[Query],
        buckets: usize,
    ) -> Result<Buckets, AnonymizerError> {
        let mut found: Buckets = queries.iter().map(|_| vec![Vec::new(); buckets]).collect();
        self.records.scan(self.of, part, columns, &mut |batch| {
            if self.progress.is_stopped() {
                return Err(AnonymizerError::Stopped);
            }
            let batch = Batch::new(batch, self.of, self.persons, self.consents);
            for (query, found) in queries.iter().zip(&mut found) {
                batch.select(query, |record| found[bucket(record.person, PERSONS_A_BUCKET)].push(record));
            }
            Ok(())
        })?;
        self.progress.advance(1);
        Ok(found)
    }
}
