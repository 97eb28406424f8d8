//! A server that answers as a test tells it to: a small chain of real headers, and every way to misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_consensus::Header;
use alloy_primitives::{B256, hex};
use medrec_chain::ClientOptions;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The id of the served chain.
pub(crate) const CHAIN_ID: u64 = 99;

/// What a request gets.
#[derive(Clone)]
pub(crate) enum Reply {
    /// A result.
    Result(Value),
    /// A JSON-RPC error.
    Error(i64, &'static str),
    /// These bytes as the body.
    Body(Vec<u8>),
    /// The result, with another request's id.
    WrongId(Value),
    /// Nothing, and the connection stays open.
    Silence,
    /// Nothing, and the connection ends.
    HangUp,
}

type Script = dyn Fn(&str, &Value) -> Option<Reply> + Send + Sync;

/// A running server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) url: String,
    /// Requests so far.
    requests: Arc<AtomicUsize>,
    chain: Arc<Mutex<Vec<Header>>>,
}

impl Server {
    /// A server with a chain of `blocks` blocks, the newest `age` old. `script` answers before the chain does.
    pub(crate) async fn start(
        blocks: u64,
        age: Duration,
        script: impl Fn(&str, &Value) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let chain = Arc::new(Mutex::new(headers(blocks, age)));
        let script: Arc<Script> = Arc::new(script);
        let (counted, served) = (Arc::clone(&requests), Arc::clone(&chain));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, requests, chain) =
                    (Arc::clone(&script), Arc::clone(&counted), Arc::clone(&served));
                tokio::spawn(async move {
                    // A client that went away is no failure of the test.
                    let _ = serve(stream, &*script, &requests, &chain).await;
                });
            }
        });
        Self { url, requests, chain }
    }

    /// A server that does nothing wrong.
    pub(crate) async fn honest(blocks: u64) -> Self {
        Self::start(blocks, Duration::ZERO, |_, _| None).await
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// The hash of block 0.
    pub(crate) fn genesis(&self) -> B256 {
        self.chain.lock()[0].hash_slow()
    }

    /// Puts other headers in the place of the chain.
    pub(crate) fn replace(&self, chain: Vec<Header>) {
        *self.chain.lock() = chain;
    }
}

/// Options for these servers, in this order, with little patience.
pub(crate) fn options(servers: &[&Server]) -> ClientOptions {
    let mut options = ClientOptions::new(servers.iter().map(|server| server.url.clone()), CHAIN_ID);
    options.call_timeout = Duration::from_secs(2);
    options
}

/// A chain of headers that hash to their hashes, one second apart.
pub(crate) fn headers(blocks: u64, age: Duration) -> Vec<Header> {
    let newest = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().saturating_sub(age).as_secs();
    let mut chain: Vec<Header> = Vec::new();
    for number in 0..=blocks {
        let parent_hash = chain.last().map_or(B256::ZERO, Header::hash_slow);
        let timestamp = newest - (blocks - number);
        chain.push(Header { number, parent_hash, timestamp, base_fee_per_gas: Some(7), ..Header::default() });
    }
    chain
}

/// A header as nodes show it.
pub(crate) fn block(header: &Header) -> Value {
    let mut block = serde_json::to_value(header).unwrap();
    block["hash"] = json!(header.hash_slow());
    block["transactions"] = json!([]);
    block
}

/// One connection, request by request.
async fn serve(
    stream: TcpStream,
    script: &Script,
    requests: &AtomicUsize,
    chain: &Mutex<Vec<Header>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let asked: Value = serde_json::from_slice(&body)?;
        let Some(answer) = answer(&asked, script, requests, chain).await else { return Ok(()) };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
        stream.get_mut().write_all(head.as_bytes()).await?;
        stream.get_mut().write_all(&answer).await?;
    }
}

/// The body, or `None` to hang up.
async fn answer(
    asked: &Value,
    script: &Script,
    requests: &AtomicUsize,
    chain: &Mutex<Vec<Header>>,
) -> Option<Vec<u8>> {
    let batch = asked.as_array().cloned().unwrap_or_else(|| vec![asked.clone()]);
    let mut answers = Vec::new();
    for request in &batch {
        requests.fetch_add(1, Ordering::SeqCst);
        let (method, params) = (request["method"].as_str().unwrap_or_default(), &request["params"]);
        let reply = script(method, params).unwrap_or_else(|| by_the_book(method, params, &chain.lock()));
        let id = &request["id"];
        answers.push(match reply {
            Reply::Result(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Reply::WrongId(result) => json!({ "jsonrpc": "2.0", "id": 424_242, "result": result }),
            Reply::Error(code, message) => {
                json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
            }
            Reply::Body(body) => return Some(body),
            Reply::HangUp => return None,
            Reply::Silence => std::future::pending().await,
        });
    }
    let answer = if asked.is_array() { Value::Array(answers) } else { answers.remove(0) };
    Some(answer.to_string().into_bytes())
}

fn by_the_book(method: &str, params: &Value, chain: &[Header]) -> Reply {
    match method {
        "eth_chainId" => Reply::Result(json!(format!("{CHAIN_ID:#x}"))),
        "eth_syncing" => Reply::Result(json!(false)),
        "eth_getLogs" => Reply::Result(json!([])),
        "eth_getBlockByNumber" => {
            let wanted = params[0].as_str().unwrap_or_default();
            let found = match wanted.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16)
                    .ok()
                    .and_then(|number| chain.iter().find(|header| header.number == number)),
                None => chain.last(),
            };
            Reply::Result(found.map_or(Value::Null, block))
        }
        "eth_getBalance" => Reply::Result(json!(hex::encode_prefixed([5]))),
        _ => Reply::Error(-32601, "the method does not exist"),
    }
}
