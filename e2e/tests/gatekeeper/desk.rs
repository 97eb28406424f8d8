//! Asking a gatekeeper as a stranger's program would: bytes over a socket, nothing of the gatekeeper's own code.

use std::net::SocketAddr;
use std::time::Duration;

use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use medrec_domain::identifier::Address;
use medrec_e2e::{CHAIN, now_s};
use medrec_protocol::bridge::from_chain;
use medrec_protocol::methods::status::{STATUS_PATH, StatusAnswer};
use medrec_protocol::{Asking, Hexadecimal, Method, Refusal, RefusalCode, Signed, request_digest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The refusal; anything else is a failure of the test.
    pub(crate) fn refusal(&self) -> RefusalCode {
        let text = String::from_utf8_lossy(&self.body);
        let refusal: Refusal =
            serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}: {text}", self.status));
        assert_eq!((self.status, refusal.text.as_str()), (refusal.code.status(), refusal.code.text()));
        refusal.code
    }

    /// Whether a header is there.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.head.to_ascii_lowercase().contains(&format!("\r\n{name}:"))
    }
}

/// A gatekeeper's address and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Desk {
    pub(crate) address: SocketAddr,
    pub(crate) provider: Address,
}

/// 32 bytes that no other request has.
pub(crate) fn fresh_nonce() -> Hexadecimal<32> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    Hexadecimal(bytes)
}

impl Desk {
    /// One exchange over a connection of its own.
    pub(crate) async fn exchange(&self, head: &str, body: &[u8]) -> Reply {
        self.announce(head, body, body.len()).await
    }

    /// An exchange whose head says that `length` bytes follow.
    pub(crate) async fn announce(&self, head: &str, body: &[u8], length: usize) -> Reply {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let head = format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(body).await.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            let split = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            let split = split.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(&bytes)));
            let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            assert!(!head.to_ascii_lowercase().contains("transfer-encoding: chunked"), "{head}");
            Reply { status, head: head + "\r\n", body: bytes[split + 4..].to_vec() }
        };
        tokio::time::timeout(PATIENCE, exchange).await.expect("an answer within a minute")
    }

    /// Posts bytes to a path.
    pub(crate) async fn post(&self, path: &str, body: &[u8]) -> Reply {
        let head =
            format!("POST /v1/{path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json", self.address);
        self.exchange(&head, body).await
    }

    /// The status.
    pub(crate) async fn status(&self) -> StatusAnswer {
        let head = format!("GET {STATUS_PATH} HTTP/1.1\r\nHost: {}", self.address);
        let reply = self.exchange(&head, b"").await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// Waits for the second after the start: what was signed in that of the start could have been signed before it, and is
    /// refused.
    pub(crate) async fn next_second(&self) {
        let started_s = self.status().await.time_s;
        while now_s() <= started_s {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// An envelope of this second for this gatekeeper.
    pub(crate) fn asking(&self, signer: &PrivateKeySigner) -> Asking {
        let now_s = now_s();
        Asking {
            chain_id: CHAIN,
            audience: self.provider,
            signer: from_chain(signer.address()),
            nonce: fresh_nonce(),
            issued_s: now_s,
            expiry_s: now_s + 120,
        }
    }

    /// Sends a signed request as it is.
    pub(crate) async fn send<M: Method>(&self, request: &Signed<M::Body>) -> Reply {
        self.post(M::NAME, &serde_json::to_vec(request).unwrap()).await
    }

    /// Asks; whatever comes back.
    pub(crate) async fn reply<M: Method>(&self, signer: &PrivateKeySigner, body: M::Body) -> Reply {
        self.send::<M>(&sign::<M>(signer, body, &self.asking(signer))).await
    }

    /// Asks, and is answered.
    pub(crate) async fn ask<M: Method>(&self, signer: &PrivateKeySigner, body: M::Body) -> M::Answer {
        let reply = self.reply::<M>(signer, body).await;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!(reply.status, 200, "{}: {text}", M::NAME);
        serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{}: {error}: {text}", M::NAME))
    }

    /// Asks, and is refused.
    pub(crate) async fn refused<M: Method>(&self, signer: &PrivateKeySigner, body: M::Body) -> RefusalCode {
        self.reply::<M>(signer, body).await.refusal()
    }
}

/// Signs a request.
pub(crate) fn sign<M: Method>(signer: &PrivateKeySigner, body: M::Body, asking: &Asking) -> Signed<M::Body> {
    let digest = request_digest::<M>(&body, asking).unwrap();
    Signed::new(body, asking, signer.sign_hash_sync(&digest).unwrap().as_bytes())
}
