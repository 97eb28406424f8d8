//! What all benchmarks take, checked into a plan before anything starts.

use std::path::PathBuf;

use medrec_benches::harness::Plan;

use crate::args::SamplingArguments;
use crate::exit::{Unavailable, Usage};

/// Sampling arguments, checked.
pub(super) struct Sampling {
    pub(super) plan: Plan,
    pub(super) threads: Vec<usize>,
    pub(super) engines: Vec<String>,
    pub(super) save_to: Option<PathBuf>,
}

/// More threads than this are a mistyped number.
const MAXIMUM_THREADS: usize = 4_096;

impl Sampling {
    pub(super) fn new(arguments: &SamplingArguments) -> Result<Self, Usage> {
        let seconds = arguments.seconds;
        if !(seconds.is_finite() && seconds > 0.0 && seconds <= 3_600.0) {
            return Err(Usage(format!("--seconds {seconds}: a sample takes between 0 and 3,600 seconds")));
        }
        if arguments.samples == 0 {
            return Err(Usage("--samples 0: at least one sample is needed".to_owned()));
        }
        let mut threads = arguments.threads.clone();
        if threads.is_empty() {
            threads = vec![1, std::thread::available_parallelism().map_or(1, usize::from)];
        }
        threads.sort_unstable();
        threads.dedup();
        if let Some(count) = threads.iter().find(|count| **count == 0 || **count > MAXIMUM_THREADS) {
            return Err(Usage(format!("--threads {count}: between 1 and {MAXIMUM_THREADS} threads")));
        }
        let warm_up_seconds = (seconds / 4.0).min(0.5);
        Ok(Self {
            plan: Plan { samples: arguments.samples, sample_seconds: seconds, warm_up_seconds },
            threads,
            engines: arguments.engines.clone(),
            save_to: arguments.save.then(|| arguments.record_dir.clone()),
        })
    }

    /// Those of `all` that were asked for by name (all but the reference when none was), else an error
    /// that lists the names.
    pub(super) fn choose<T>(&self, all: Vec<T>, name: impl Fn(&T) -> String) -> Result<Vec<T>, Unavailable> {
        let names: Vec<String> = all.iter().map(&name).collect();
        if let Some(unknown) = self.engines.iter().find(|engine| !names.contains(engine)) {
            return Err(Unavailable(format!(
                "engine \"{unknown}\" does not run on this machine\n\nhint: these do: {}",
                names.join(", ")
            )));
        }
        let is_wanted = |engine: &T| {
            let name = name(engine);
            if self.engines.is_empty() { name != "reference" } else { self.engines.contains(&name) }
        };
        Ok(all.into_iter().filter(is_wanted).collect())
    }
}
