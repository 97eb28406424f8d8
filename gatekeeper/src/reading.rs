//! Reading a patient's records, masked; and who read them.
//!
//! # Privacy
//! A column that no document covers is never read. A cell is shown if one document covers its field and its row's code; codes are
//! read for that decision where need be and shown only where covered. What a request can choose (days, pages, columns) is applied to
//! what is shown and to nothing else, so that a masked value cannot be found by asking often.

mod cells;
mod mask;

use std::sync::Arc;

use medrec_datasets::Days;
use medrec_domain::Purpose;
use medrec_domain::schema::{ColumnSpec, Table};
use medrec_protocol::RefusalCode;
use medrec_protocol::methods::records::{AuditAnswer, AuditBody, ReadAnswer, ReadBody};
use serde_json::Value;

use self::cells::{Codes, value};
use self::mask::Mask;
use crate::answer::{Answer, Concern, Outcome, Refused};
use crate::policy;
use crate::state::{Caller, State, blocking};
use crate::status::block_of;

/// What the log says a question is about.
pub(crate) fn concern(body: &ReadBody) -> Concern {
    Concern::of(body.patient, format!("{} for {}", body.table, word(body.purpose)))
}

/// What the log says a question about the log is about.
pub(crate) fn audit_concern(body: &AuditBody) -> Concern {
    Concern::of(body.patient, "audit log")
}

fn word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Treatment => "treatment",
        Purpose::Personal => "personal",
        Purpose::PublicHealth => "public-health",
        Purpose::ResearchAggregate => "research-aggregate",
        _ => "another purpose",
    }
}

/// `records/read`.
pub(crate) async fn read(state: Arc<State>, caller: Caller, body: ReadBody) -> Outcome {
    let asked = columns(&body)?;
    let (source_id, right) = policy::right(&state, &caller, body.patient, body.purpose).await?;
    let mask = Mask::new(body.table, right);
    let shown: Vec<_> = asked.into_iter().filter(|column| mask.may_show(column)).collect();
    if shown.is_empty() {
        return Err(RefusalCode::NotAllowed.into());
    }
    let names: Vec<_> = shown.iter().map(|column| column.name).collect();
    let about = format!("{} for {}: {}", body.table, word(body.purpose), names.join(", "));
    let block = block_of(&caller.facts, state.contracts.chain_id);
    let was_read = (caller.account != Some(body.patient)).then_some(body.patient);
    let (columns, page) = (names.iter().map(|name| (*name).to_owned()).collect(), Page::of(&state, &body)?);
    let (rows, next) = blocking(move || rows(&state, &source_id, &mask, &shown, &page)).await?;
    let answer = Answer::json(&ReadAnswer { columns, rows, next, block })?;
    Ok(Answer { about: Some(about), was_read, ..answer })
}

/// The columns that are asked for: those of the table but the person's pseudonym, which never leaves.
fn columns(body: &ReadBody) -> Result<Vec<&'static ColumnSpec>, Refused> {
    let all = || body.table.columns().iter().filter(|column| column.name != "person_id");
    let Some(names) = &body.columns else { return Ok(all().collect()) };
    let mut found: Vec<&'static ColumnSpec> = Vec::new();
    for name in names {
        let column = all().find(|column| column.name == name).ok_or(RefusalCode::BadRequest)?;
        if found.contains(&column) {
            return Err(RefusalCode::BadRequest.into());
        }
        found.push(column);
    }
    if found.is_empty() { Err(RefusalCode::BadRequest.into()) } else { Ok(found) }
}

/// Which of the shown rows.
struct Page {
    table: Table,
    days: Days,
    after: usize,
    limit: usize,
}

impl Page {
    fn of(state: &State, body: &ReadBody) -> Result<Self, Refused> {
        let number = |value: u64| usize::try_from(value).map_err(|_| Refused::from(RefusalCode::BadRequest));
        let limit = number(body.limit.min(state.limits.rows).into())?;
        if limit == 0 {
            return Err(RefusalCode::BadRequest.into());
        }
        let days = Days { from: body.from, until: body.until };
        Ok(Self { table: body.table, days, after: number(body.after)?, limit })
    }
}

type Rows = (Vec<Vec<Value>>, Option<u64>);

/// Reads, masks, pages. Blocks.
fn rows(
    state: &State,
    source_id: &str,
    mask: &Mask,
    shown: &[&'static ColumnSpec],
    page: &Page,
) -> Result<Rows, Refused> {
    let has_bounds = page.days != Days::ALL;
    let mut needed = shown.to_vec();
    let coded = ["code_system", "code"].iter().filter(|_| mask.needs_codes());
    for column in coded.filter_map(|name| page.table.column(name)) {
        if !needed.contains(&column) {
            needed.push(column);
        }
    }
    let batch = state.records.patient(source_id, page.table, &needed, page.days);
    let batch = batch.map_err(|error| Refused::internal(format!("records: {error}")))?;
    let codes = Codes::of(&batch);
    let date = page.table.date_column().and_then(|name| page.table.column(name)).filter(|_| has_bounds);
    let (mut visible, mut rows) = (0_usize, Vec::new());
    for row in 0..batch.num_rows() {
        let covering = mask.covering(&state.value_sets, codes.get(row));
        let shows = |column: &ColumnSpec| covering.show(column);
        // Bounds on days that may not be seen would tell them, one question after the other.
        if date.is_some_and(|date| !shows(date)) || !shown.iter().any(|column| shows(column)) {
            continue;
        }
        visible += 1;
        if visible <= page.after {
            continue;
        }
        if rows.len() == page.limit {
            let next = page.after.saturating_add(page.limit);
            return Ok((rows, u64::try_from(next).ok()));
        }
        // The batch has the columns that are shown first, in their order.
        let cells = shown.iter().zip(batch.columns());
        let cells = cells.map(|(column, cells)| if shows(column) { value(cells, row) } else { Value::Null });
        rows.push(cells.collect());
    }
    Ok((rows, None))
}

/// Every row of a batch, whole: for digests, not for anybody's eyes.
pub(crate) fn rows_of(batch: &arrow_array::RecordBatch) -> Vec<Vec<Value>> {
    cells::rows_of(batch)
}

/// `audit/list`.
pub(crate) async fn audit(state: Arc<State>, caller: Caller, body: AuditBody) -> Outcome {
    let is_provider = caller.account == Some(state.provider);
    if !is_provider && !policy::acts_for(&caller, body.patient, policy::POWER_GRANT).await? {
        return Err(RefusalCode::NotAllowed.into());
    }
    let limit = usize::try_from(body.limit.min(state.limits.rows)).unwrap_or(usize::MAX);
    let entries = state.stored(move |store| store.audit_of(body.patient, body.after, limit)).await?;
    let head = state.audit.head();
    Answer::json(&AuditAnswer { entries, length: head.length, head: head.head })
}
