//! Runs a planned benchmark through the harness, and shows, prints or saves the record.

use medrec_benches::harness::{self, Contender, Entry, Event, Outcome, Plan};
use medrec_benches::machine::Machine;
use medrec_benches::record::{Context, Missing, Record};
use medrec_benches::utc::Utc;

use super::plan::Sampling;
use super::report;
use crate::interrupt;
use crate::shell::Shell;

/// What a benchmark's own part says about its record.
pub(super) struct About {
    pub(super) benchmark: &'static str,
    pub(super) headline: &'static str,
    pub(super) title: String,
    pub(super) workload: serde_json::Value,
    pub(super) device: Option<String>,
    pub(super) missing: Vec<Missing>,
}

/// Samples everybody, and shows, prints and saves the record.
pub(super) fn measure(
    sampling: &Sampling,
    about: About,
    limits: Vec<Box<dyn Contender + '_>>,
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
    limits: Vec<Box<dyn Contender + '_>>,
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
