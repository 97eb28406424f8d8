//! Signed reads: a doctor reads her patients' measurements under their grants, over fifty connections at once.

use anyhow::{Context as _, ensure};
use medrec_domain::Purpose;
use medrec_domain::identifier::Address;
use medrec_domain::schema::Table;
use medrec_protocol::methods::records::{Read, ReadBody};
use serde_json::Value;

use super::load::{self, Times};
use super::town::Town;

/// Rows of an answer at most.
const ROWS: u32 = 20;

/// Asks so many questions over so many connections. Each answer has to hold the rows that the patient's first one had.
pub(super) fn measure(town: &Town, clients: usize, questions: usize) -> anyhow::Result<Times> {
    let doctor = town.signer("doctor.json")?;
    let counter = town.counter(&doctor);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut first = Vec::new();
    for (index, patient) in town.patients.iter().enumerate() {
        let question = counter.question::<Read>(index, reading(*patient))?;
        let rows = rows(&runtime.block_on(load::once(counter.address, &question))?)?;
        ensure!(rows != "[]", "patient {index} has no measurement to read");
        first.push(rows);
    }
    let asked = (0..questions).map(|index| {
        let index = index % town.patients.len();
        counter.question::<Read>(index, reading(town.patients[index]))
    });
    let asked = asked.collect::<anyhow::Result<Vec<_>>>()?;
    let check = move |index: usize, answer: &[u8]| {
        ensure!(rows(answer)? == first[index], "patient {index} has other rows than before");
        Ok(())
    };
    runtime.block_on(load::run(counter.address, clients, asked, check))
}

fn reading(patient: Address) -> ReadBody {
    ReadBody {
        patient,
        purpose: Purpose::Treatment,
        table: Table::Measurement,
        columns: None,
        from: None,
        until: None,
        after: 0,
        limit: ROWS,
    }
}

/// The rows of an answer, as text; the block that it names is another one each time.
fn rows(answer: &[u8]) -> anyhow::Result<String> {
    let answer: Value = serde_json::from_slice(answer).context("an answer that is no JSON")?;
    Ok(answer["rows"].to_string())
}
