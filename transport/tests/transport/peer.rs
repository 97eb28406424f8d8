//! Clients of any address of this machine that send what a test tells them to, and an application that waits when told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use medrec_transport::{ConnectionLimits, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

/// Longest wait for anything that has to happen.
const PATIENCE: Duration = Duration::from_secs(10);
/// A request that is answered at once.
pub(crate) const HELLO: &str = "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";
/// A request that is answered when the test says so.
pub(crate) const WORK: &str = "GET /work HTTP/1.1\r\nhost: x\r\n\r\n";
/// A request whose answer is larger than what sockets keep.
pub(crate) const LARGE: &str = "GET /large HTTP/1.1\r\nhost: x\r\n\r\n";
const LARGE_BYTES: usize = 64 << 20;

/// Two clients.
pub(crate) const ALICE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
pub(crate) const MALLORY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// Bounds that a test can wait for.
pub(crate) fn limits() -> ConnectionLimits {
    ConnectionLimits {
        most: 8,
        per_client: 4,
        head: Duration::from_millis(400),
        body: Duration::from_millis(400),
        idle: Duration::from_millis(800),
        stall: Duration::from_millis(400),
    }
}

/// A port with an application behind it.
pub(crate) struct Port {
    pub(crate) address: SocketAddr,
    /// One permit lets one `/work` be answered.
    pub(crate) work: Arc<Semaphore>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Port {
    pub(crate) async fn open(limits: ConnectionLimits) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let work = Arc::new(Semaphore::new(0));
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let served = tokio::spawn(serve(listener, application(Arc::clone(&work)), limits, shutdown));
        Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), work, stop, served }
    }

    /// Tells the server to end; resolves when it has.
    pub(crate) fn end(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.served
    }
}

fn application(work: Arc<Semaphore>) -> Router {
    let work = move || {
        let work = Arc::clone(&work);
        async move {
            work.acquire().await.unwrap().forget();
            "done"
        }
    };
    Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/large", get(|| async { vec![7; LARGE_BYTES] }))
        .route("/work", get(work))
}

/// One connection of a client.
pub(crate) struct Peer(TcpStream);

impl Peer {
    /// Connects from `client`'s address.
    pub(crate) async fn connect(client: Ipv4Addr, port: &Port) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((client, 0))).unwrap();
        Self(socket.connect(port.address).await.unwrap())
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends, unless the server has closed; whether it could.
    pub(crate) async fn try_send(&mut self, text: &str) -> bool {
        self.0.write_all(text.as_bytes()).await.is_ok()
    }

    /// One answer, head and body; empty when the server closes without one.
    pub(crate) async fn answer(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.read_answer()).await.expect("an answer, or the end")
    }

    async fn read_answer(&mut self) -> String {
        let mut text = String::new();
        loop {
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.unwrap_or("0").parse().unwrap() {
                    return text;
                }
            }
            let mut piece = [0; 4096];
            match self.0.read(&mut piece).await {
                Ok(0) | Err(_) => return text,
                Ok(read) => text.push_str(std::str::from_utf8(&piece[..read]).unwrap()),
            }
        }
    }

    /// Asks and takes the answer.
    pub(crate) async fn ask(&mut self, text: &str) -> String {
        self.send(text).await;
        self.answer().await
    }

    /// Waits until the server closes; how long that took.
    pub(crate) async fn closed(&mut self) -> Duration {
        let started = std::time::Instant::now();
        let end = async {
            let mut piece = [0; 4096];
            while self.0.read(&mut piece).await.is_ok_and(|read| read > 0) {}
        };
        tokio::time::timeout(PATIENCE, end).await.expect("the server closes");
        started.elapsed()
    }

    /// Whether the server has not closed yet; nothing may be on its way.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.0.try_read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// Whether a client is served at once.
pub(crate) async fn is_served(client: Ipv4Addr, port: &Port) -> bool {
    Peer::connect(client, port).await.ask(HELLO).await.ends_with("hello")
}

/// Lets the server see what was sent.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}
