//! A rival in another process: one command a line, one answer a line (see `drivers/protocol.hpp`).
//!
//! The process lives for the whole run, so that its samples can alternate with everybody else's.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use medrec_benches::BenchError;
use medrec_benches::harness::{Contender, Identity, Origin, Sample};

/// A running driver. Clones speak to the same process.
#[derive(Debug, Clone)]
pub(crate) struct Driver {
    name: String,
    process: Rc<RefCell<Process>>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // A closed input ends the driver's loop; the wait cannot tell us anything that still matters.
        self.input = None;
        let _ = self.child.wait();
    }
}

impl Driver {
    /// Starts `binary`; `name` is the rival's name in tables.
    pub(crate) fn start(name: &str, binary: &Path) -> Result<Self, BenchError> {
        let failed = |reason: String| BenchError::Contender { contender: name.to_owned(), reason };
        let mut child = Command::new(binary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(format!("cannot start {}: {error}", binary.display())))?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| failed("the driver has no output".to_owned()))?;
        let process = Process { child, input, output: BufReader::new(output) };
        Ok(Self { name: name.to_owned(), process: Rc::new(RefCell::new(process)) })
    }

    /// The rival's name in tables.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Sends a command and gives the words of its answer after `ok`.
    pub(crate) fn ask(&self, command: &str) -> Result<Vec<String>, BenchError> {
        let failed = |reason: String| BenchError::Contender { contender: self.name.clone(), reason };
        let mut process = self.process.borrow_mut();
        let mut answer = String::new();
        let exchanged = match process.input.as_mut() {
            Some(input) => writeln!(input, "{command}").and_then(|()| input.flush()),
            None => Ok(()),
        };
        exchanged
            .and_then(|()| process.output.read_line(&mut answer))
            .map_err(|error| failed(format!("no answer to \"{command}\": {error}")))?;
        let mut words = answer.split_whitespace().map(str::to_owned);
        match words.next().as_deref() {
            Some("ok") => Ok(words.collect()),
            Some(_) => Err(failed(answer.trim().to_owned())),
            None => Err(failed(format!("ended at \"{command}\""))),
        }
    }

    /// Sends a timed command.
    pub(crate) fn time(&self, command: &str) -> Result<Sample, BenchError> {
        let words = self.ask(command)?;
        let sample = match &words[..] {
            [work, wall, cpu] => work.parse().ok().zip(wall.parse().ok()).zip(cpu.parse().ok()),
            _ => None,
        };
        let ((work, wall_seconds), cpu_seconds) = sample.ok_or_else(|| BenchError::Contender {
            contender: self.name.clone(),
            reason: format!("\"{command}\" was answered with {words:?}"),
        })?;
        Ok(Sample { work, wall_seconds, cpu_seconds: Some(cpu_seconds), ..Sample::default() })
    }
}

/// A check of answers, which says what it compared.
pub(crate) type Check = Box<dyn Fn(&Driver) -> Result<String, BenchError>>;

/// A timed command of a driver as a contender.
pub(crate) struct Driven {
    pub(crate) driver: Driver,
    pub(crate) measure: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) threads: usize,
    pub(crate) pages: Option<&'static str>,
    pub(crate) check: Check,
    /// The command for a sample of that many seconds; the number counts the samples.
    pub(crate) command: Box<dyn Fn(f64, u64) -> String>,
    pub(crate) taken: u64,
}

impl Contender for Driven {
    fn identity(&self) -> Identity {
        Identity {
            engine: self.driver.name().to_owned(),
            origin: Origin::Peer,
            measure: self.measure.to_owned(),
            unit: self.unit.to_owned(),
            threads: self.threads,
            pages: self.pages.map(str::to_owned),
        }
    }

    fn check(&mut self) -> Result<String, BenchError> {
        (self.check)(&self.driver)
    }

    fn sample(&mut self, seconds: f64) -> Result<Sample, BenchError> {
        let command = (self.command)(seconds, self.taken);
        self.taken += 1;
        self.driver.time(&command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_cannot_start_or_ends_or_answers_with_words_is_an_error_by_name() {
        let error = Driver::start("rival", Path::new("/no/such/driver")).unwrap_err().to_string();
        assert!(error.contains("rival") && error.contains("/no/such/driver"), "{error}");
        // `true` ends at once; `cat` answers with the command itself, which does not begin with "ok".
        let ended = Driver::start("rival", Path::new("true")).unwrap();
        assert!(ended.ask("search").is_err());
        let echoing = Driver::start("rival", Path::new("cat")).unwrap();
        assert!(echoing.ask("some words").unwrap_err().to_string().contains("some words"));
        assert_eq!(echoing.ask("ok a b").unwrap(), ["a", "b"]);
    }

    #[test]
    fn a_timed_answer_is_work_wall_and_processor_time() {
        let echoing = Driver::start("rival", Path::new("cat")).unwrap();
        let sample = echoing.time("ok 100 2.0 1.0").unwrap();
        assert_eq!(
            sample,
            Sample { work: 100, wall_seconds: 2.0, cpu_seconds: Some(1.0), ..Sample::default() }
        );
        assert!(echoing.time("ok 100 2.0").is_err());
        assert!(echoing.time("ok many 2.0 1.0").is_err());
    }
}
