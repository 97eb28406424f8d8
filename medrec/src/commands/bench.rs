//! `medrec bench`: plans a benchmark, runs it through the harness, shows, prints or saves the record.

mod compare;
mod dag;
mod dataset;
mod epoch;
mod ethash;
mod keccak;
mod report;

use std::path::PathBuf;

use medrec_benches::harness;
use medrec_benches::harness::{Entry, Event, Outcome, Plan};
use medrec_benches::machine::Machine;
use medrec_benches::record::{Context, Missing, Record};
use medrec_benches::utc::Utc;

use crate::args::{BenchCommand, SamplingArguments};
use crate::exit::{Unavailable, Usage};
use crate::interrupt;
use crate::shell::Shell;

/// Runs the benchmark.
pub(super) fn run(command: BenchCommand, shell: &mut Shell) -> anyhow::Result<()> {
    match command {
        BenchCommand::Ethash(arguments) => ethash::run(&arguments, shell),
        BenchCommand::Keccak(arguments) => keccak::run(&arguments, shell),
        BenchCommand::Dag(arguments) => dag::run(&arguments, shell),
        BenchCommand::Compare { first, second } => compare::run(&first, &second, shell),
    }
}

/// Sampling arguments, checked.
struct Sampling {
    plan: Plan,
    threads: Vec<usize>,
    engines: Vec<String>,
    save_to: Option<PathBuf>,
}

/// More threads than this are a mistyped number.
const MAXIMUM_THREADS: usize = 4_096;

impl Sampling {
    fn new(arguments: &SamplingArguments) -> Result<Self, Usage> {
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
    fn choose<T>(&self, all: Vec<T>, name: impl Fn(&T) -> String) -> Result<Vec<T>, Unavailable> {
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

/// What a benchmark's own part says about its record.
struct About {
    benchmark: &'static str,
    headline: &'static str,
    title: String,
    workload: serde_json::Value,
    device: Option<String>,
    missing: Vec<Missing>,
}

/// Samples everybody, and shows, prints and saves the record.
fn measure(
    sampling: &Sampling,
    about: About,
    limits: Vec<Box<dyn harness::Contender + '_>>,
    entries: Vec<Entry<'_>>,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let started_at = Utc::now();
    let outcome = sample(&sampling.plan, limits, entries, shell)?;
    let mut machine = Machine::describe();
    machine.device = about.device;
    let context = Context {
        benchmark: about.benchmark.to_owned(),
        headline: about.headline.to_owned(),
        workload: about.workload,
        started_at,
        command: command_line(),
        plan: sampling.plan,
        machine,
        missing: about.missing,
    };
    let record = Record::new(context, outcome)?;
    for warning in &record.noise.warnings {
        shell.warning(&format!("noisy machine: {warning}"));
    }
    if let Some(folder) = &sampling.save_to {
        let path = record.save(folder, started_at)?;
        shell.status(&format!("saved {}", path.display()));
    }
    if shell.wants_json() {
        return shell.json(&record);
    }
    shell.result(&report::text(&about.title, &record))
}

fn sample(
    plan: &Plan,
    limits: Vec<Box<dyn harness::Contender + '_>>,
    entries: Vec<Entry<'_>>,
    shell: &mut Shell,
) -> anyhow::Result<Outcome> {
    let stop = interrupt::flag()?;
    let contenders = (limits.len() + entries.len()) as u64;
    let bar = shell.bar("sampling", contenders * u64::from(plan.samples), "samples");
    let outcome = harness::run(limits, entries, plan, stop, &mut |event| match event {
        Event::Checking(identity) => shell.detail(&format!("checking answers: {}", identity.label())),
        Event::Sampled { identity, rate } => {
            bar.inc(1);
            shell.detail(&format!("{}: {}", identity.label(), crate::table::rate(*rate, &identity.unit)));
        }
        _ => {}
    });
    bar.finish_and_clear();
    Ok(outcome?)
}

/// The command as it was given, without the path of the binary.
fn command_line() -> String {
    let arguments = std::env::args().skip(1);
    std::iter::once("medrec".to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}
