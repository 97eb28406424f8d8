//! The binary as a process: run to its end, or started and asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longer than anything here takes on a busy machine: other tests mine on all of its processors meanwhile.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

pub(crate) fn medrec(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_medrec"));
    command.args(arguments);
    command
}

/// Runs a command that ends by itself.
pub(crate) fn output(arguments: &[&str]) -> Output {
    medrec(arguments).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A running service that told that it is ready; killed when it goes out of scope.
pub(crate) struct Running {
    child: Child,
    /// Lines of stdout.
    lines: mpsc::Receiver<String>,
    /// Everything on stderr, once it is over.
    complaints: Option<JoinHandle<String>>,
    /// The ready line.
    pub(crate) ready: Value,
}

impl Running {
    /// `medrec node --http-port 0 --json ARGUMENTS`, once its ready line is there.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(&mut medrec(&[&["node", "--http-port", "0", "--json"], arguments].concat()))
    }

    /// A service with `--json`, once its ready line is there.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let (mut running, line) = Self::spawn_until_a_line(command);
        running.ready = serde_json::from_str(&line).unwrap();
        running
    }

    /// A service, once it said something on stdout: that line.
    pub(crate) fn spawn_until_a_line(command: &mut Command) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        // Read all the time: a full pipe would hold the service up.
        let complaints = std::thread::spawn(move || {
            let mut complaints = String::new();
            stderr.read_to_string(&mut complaints).unwrap();
            complaints
        });
        let mut running = Self { ready: Value::Null, child, lines, complaints: Some(complaints) };
        if let Ok(line) = running.lines.recv_timeout(PATIENCE) {
            return (running, line);
        }
        let _ = running.child.kill();
        panic!("it was not ready: {}", running.complaints());
    }

    /// Everything that was said on stderr by a process that has ended.
    pub(crate) fn complaints(&mut self) -> String {
        self.complaints.take().unwrap().join().unwrap()
    }

    pub(crate) fn address(&self) -> &str {
        self.ready["http"].as_str().unwrap().strip_prefix("http://").unwrap()
    }

    /// One JSON-RPC call; errors are the test's.
    pub(crate) fn call(&self, method: &str, params: &Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let answer: Value = serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    pub(crate) fn head(&self) -> u64 {
        let number = self.call("eth_blockNumber", &json!([]));
        u64::from_str_radix(&number.as_str().unwrap()[2..], 16).unwrap()
    }

    /// Waits until the chain has `number` blocks.
    pub(crate) fn wait_for_block(&self, number: u64) {
        let started = Instant::now();
        // A second each, on a machine that has time for it.
        let patience = PATIENCE + Duration::from_secs(5 * number.saturating_sub(self.head()));
        while self.head() < number {
            assert!(started.elapsed() < patience, "no block {number}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Whether it ends within `time`.
    pub(crate) fn ends_within(&mut self, time: Duration) -> Option<ExitStatus> {
        let started = Instant::now();
        loop {
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || started.elapsed() >= time {
                return ended;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends SIGTERM, and gives the exit code, what stdout got after the ready line, and stderr.
    pub(crate) fn stop(self) -> (Option<i32>, Vec<String>, String) {
        self.stop_by("-TERM")
    }

    /// As [`Self::stop`], by another signal.
    pub(crate) fn stop_by(mut self, signal: &str) -> (Option<i32>, Vec<String>, String) {
        self.signal(signal);
        let status = self.ends_within(PATIENCE).expect("it stops");
        let complaints = self.complaints();
        (status.code(), self.lines.iter().collect(), complaints)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
