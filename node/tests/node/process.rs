//! The node as a process of its own: started, asked over HTTP, and killed.

use parking_lot::Mutex;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(30);
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// The example `trial_node`, built when it is older than its sources.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "-p", "medrec-node", "--example", "trial_node"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the example trial_node does not build");
        let tests = std::env::current_exe().unwrap();
        tests.ancestors().nth(2).unwrap().join("examples/trial_node")
    })
}

/// A running node; killed when it goes out of scope.
pub(crate) struct Process {
    child: Mutex<Child>,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts a node on a free port and waits until it answers.
    pub(crate) fn start(datadir: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .arg(datadir)
            .arg("0")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(stdout).read_line(&mut line);
            let _ = sender.send(read.map(|_| line));
        });
        let line = receiver.recv_timeout(START_TIMEOUT).expect("the node starts in time").unwrap();
        let address = line.trim().strip_prefix("listening on ").expect("the ready line").parse().unwrap();
        Self { child: Mutex::new(child), address }
    }

    /// `kill -9`, while others still talk to it.
    pub(crate) fn kill(&self) {
        self.child.lock().kill().unwrap();
    }

    pub(crate) fn call(&self, method: &str, params: &Value) -> Result<Value, Value> {
        call(self.address, method, params).expect("the node answers")
    }

    /// Asks until `done` says that the answer is the one.
    pub(crate) fn wait_for(&self, method: &str, params: &Value, done: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let answer = self.call(method, params).unwrap();
            if done(&answer) {
                return answer;
            }
            assert!(started.elapsed() < ANSWER_TIMEOUT, "{method} {params} stays {answer}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child.lock();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// One JSON-RPC call; the outer error is that nobody answered.
pub(crate) fn call(
    address: SocketAddr,
    method: &str,
    params: &Value,
) -> std::io::Result<Result<Value, Value>> {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let (_, body) = post(address, &[], request.to_string().as_bytes())?;
    let mut response: Value = serde_json::from_str(&body)?;
    match response["error"].take() {
        Value::Null => Ok(Ok(response["result"].take())),
        error => Ok(Err(error)),
    }
}

/// One POST on a connection of its own: status and body.
pub(crate) fn post(
    address: SocketAddr,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    let length = body.len().to_string();
    let usual = [
        ("Host", "localhost"),
        ("Content-Type", "application/json"),
        ("Content-Length", &length),
        ("Connection", "close"),
    ];
    let mut lines = vec!["POST / HTTP/1.1".to_owned()];
    for (name, value) in usual {
        let given = headers.iter().find(|(given, _)| *given == name);
        lines.push(format!("{name}: {}", given.map_or(value, |(_, value)| value)));
    }
    let other = headers.iter().filter(|(name, _)| usual.iter().all(|(known, _)| known != name));
    lines.extend(other.map(|(name, value)| format!("{name}: {value}")));
    lines.push("\r\n".to_owned());
    stream.write_all(lines.join("\r\n").as_bytes())?;
    // A server that refuses a body may close before it has read it all.
    let _ = stream.write_all(body);
    let mut response = Vec::new();
    let read = stream.read_to_end(&mut response);
    let response = String::from_utf8_lossy(&response).into_owned();
    let ended = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let Some((head, body)) = response.split_once("\r\n\r\n") else {
        read?;
        return Err(ended());
    };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(ended)?;
    Ok((status, body.to_owned()))
}
