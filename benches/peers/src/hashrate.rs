//! `medrec-peers hashrate`: every benchmark with every rival, the records, and the page about them.

mod goals;
mod page;
mod plot;
mod records;
mod runs;

use anyhow::Context as _;
use medrec_benches::utc::Utc;

use crate::arguments::HashrateArguments;
use crate::progress::say;
use crate::sources;

/// Runs everything and writes the page.
pub(crate) fn run(arguments: &HashrateArguments) -> anyhow::Result<()> {
    let records = runs::all(arguments)?;
    // A quick run has nothing to publish: its page and records stay in the target folder.
    let root = if arguments.quick { sources::folder().join("quick") } else { arguments.root.clone() };
    let (docs, record_folder) = (root.join("docs"), root.join("benches/record"));
    let images = docs.join("hashrate");
    std::fs::create_dir_all(&images).with_context(|| format!("cannot create {}", images.display()))?;
    for record in records.measured() {
        let path = record.save(&record_folder, Utc::now())?;
        say(&format!("saved {}", path.display()));
    }
    for (name, svg) in plot::all(&records) {
        let path = images.join(name);
        std::fs::write(&path, svg).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let path = docs.join("HASHRATE.md");
    std::fs::write(&path, page::text(&records, arguments.quick))
        .with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("wrote {}", path.display()));
    Ok(())
}
