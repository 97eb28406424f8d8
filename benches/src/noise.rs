//! How quiet the machine was: processor time stolen by the hypervisor or used by others, load, clock.
//!
//! Read from `/proc` on Linux; elsewhere the figures are absent, never invented.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::statistics::as_f64;

/// Above this spread of its samples, (maximum - minimum) / median, a result is called noisy.
///
/// Ten quiet runs on an unshared core stay below 3 per cent; a neighbour on the same core shows at once.
pub const NOISY_SPREAD_PERCENT: f64 = 10.0;
/// Above this share of time stolen by the hypervisor, the run is called noisy.
pub const NOISY_STEAL_PERCENT: f64 = 1.0;
/// Above this share of the machine used by other processes, the run is called noisy.
pub const NOISY_OTHERS_PERCENT: f64 = 3.0;

/// Ticks per second of `/proc/stat` (`USER_HZ`): 100 on every Linux architecture that we support.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time of the whole machine since boot, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessorTimes {
    busy: u64,
    idle: u64,
    steal: u64,
}

impl ProcessorTimes {
    /// Reads the counters; `None` where there is no `/proc/stat`.
    pub fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// Parses the first line of `/proc/stat`: user nice system idle iowait irq softirq steal …
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.lines().next()?.split_whitespace();
        if fields.next()? != "cpu" {
            return None;
        }
        let ticks: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
        let [user, nice, system, idle, io_wait, irq, soft_irq, steal, ..] = ticks[..] else { return None };
        Some(Self { busy: user + nice + system + irq + soft_irq, idle: idle + io_wait, steal })
    }
}

/// What happened on the machine over the sampled time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NoiseMeter {
    total_ticks: u64,
    steal_ticks: u64,
    busy_ticks: u64,
    own_seconds: f64,
}

impl NoiseMeter {
    /// Adds the interval between two readings, of which the sampled work itself used
    /// `own_cpu_seconds` of processor time.
    pub fn add(
        &mut self,
        before: Option<ProcessorTimes>,
        after: Option<ProcessorTimes>,
        own_cpu_seconds: f64,
    ) {
        let (Some(before), Some(after)) = (before, after) else { return };
        let busy = after.busy.saturating_sub(before.busy);
        let steal = after.steal.saturating_sub(before.steal);
        self.busy_ticks += busy;
        self.steal_ticks += steal;
        self.total_ticks += busy + steal + after.idle.saturating_sub(before.idle);
        self.own_seconds += own_cpu_seconds;
    }

    /// The report over everything added.
    pub fn report(&self) -> Noise {
        let share = |ticks: f64| {
            (self.total_ticks > 0).then(|| (100.0 * ticks / as_f64(self.total_ticks)).clamp(0.0, 100.0))
        };
        let others = as_f64(self.busy_ticks) - self.own_seconds * TICKS_PER_SECOND;
        Noise {
            steal_percent: share(as_f64(self.steal_ticks)),
            others_percent: share(others),
            load_average_1_minute: load_average(),
            clock_mhz: clock_mhz(),
            warnings: Vec::new(),
        }
    }
}

/// How quiet the machine was during a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Share of processor time that the hypervisor gave to others, in per cent of all processors.
    pub steal_percent: Option<f64>,
    /// Share of processor time that other processes (and the kernel) used meanwhile, in per cent.
    pub others_percent: Option<f64>,
    /// Load average of the last minute at the end of the run, this run included.
    pub load_average_1_minute: Option<f64>,
    /// Clock of the first processor at the end of the run, in MHz, where the system tells.
    pub clock_mhz: Option<f64>,
    /// What makes the figures doubtful, in sentences; empty on a quiet machine.
    pub warnings: Vec<String>,
}

impl Noise {
    /// Adds a warning for each figure of the whole run that passes its threshold.
    pub fn judge(&mut self) {
        let shares = [
            (self.steal_percent, NOISY_STEAL_PERCENT, "of the processor time was stolen by the hypervisor"),
            (self.others_percent, NOISY_OTHERS_PERCENT, "of the processor time went to other processes"),
        ];
        for (share, threshold, what) in shares {
            if let Some(share) = share.filter(|share| *share > threshold) {
                self.warnings.push(format!("{share:.1} % {what} (threshold {threshold} %)"));
            }
        }
    }
}

fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// The clock as cpufreq tells it, else as `/proc/cpuinfo` does (a guest often sees the nominal one).
fn clock_mhz() -> Option<f64> {
    let scaling = fs::read_to_string("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq").ok();
    if let Some(khz) = scaling.and_then(|text| text.trim().parse::<f64>().ok()) {
        return Some(khz / 1_000.0);
    }
    let information = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = information.lines().find(|line| line.starts_with("cpu MHz"))?;
    line.split(':').nth(1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "cpu  100 0 50 800 10 0 0 40 0 0\ncpu0 1 2 3\n";
    const AFTER: &str = "cpu  180 0 70 880 10 0 0 60 0 0\n";

    #[test]
    fn steal_and_others_are_shares_of_the_interval() {
        let mut meter = NoiseMeter::default();
        // 100 busy ticks, 20 stolen, 80 idle; the work itself used 0.9 s of the busy second.
        meter.add(ProcessorTimes::parse(BEFORE), ProcessorTimes::parse(AFTER), 0.9);
        let mut noise = meter.report();
        assert!((noise.steal_percent.unwrap() - 10.0).abs() < 1e-9);
        assert!((noise.others_percent.unwrap() - 5.0).abs() < 1e-9);
        noise.judge();
        assert_eq!(noise.warnings.len(), 2, "{:?}", noise.warnings);
    }

    #[test]
    fn a_quiet_interval_warns_of_nothing() {
        let mut meter = NoiseMeter::default();
        let after = "cpu  199 0 50 900 10 0 0 40 0 0\n";
        meter.add(ProcessorTimes::parse(BEFORE), ProcessorTimes::parse(after), 1.0);
        let mut noise = meter.report();
        noise.judge();
        assert_eq!(noise.warnings, Vec::<String>::new());
    }

    #[test]
    fn text_that_is_not_proc_stat_gives_nothing() {
        assert_eq!(ProcessorTimes::parse(""), None);
        assert_eq!(ProcessorTimes::parse("cpu 1 2 3"), None);
        assert_eq!(ProcessorTimes::parse("intr 1 2 3 4 5 6 7 8"), None);
        assert_eq!(NoiseMeter::default().report().steal_percent, None);
    }
}
