//! Dated documents of the evaluation that are no benchmark records: tables of figures by name.
//!
//! They lie in `benches/evaluation/`, one JSON file a run, never overwritten; docs/EVALUATION.md is written from the
//! newest of each topic.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use medrec_benches::machine::Machine;
use medrec_benches::record::Missing;
use medrec_benches::utc::Utc;
use serde::{Deserialize, Serialize};

/// Folder of the documents below the root.
const FOLDER: &str = "benches/evaluation";

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// What was measured: `census`, `scale`, `ledger` …
    pub(crate) topic: String,
    /// Start of the run, RFC 3339 in UTC.
    pub(crate) started_at: String,
    /// Version of medrec.
    pub(crate) version: String,
    /// The command that repeats the run.
    pub(crate) command: String,
    /// Where.
    pub(crate) machine: Machine,
    /// What the work was, in words and figures.
    pub(crate) setting: serde_json::Value,
    /// The figures.
    pub(crate) rows: Vec<Row>,
    /// Who could not take part, and why.
    pub(crate) missing: Vec<Missing>,
}

/// Figures of one thing that one engine did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// The thing: a table, a size.
    pub(crate) name: String,
    /// Who did it.
    pub(crate) engine: String,
    /// Figures by name, unit last.
    pub(crate) figures: BTreeMap<String, f64>,
}

impl Row {
    pub(crate) fn new(name: &str, engine: &str, figures: &[(&str, f64)]) -> Self {
        let figures = figures.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        Self { name: name.to_owned(), engine: engine.to_owned(), figures }
    }

    pub(crate) fn figure(&self, name: &str) -> f64 {
        self.figures.get(name).copied().unwrap_or(f64::NAN)
    }
}

impl Document {
    pub(crate) fn new(topic: &str, started_at: Utc, command: &str, setting: serde_json::Value) -> Self {
        Self {
            topic: topic.to_owned(),
            started_at: started_at.to_rfc3339(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: command.to_owned(),
            machine: Machine::describe(),
            setting,
            rows: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Writes the document to `<root>/benches/evaluation/<time>-<topic>.json`.
    pub(crate) fn save(&self, root: &Path, at: Utc) -> anyhow::Result<PathBuf> {
        let folder = root.join(FOLDER);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(format!("{}-{}.json", at.to_file_stem(), self.topic));
        let mut file =
            std::fs::File::create_new(&path).with_context(|| format!("cannot write {}", path.display()))?;
        serde_json::to_writer_pretty(&mut file, self)?;
        std::io::Write::write_all(&mut file, b"\n")?;
        Ok(path)
    }

    /// Topics of all documents, in order.
    pub(crate) fn topics(root: &Path) -> anyhow::Result<Vec<String>> {
        let Ok(entries) = std::fs::read_dir(root.join(FOLDER)) else { return Ok(Vec::new()) };
        let mut topics = Vec::new();
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // A time such as 2026-11-28T201530Z, a hyphen, the topic.
            topics.extend(name.strip_suffix(".json").and_then(|stem| stem.get(19..)).map(str::to_owned));
        }
        topics.sort_unstable();
        topics.dedup();
        Ok(topics)
    }

    /// The newest document of a topic; `None` when there is none.
    pub(crate) fn newest(root: &Path, topic: &str) -> anyhow::Result<Option<Self>> {
        let ending = format!("-{topic}.json");
        let Ok(entries) = std::fs::read_dir(root.join(FOLDER)) else { return Ok(None) };
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
        paths.retain(|path| path.to_string_lossy().ends_with(&ending));
        // Names begin with the time.
        let Some(path) = paths.into_iter().max() else { return Ok(None) };
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let document = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
        Ok(Some(document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_document_of_a_topic_is_found_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut document =
            Document::new("scale", Utc::from_unix_seconds(1_000_000), "x", serde_json::json!({}));
        document.rows.push(Row::new("1,000 rows", "medrec", &[("wall_seconds", 0.5)]));
        document.save(folder.path(), Utc::from_unix_seconds(1_000_000)).unwrap();
        document.command = "later".to_owned();
        document.save(folder.path(), Utc::from_unix_seconds(2_000_000)).unwrap();
        Document::new("other", Utc::from_unix_seconds(3), "y", serde_json::json!({}))
            .save(folder.path(), Utc::from_unix_seconds(3_000_000))
            .unwrap();
        assert_eq!(Document::newest(folder.path(), "scale").unwrap(), Some(document));
        assert_eq!(Document::newest(folder.path(), "nothing").unwrap(), None);
        assert_eq!(Document::topics(folder.path()).unwrap(), ["other", "scale"]);
    }
}
