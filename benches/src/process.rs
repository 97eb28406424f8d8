//! A program as a sample: its time on the wall, its processor time, the memory of all its processes.
//!
//! Memory is looked at every few milliseconds, over the program and everything that it started; the high-water
//! mark that the system keeps of the program itself counts too, so that a short peak is not missed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::BenchError;

/// How often memory is looked at.
const GLANCE: Duration = Duration::from_millis(10);
/// Clock ticks a second in `/proc`: 100 on every Linux.
const TICKS: f64 = 100.0;

/// How a program ran.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finished {
    /// Time on the wall, from its start to its end.
    pub wall_seconds: f64,
    /// Processor time of it and of the processes that it waited for.
    pub cpu_seconds: Option<f64>,
    /// Most resident memory of its processes together; 0 where the system does not tell.
    pub peak_memory_bytes: u64,
}

/// Runs a program to its end; what it writes to stderr goes to the file `log`, and its end to the error when it failed.
///
/// # Errors
/// [`BenchError::Contender`] when it does not start or fails.
pub fn measured(name: &str, command: &mut Command, log: &Path) -> Result<Finished, BenchError> {
    let failed = |reason: String| BenchError::Contender { contender: name.to_owned(), reason };
    let file = fs::File::create(log).map_err(|source| BenchError::Io { path: log.to_owned(), source })?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
    let before = children_seconds();
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| failed(format!("does not start: {error}")))?;
    let id = child.id();
    let done = AtomicBool::new(false);
    let (status, wall_seconds, peak_memory_bytes) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| peak_of(id, &done));
        let status = child.wait();
        let wall_seconds = start.elapsed().as_secs_f64();
        done.store(true, Ordering::Relaxed);
        (status, wall_seconds, watcher.join().unwrap_or_default())
    });
    let status = status.map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        let text = fs::read_to_string(log).unwrap_or_default();
        let from = text.char_indices().rev().nth(2_000).map_or(0, |(at, _)| at);
        return Err(failed(format!("ended with {status}: {}", text[from..].trim())));
    }
    let cpu_seconds = before.zip(children_seconds()).map(|(before, after)| after - before);
    Ok(Finished { wall_seconds, cpu_seconds, peak_memory_bytes })
}

/// Processor time of all children that were waited for.
fn children_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in brackets, which may hold blanks; 14 and 15 more lie before ours.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(13)? + ticks(14)?) / TICKS)
}

fn peak_of(id: u32, done: &AtomicBool) -> u64 {
    let mut peak = 0;
    while !done.load(Ordering::Relaxed) {
        let mut memory: BTreeMap<u32, u64> = BTreeMap::new();
        family(id, &mut memory);
        peak = peak.max(memory.values().sum()).max(kilobytes(id, "VmHWM:") << 10);
        std::thread::sleep(GLANCE);
    }
    peak
}

/// Resident memory of a process and of all that it started.
fn family(id: u32, memory: &mut BTreeMap<u32, u64>) {
    if memory.insert(id, kilobytes(id, "VmRSS:") << 10).is_some() {
        return;
    }
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else { return };
    for thread in threads.flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            family(child, memory);
        }
    }
}

/// Memory of a process, without those that it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Resident now.
    pub resident_bytes: u64,
    /// Most that was ever resident.
    pub peak_bytes: u64,
}

/// Memory of a process that runs; `None` where the system does not tell, or when it has ended.
pub fn memory(id: u32) -> Option<Memory> {
    let [resident_bytes, peak_bytes] = ["VmRSS:", "VmHWM:"].map(|field| kilobytes(id, field) << 10);
    (resident_bytes > 0).then_some(Memory { resident_bytes, peak_bytes })
}

fn kilobytes(id: u32, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_memory_of_a_program_and_its_children_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        // The shell holds 30 MB itself, and waits for a child.
        let script = "x=$(head -c 30000000 /dev/zero | tr '\\0' a); sleep 0.4; : $x";
        let finished = measured("shell", Command::new("sh").args(["-c", script]), &log).unwrap();
        assert!(finished.wall_seconds > 0.4);
        assert!(finished.peak_memory_bytes > 25_000_000, "{finished:?}");
        assert!(finished.cpu_seconds.is_some_and(|seconds| seconds >= 0.0));
    }

    #[test]
    fn a_program_that_fails_is_quoted_and_one_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = "echo the reason >&2; exit 3";
        let error = measured("shell", Command::new("sh").args(["-c", script]), &log).unwrap_err().to_string();
        assert!(error.contains("shell") && error.contains("the reason"), "{error}");
        let error = measured("nobody", &mut Command::new("no-such-program"), &log).unwrap_err().to_string();
        assert!(error.contains("nobody") && error.contains("does not start"), "{error}");
    }
}
