//! A service of ours as a process: started, listened to, weighed, stopped.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use medrec_benches::process::{Memory, memory};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Longest time for a service to be ready, or to end after it was asked to.
const PATIENCE: Duration = Duration::from_mins(2);
/// Password of every keystore of a measurement. Its accounts are worth nothing.
pub(crate) const PASSWORD: &str = "measured";

/// A line that a service wrote to stderr, and when it came.
pub(crate) struct Line {
    pub(crate) at: Instant,
    pub(crate) text: String,
}

/// A service that runs; it is killed when it is dropped.
pub(crate) struct Service {
    name: &'static str,
    child: Child,
    /// What it says on stderr.
    pub(crate) lines: mpsc::Receiver<Line>,
    stdout: mpsc::Receiver<Line>,
}

/// The binary with arguments, in a folder of the measurement.
pub(crate) fn command(program: &Path, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("MEDREC_PASSWORD", PASSWORD);
    command
}

/// Runs a command that ends by itself, and gives its JSON.
pub(crate) fn asked(program: &Path, folder: &Path, arguments: &[&str]) -> anyhow::Result<Value> {
    let output = command(program, folder, arguments).arg("--json").output()?;
    if !output.status.success() {
        bail!("medrec {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("medrec {}", arguments.join(" ")))
}

impl Service {
    /// Starts a service.
    pub(crate) fn start(name: &'static str, mut command: Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{name} does not start"))?;
        let stdout = child.stdout.take().map(lines).with_context(|| format!("{name} has no stdout"))?;
        let lines = child.stderr.take().map(lines).with_context(|| format!("{name} has no stderr"))?;
        Ok(Self { name, child, lines, stdout })
    }

    /// Waits for the line by which it says that it is ready.
    pub(crate) fn ready(&self) -> anyhow::Result<Value> {
        if let Ok(line) = self.stdout.recv_timeout(PATIENCE) {
            return serde_json::from_str(&line.text)
                .with_context(|| format!("{} said {}", self.name, line.text));
        }
        let said: Vec<String> = self.lines.try_iter().map(|line| line.text).collect();
        bail!("{} is not ready: {}", self.name, said.join("\n"))
    }

    /// Its number in the system.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its memory.
    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        memory(self.child.id()).with_context(|| format!("{} has no memory that could be seen", self.name))
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.with_context(|| format!("{} has no id", self.name))?, Signal::TERM)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                if !status.success() {
                    let said: Vec<String> = self.lines.try_iter().map(|line| line.text).collect();
                    bail!("{} ended with {status}: {}", self.name, said.join("\n"));
                }
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{} does not end", self.name);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // One that has ended cannot be killed any more, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream, each with the time at which it came.
fn lines(stream: impl std::io::Read + Send + 'static) -> mpsc::Receiver<Line> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for text in BufReader::new(stream).lines() {
            let Ok(text) = text else { return };
            // Nobody listens any more; the service must still be able to write.
            let _ = sender.send(Line { at: Instant::now(), text });
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_service_is_ready_when_it_says_so_has_memory_and_ends_when_asked() {
        let script =
            "trap 'exit 0' TERM; echo '{\"url\":\"x\"}'; echo hello >&2; while :; do sleep 0.05; done";
        let service = Service::start("shell", shell(script)).unwrap();
        assert_eq!(service.ready().unwrap()["url"], "x");
        assert_eq!(service.lines.recv_timeout(PATIENCE).unwrap().text, "hello");
        assert!(service.memory().unwrap().resident_bytes > 100_000);
        service.stop().unwrap();
    }

    #[test]
    fn a_service_that_ends_instead_of_getting_ready_is_quoted() {
        let service = Service::start("shell", shell("echo the reason >&2; exit 3")).unwrap();
        let error = service.ready().unwrap_err().to_string();
        assert!(error.contains("the reason"), "{error}");
    }
}
