//! `medrec-peers evaluation`: docs/EVALUATION.md, assembled from saved records and documents.
//!
//! A section a topic, each with its command, date and machine. Topics that this code has no words for are shown
//! as plain tables, so that a new kind of measurement only has to save its document.

mod census;
mod goals;
mod job;
mod other;
mod scale;
mod services;
mod table;

use anyhow::Context as _;

use crate::arguments::EvaluationArguments;
use crate::document::Document;
use crate::progress::say;

/// Topics with sections of their own.
const KNOWN: [&str; 4] = ["census", "newcomer", "scale", "services"];

/// Writes the page.
pub(crate) fn run(arguments: &EvaluationArguments) -> anyhow::Result<()> {
    let root = &arguments.root;
    let job = job::Job::newest(root)?;
    let census = Document::newest(root, "census")?;
    let scale = Document::newest(root, "scale")?;
    let services = Document::newest(root, "services")?;
    let newcomer = Document::newest(root, "newcomer")?;
    let mut goals = goals::all(job.as_ref(), census.as_ref(), scale.as_ref());
    goals.extend(goals::services(services.as_ref(), newcomer.as_ref()));
    let mut text = String::from(
        "<!-- Written by `cargo run --release -p medrec-peers -- evaluation`; do not edit. -->\n\
         # Evaluation\n\n\
         What releases cost and how far they are off, beside rivals on the same records, unit and privacy loss; what the services do. Hashrates\n\
         have [their own page](HASHRATE.md). This page is written from the newest saved measurements in `benches/record/` and\n\
         `benches/evaluation/`; each section names the command that repeats it. Rivals' scripts are in `benches/peers/python/`, their\n\
         versions pinned beside them.\n\n## Goals\n\n",
    );
    text.push_str(&goals::table(&goals));
    text.push_str(&job.as_ref().map_or_else(|| missing("Ten million rows", "anonymize"), job::Job::section));
    text.push_str(&census.as_ref().map_or_else(|| missing("Census", "census"), census::section));
    text.push_str(&scale.as_ref().map_or_else(|| missing("Scale", "scale"), scale::section));
    text.push_str(&services.as_ref().map_or_else(|| missing("Services", "services"), services::section));
    text.push_str(&newcomer.as_ref().map_or_else(|| missing("A newcomer", "newcomer"), services::newcomer));
    for topic in Document::topics(root)? {
        if !KNOWN.contains(&topic.as_str())
            && let Some(document) = Document::newest(root, &topic)?
        {
            text.push_str(&other::section(&document));
        }
    }
    let path = root.join("docs/EVALUATION.md");
    std::fs::create_dir_all(root.join("docs"))?;
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("wrote {}", path.display()));
    Ok(())
}

/// A section that nothing was measured for.
fn missing(title: &str, command: &str) -> String {
    format!("\n## {title}\n\nNot measured: run `cargo run --release -p medrec-peers -- {command}`.\n")
}
