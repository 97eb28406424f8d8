//! Nodes that are started, stopped and started again, peers that answer what they are told, and waiting with an end.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};
use medrec_miner::{DatasetPolicy, MinerEvent, MinerHandle, MinerOptions};
use medrec_node::backend::Backend;
use medrec_node::spec::DEV_CHAIN_ID;
use medrec_node::{ChainSpec, DifficultyRule, Genesis, Node, NodeOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, oneshot};
use tokio::task::JoinHandle;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) const ANYWHERE: &str = "127.0.0.1:0";

pub(crate) fn somebody(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

/// A real node that seals nothing by itself.
pub(crate) struct RunningNode {
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    pub(crate) backend: Arc<Backend>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl RunningNode {
    /// A chain of a fixed difficulty in `folder`, whose node pays `coinbase` unless a miner asks otherwise.
    pub(crate) async fn start(folder: &Path, address: &str, coinbase: Address, difficulty: u64) -> Self {
        Self::notifying(folder, address, coinbase, difficulty, Vec::new()).await
    }

    /// As [`RunningNode::start`]; the node posts new work to `notify`.
    pub(crate) async fn notifying(
        folder: &Path,
        address: &str,
        coinbase: Address,
        difficulty: u64,
        notify: Vec<String>,
    ) -> Self {
        let spec = ChainSpec {
            chain_id: DEV_CHAIN_ID,
            difficulty: DifficultyRule::Fixed(difficulty),
            genesis: Genesis::new(U256::from(difficulty)),
        };
        let mut options = NodeOptions::new(spec, folder.to_owned());
        options.backend.coinbase = Some(coinbase);
        options.notify = notify;
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let node = Node::open(options).unwrap();
        let backend = Arc::clone(node.backend());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            node.serve(listener, stopped).await.unwrap();
        });
        Self { url: format!("http://{address}"), address, backend, stop, served }
    }

    pub(crate) fn head(&self) -> u64 {
        self.backend.chain().head().number()
    }

    /// Stops it; its port and folder are free afterwards.
    pub(crate) async fn stop(self) {
        let Self { backend, stop, served, .. } = self;
        drop(backend);
        let _ = stop.send(());
        served.await.unwrap();
    }
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// One thread of light hashing at `nodes`, whose failures show soon.
pub(crate) fn options(nodes: &[&str]) -> MinerOptions {
    let mut options = MinerOptions::new(nodes.iter().copied());
    options.threads = 1;
    options.dataset = DatasetPolicy::Never;
    options.request_timeout = Duration::from_secs(2);
    options
}

/// Waits for the first event that `pick` takes.
pub(crate) async fn event<T>(
    events: &mut broadcast::Receiver<MinerEvent>,
    mut pick: impl FnMut(MinerEvent) -> Option<T>,
) -> T {
    let waiting = async {
        loop {
            match events.recv().await {
                Ok(event) => {
                    if let Some(picked) = pick(event) {
                        return picked;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(error) => panic!("the miner has ended: {error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the event comes")
}

/// Waits until `accepted` blocks were accepted.
pub(crate) async fn accepted(miner: &MinerHandle, accepted: u64) {
    let started = Instant::now();
    while miner.statistics().solutions.accepted < accepted {
        assert!(started.elapsed() < PATIENCE, "{:?}", miner.statistics());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A peer that is no node of ours: takes connections and hands each to `serve`.
pub(crate) struct Peer {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl Peer {
    pub(crate) async fn start<F, S>(serve: S) -> Self
    where
        S: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(ANYWHERE).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        Self { url: format!("http://{address}"), task }
    }

    /// A peer that answers every request by `answer` of its body: a whole HTTP body.
    pub(crate) async fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let answer = Arc::new(answer);
        Self::start(move |mut stream| {
            let answer = Arc::clone(&answer);
            async move {
                while let Some(body) = request(&mut stream).await {
                    let body = answer(&body);
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    );
                    if stream.write_all((head + &body).as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await
    }
}

/// What a door does with a request.
pub(crate) enum Passage {
    /// Lets it through.
    Through,
    /// Answers it itself.
    Answer(String),
    /// Breaks the connection off.
    Broken,
}

impl Peer {
    /// A door in front of the node at `upstream`; `passage` looks at the body of each request.
    pub(crate) async fn door(
        upstream: SocketAddr,
        passage: impl Fn(&str) -> Passage + Send + Sync + 'static,
    ) -> Self {
        let passage = Arc::new(passage);
        Self::start(move |mut stream| {
            let passage = Arc::clone(&passage);
            async move {
                let Some(body) = request(&mut stream).await else { return };
                let answer = match passage(&body) {
                    Passage::Broken => return,
                    Passage::Answer(body) => {
                        let length = body.len();
                        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
                        format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
                    }
                    Passage::Through => forwarded(upstream, &body).await,
                };
                // The answer says "Connection: close".
                let _ = stream.write_all(&answer).await;
            }
        })
        .await
    }
}

/// The whole HTTP answer of a node; nothing when it is away.
async fn forwarded(upstream: SocketAddr, body: &str) -> Vec<u8> {
    let mut answer = Vec::new();
    let Ok(mut inner) = TcpStream::connect(upstream).await else { return answer };
    let length = body.len();
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close";
    let whole = format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}");
    if inner.write_all(whole.as_bytes()).await.is_ok() {
        let _ = inner.read_to_end(&mut answer).await;
    }
    answer
}

/// The JSON-RPC answer `result` to the request in `body`.
pub(crate) fn result(body: &str, result: &Value) -> String {
    let request: Value = serde_json::from_str(body).unwrap();
    json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }).to_string()
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads one request; its body.
pub(crate) async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    loop {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(body.to_owned());
        }
    }
}
