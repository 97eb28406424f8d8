//! `cargo xtask test`: chooses steps, makes sure of what they need, runs and times them, and closes
//! with `N passed, N failed`. Which steps there are is in `steps`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::setup::{self, Need};
use crate::shell;
use crate::steps::{STEPS, Step};
use crate::tally::Tally;
use crate::workspace::Workspace;

/// Prints the steps and what they need.
pub(crate) fn list() {
    for step in &STEPS {
        let speed = if step.slow { " (slow)" } else { "" };
        let needs: Vec<_> = step.needs.iter().map(|need| need.tool().name).collect();
        shell::result(&format!("{:<18} {}{speed}; needs {}", step.name, step.shows, needs.join(", ")));
    }
}

/// Runs the chosen steps; true when all of them passed.
///
/// A step that fails does not stop the ones after it: one run tells everything that is wrong.
pub(crate) fn run(workspace: &Workspace, quick: bool, only: &[String]) -> Result<bool> {
    let (chosen, left_out) = choose(quick, only, |room| workspace.root.join(room).is_dir())?;
    setup::ensure(&needs_of(&chosen))?;

    let started = Instant::now();
    let outcomes: Vec<Outcome> = chosen.iter().map(|step| run_step(workspace, step)).collect();

    shell::note("");
    let mut total = Tally::default();
    for outcome in &outcomes {
        shell::note(&outcome.to_string());
        total += outcome.tally;
    }
    shell::note(&format!("{:<18} {:>24} {:>8.1} s", "all", "", started.elapsed().as_secs_f64()));
    for (step, reason) in left_out {
        shell::note(&format!("{:<18} left out: {reason}", step.name));
    }
    shell::result(&closing_line(total));
    Ok(total.is_green())
}

fn closing_line(total: Tally) -> String {
    format!("{} passed, {} failed", total.passed, total.failed)
}

type LeftOut = Vec<(&'static Step, String)>;

/// Divides the table into the steps to run and the ones left out, each with its reason.
fn choose(
    quick: bool,
    only: &[String],
    room_exists: impl Fn(&str) -> bool,
) -> Result<(Vec<&'static Step>, LeftOut)> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != name.as_str())) {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no step {unknown:?}\n\nhint: the steps are {}", names.join(", "));
    }
    let mut chosen = Vec::new();
    let mut left_out = Vec::new();
    for step in &STEPS {
        if !only.is_empty() && !only.iter().any(|name| name == step.name) {
            left_out.push((step, "not named by --only".to_owned()));
        } else if quick && step.slow && only.is_empty() {
            left_out.push((step, "--quick".to_owned()));
        } else if !step.room.is_empty() && !room_exists(step.room) {
            left_out.push((step, format!("there is no folder {}/ yet", step.room)));
        } else {
            chosen.push(step);
        }
    }
    Ok((chosen, left_out))
}

fn needs_of(steps: &[&Step]) -> Vec<Need> {
    setup::ALL.into_iter().filter(|need| steps.iter().any(|step| step.needs.contains(need))).collect()
}

/// What a step did.
struct Outcome {
    name: &'static str,
    tally: Tally,
    took: Duration,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally { passed, failed, skipped } = self.tally;
        let counts = match skipped {
            0 => format!("{passed} passed, {failed} failed"),
            _ => format!("{passed} passed, {failed} failed ({skipped} of them did not run)"),
        };
        write!(out, "{:<18} {counts:>24} {:>8.1} s", self.name, self.took.as_secs_f64())
    }
}

fn run_step(workspace: &Workspace, step: &Step) -> Outcome {
    shell::note(&format!("\n==> {}: {}", step.name, step.shows));
    let started = Instant::now();
    let tally = (step.run)(workspace).unwrap_or_else(|error| {
        shell::note(&format!("error: {error:#}"));
        Tally::default().of_step(false)
    });
    Outcome { name: step.name, tally, took: started.elapsed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(steps: &[&Step]) -> Vec<&'static str> {
        steps.iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_full_run_leaves_nothing_out_once_every_room_exists() {
        let (chosen, left_out) = choose(false, &[], |_| true).unwrap();
        assert_eq!((chosen.len(), left_out.len()), (STEPS.len(), 0));
    }

    #[test]
    fn quick_leaves_out_the_slow_steps_by_name() {
        let (chosen, left_out) = choose(true, &[], |_| true).unwrap();
        assert!(chosen.iter().all(|step| !step.slow));
        assert!(
            left_out.iter().any(|(step, reason)| step.name == "address-sanitizer" && reason == "--quick")
        );
    }

    #[test]
    fn a_slow_step_asked_for_by_name_runs_even_when_quick() {
        let (chosen, _) = choose(true, &["address-sanitizer".to_owned()], |_| true).unwrap();
        assert_eq!(names(&chosen), ["address-sanitizer"]);
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_names_there_are() {
        let Err(error) = choose(false, &["speling".to_owned()], |_| true) else { panic!("accepted") };
        assert!(error.to_string().contains("speling") && error.to_string().contains("format"), "{error}");
    }

    #[test]
    fn the_closing_line_has_the_form_that_is_promised() {
        assert_eq!(closing_line(Tally { passed: 12, failed: 1, skipped: 1 }), "12 passed, 1 failed");
    }

    #[test]
    fn a_step_that_cannot_run_has_failed() {
        let step = Step {
            name: "broken",
            shows: "nothing",
            needs: &[],
            slow: false,
            room: "",
            run: |_| bail!("no such thing"),
        };
        assert_eq!(run_step(&Workspace::find().unwrap(), &step).tally.failed, 1);
    }
}
