//! Rivals of the job: scripts in Python, one process a sample.
//!
//! A script reads the rows that everybody reads and writes counts and sums of all cells; what they are worth is
//! computed here. Its time is that of the job alone, as it tells it: the interpreter's start, imports and a Spark
//! session's start are left out, which is more than we leave out for ourselves.

use std::path::PathBuf;
use std::process::Command;

use medrec_benches::BenchError;
use medrec_benches::accuracy::{Cells, Figure};
use medrec_benches::definition::anonymize::{Data, cell, checked};
use medrec_benches::harness::{Contender, Identity, Origin, Sample};
use medrec_benches::process::measured;
use serde::Deserialize;

/// Folder of the scripts.
const FOLDER: &str = "benches/peers/python";

/// How long a rival takes for ten million rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speed {
    Seconds,
    Minutes,
}

/// A rival's script.
#[derive(Debug)]
pub(super) struct Script {
    /// Its name in records, with the version that its requirements pin.
    pub(super) name: &'static str,
    /// Its name on the command line.
    pub(super) short: &'static str,
    /// The file without its ending.
    file: &'static str,
    /// The requirements that it runs under.
    requirements: &'static str,
    origin: Origin,
    pub(super) speed: Speed,
}

impl Script {
    pub(super) fn requirements(&self) -> PathBuf {
        [FOLDER, &format!("requirements-{}.txt", self.requirements)].iter().collect()
    }

    fn path(&self) -> PathBuf {
        [FOLDER, &format!("{}.py", self.file)].iter().collect()
    }
}

/// What reading and adding takes without any privacy.
pub(super) const LIMIT: Script = Script {
    name: "polars 1.36 streaming, no privacy",
    short: "polars",
    file: "polars_plain",
    requirements: "opendp",
    origin: Origin::Limit,
    speed: Speed::Seconds,
};

const fn peer(name: &'static str, short: &'static str, file: &'static str, speed: Speed) -> Script {
    Script { name, short, file, requirements: short, origin: Origin::Peer, speed }
}

/// Everybody else.
pub(super) const RIVALS: [Script; 5] = [
    peer("OpenDP 0.16 polars", "opendp", "opendp_polars", Speed::Seconds),
    peer("diffprivlib 0.6.6", "diffprivlib", "diffprivlib_tools", Speed::Seconds),
    peer("SmartNoise SQL 1.0.10", "smartnoise", "smartnoise_sql", Speed::Minutes),
    peer("Tumult Analytics 0.21", "tumult", "tumult_analytics", Speed::Minutes),
    peer("PipelineDP 0.3.1", "pipelinedp", "pipelinedp_local", Speed::Minutes),
];

/// A rival at work.
#[derive(Debug)]
pub(super) struct Rival<'a> {
    pub(super) script: &'a Script,
    pub(super) python: PathBuf,
    pub(super) data: &'a Data,
    pub(super) scratch: PathBuf,
    pub(super) threads: usize,
}

/// What a script writes.
#[derive(Deserialize)]
struct Answer {
    seconds: f64,
    cells: Vec<(String, String, f64, f64)>,
}

impl Contender for Rival<'_> {
    fn identity(&self) -> Identity {
        Identity {
            engine: self.script.name.to_owned(),
            origin: self.script.origin,
            measure: "anonymize".to_owned(),
            unit: "row".to_owned(),
            threads: self.threads,
            pages: None,
        }
    }

    fn check(&mut self) -> Result<String, BenchError> {
        Ok("every cell beside the exact one, in every sample".to_owned())
    }

    fn sample(&mut self, _: f64) -> Result<Sample, BenchError> {
        let name = self.script.name;
        let io = |source| BenchError::Io { path: self.scratch.clone(), source };
        std::fs::create_dir_all(&self.scratch).map_err(io)?;
        let file = self.scratch.join("answer.json");
        let mut command = Command::new(&self.python);
        command.arg(self.script.path()).arg(&self.data.folder).arg(&file);
        let finished = measured(name, &mut command, &self.scratch.join("stderr.txt"))?;
        let text = std::fs::read_to_string(&file).map_err(io)?;
        let answer: Answer = serde_json::from_str(&text)
            .map_err(|source| BenchError::Format { path: file.clone(), source })?;
        let cells: Cells = answer
            .cells
            .into_iter()
            .map(|(region, condition, count, sum)| {
                (cell(&region, &condition), Figure { count, sum: Some(sum) })
            })
            .collect();
        let accuracy = checked(name, &self.data.exact, &cells)?;
        std::fs::remove_dir_all(&self.scratch).map_err(io)?;
        Ok(Sample {
            work: self.data.shape.rows,
            wall_seconds: answer.seconds,
            cpu_seconds: finished.cpu_seconds,
            peak_memory_bytes: Some(finished.peak_memory_bytes),
            accuracy: Some(accuracy),
        })
    }
}
