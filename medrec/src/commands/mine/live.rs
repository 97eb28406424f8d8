//! What a person sees while the miner works: a line that is drawn again, and one line for what matters.

use std::time::Duration;

use indicatif::ProgressBar;
use medrec_miner::{DeviceState, MinerEvent, MinerHandle, Statistics};
use tokio::sync::broadcast;
use tokio::time::Interval;

use super::summary::hashrate;
use crate::shell::Shell;

/// Off a terminal a line is enough this often.
const LINES_EVERY: Duration = Duration::from_secs(10);
/// On a terminal the line changes this often.
const DRAWN_EVERY: Duration = Duration::from_millis(500);

/// Follows a miner.
pub(super) struct Live {
    events: broadcast::Receiver<MinerEvent>,
    line: Option<ProgressBar>,
    tick: Interval,
}

impl Live {
    pub(super) fn new(miner: &MinerHandle, shell: &Shell) -> Self {
        let line = shell.live_line();
        let period = if line.is_some() { DRAWN_EVERY } else { LINES_EVERY };
        let first = tokio::time::Instant::now() + period;
        Self { events: miner.events(), line, tick: tokio::time::interval_at(first, period) }
    }

    /// Waits for something to tell, and tells it.
    pub(super) async fn next(&mut self, miner: &MinerHandle, shell: &mut Shell) {
        tokio::select! {
            event = self.events.recv() => match event {
                Ok(event) => self.tell(&event, shell),
                // Lines that come too fast to be read are no loss; counts are in the summary.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            },
            _ = self.tick.tick() => {
                let text = text(&miner.statistics());
                match &self.line {
                    Some(line) => line.set_message(text),
                    None => shell.status(&text),
                }
            }
        }
    }

    /// Tells what is left to tell.
    pub(super) fn rest(&mut self, shell: &mut Shell) {
        while let Ok(event) = self.events.try_recv() {
            self.tell(&event, shell);
        }
    }

    fn tell(&self, event: &MinerEvent, shell: &mut Shell) {
        match &self.line {
            Some(line) => line.suspend(|| say(event, shell)),
            None => say(event, shell),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}

fn say(event: &MinerEvent, shell: &mut Shell) {
    let block = |number: &Option<u64>| number.map_or_else(|| "block".to_owned(), |n| format!("block {n}"));
    match event {
        MinerEvent::NewWork { number, difficulty, node, .. } => {
            shell.detail(&format!("work on {} of difficulty {difficulty} from {node}", block(number)));
        }
        MinerEvent::Found { number, nonce, device, .. } => {
            shell.detail(&format!("{device} solved {} with nonce {nonce}", block(number)));
        }
        MinerEvent::Accepted(accepted) => {
            shell.status(&format!("{} accepted after {} ms", block(&accepted.number), accepted.latency_ms));
        }
        MinerEvent::Rejected { number, node, .. } => {
            shell.warning(&format!("{node} did not take {}", block(number)));
        }
        MinerEvent::Stale { number, .. } => {
            shell.warning(&format!("the solution of {} came too late", block(number)));
        }
        MinerEvent::NodeFailed { why, .. } => shell.warning(why),
        MinerEvent::NodeRecovered { node } => shell.status(&format!("{node} answers again")),
        MinerEvent::NodeBehind { node, number, other, other_number } => shell.warning(&format!(
            "{node} still gives work for block {number} while {other} is at block {other_number}: it is left until it has caught up"
        )),
        MinerEvent::NodeCaughtUp { node } => shell.status(&format!("{node} has caught up")),
        MinerEvent::NodeChosen { node } => shell.status(&format!("work comes from {node}")),
        MinerEvent::CoinbaseRefused { node, pays } => {
            let whom = pays.map_or_else(|| "its own coinbase".to_owned(), |pays| pays.to_string());
            shell.warning(&format!("{node} takes no --coinbase: its blocks pay {whom}"));
        }
        MinerEvent::CacheReady { epoch } => {
            shell.detail(&format!("the light cache of epoch {epoch} is ready"));
        }
        MinerEvent::DatasetReady { epoch } => shell.status(&format!("the dataset of epoch {epoch} is ready")),
        MinerEvent::DatasetFailed { epoch, why } => {
            shell.warning(&format!("no dataset of epoch {epoch} yet: {why}"));
        }
        MinerEvent::DeviceFailed { device, why } => shell.warning(&format!("{device}: {why}")),
        MinerEvent::DeviceRecovered { device } => shell.status(&format!("{device} works again")),
        // Later versions may tell more.
        _ => {}
    }
}

/// The state of a miner in one line.
fn text(statistics: &Statistics) -> String {
    let solutions = &statistics.solutions;
    let is_light = statistics.devices.iter().any(|device| device.state == DeviceState::Light);
    let mut parts = vec![hashrate(statistics.hashrate_hps) + if is_light { " (light)" } else { "" }];
    match &statistics.work {
        Some(work) => {
            let number = work.number.map_or_else(|| "?".to_owned(), |number| number.to_string());
            parts.push(format!("block {number}, difficulty {}", work.difficulty));
        }
        None => parts.push("waiting for work".to_owned()),
    }
    let [accepted, rejected, stale] = [solutions.accepted, solutions.rejected, solutions.stale];
    parts.push(format!("{accepted} accepted, {rejected} rejected, {stale} stale"));
    if solutions.pending > 0 {
        parts.push(format!("{} waiting for a node", solutions.pending));
    }
    if let Some(preparation) = &statistics.preparation {
        let percent = (preparation.done_items * 100).checked_div(preparation.total_items).unwrap_or(0);
        parts.push(format!("dataset of epoch {} at {percent} %", preparation.epoch));
    }
    parts.join(", ")
}
