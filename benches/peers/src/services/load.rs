//! Load on a gatekeeper: signed questions over many connections, each timed on its own.
//!
//! Questions are signed before the clock runs: what is measured is the gatekeeper, not whoever asks. Clients and gatekeeper
//! share the machine, so its figure is at most that of a gatekeeper alone.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_signer::SignerSync as _;
use anyhow::{Context as _, bail, ensure};
use medrec_domain::identifier::Address;
use medrec_protocol::bridge::from_chain;
use medrec_protocol::{Asking, Hexadecimal, Method, Signed, request_digest};
use medrec_wallet::PrivateKeySigner;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// For how long a question is good: the longest that the protocol allows, less a margin for clocks.
const VALIDITY_S: u64 = 280;

/// Whom to ask, and as whom.
pub(super) struct Counter<'a> {
    /// `127.0.0.1:PORT`.
    pub(super) address: &'a str,
    pub(super) chain_id: u64,
    pub(super) provider: Address,
    pub(super) signer: &'a PrivateKeySigner,
}

/// A signed question as bytes of HTTP, and what tells its kind.
pub(super) struct Question {
    /// Questions of one kind have one answer.
    pub(super) kind: usize,
    bytes: Vec<u8>,
}

/// How long each answer took, and all of them together.
pub(super) struct Times {
    each: Vec<Duration>,
    elapsed: Duration,
}

impl Counter<'_> {
    /// Signs a question with a nonce of its own.
    pub(super) fn question<M: Method>(&self, kind: usize, body: M::Body) -> anyhow::Result<Question> {
        let issued_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).context("no random bytes")?;
        let asking = Asking {
            chain_id: self.chain_id,
            audience: self.provider,
            signer: from_chain(self.signer.address()),
            nonce: Hexadecimal(nonce),
            issued_s,
            expiry_s: issued_s + VALIDITY_S,
        };
        let signature = self.signer.sign_hash_sync(&request_digest::<M>(&body, &asking)?)?;
        let body = serde_json::to_vec(&Signed::new(body, &asking, signature.as_bytes()))?;
        let head = format!(
            "POST /v1/{} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            M::NAME,
            self.address,
            body.len()
        );
        Ok(Question { kind, bytes: [head.as_bytes(), &body].concat() })
    }
}

impl Times {
    /// Answers a second.
    pub(super) fn rate(&self) -> f64 {
        medrec_benches::statistics::as_f64(u64::try_from(self.each.len()).unwrap_or(u64::MAX))
            / self.elapsed.as_secs_f64()
    }

    /// A percentile in milliseconds (nearest rank).
    pub(super) fn percentile_ms(&self, percent: usize) -> f64 {
        percentile(&self.each, percent) * 1_000.0
    }
}

/// A percentile in seconds, by nearest rank; NaN of nothing.
pub(super) fn percentile(times: &[Duration], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map_or(f64::NAN, Duration::as_secs_f64)
}

/// One question over a connection of its own.
pub(super) async fn once(address: &str, question: &Question) -> anyhow::Result<Vec<u8>> {
    exchange(&mut TcpStream::connect(address).await?, &question.bytes).await
}

/// Asks all questions, each client its share, one after the other over one connection. `check` looks at each answer.
pub(super) async fn run<C>(
    address: &str,
    clients: usize,
    questions: Vec<Question>,
    check: C,
) -> anyhow::Result<Times>
where
    C: Fn(usize, &[u8]) -> anyhow::Result<()> + Send + Sync + 'static,
{
    let check = Arc::new(check);
    let mut shares: Vec<Vec<Question>> = (0..clients).map(|_| Vec::new()).collect();
    for (index, question) in questions.into_iter().enumerate() {
        shares[index % clients].push(question);
    }
    let mut connected = Vec::new();
    for share in shares {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        connected.push((stream, share));
    }
    let started = Instant::now();
    let mut busy = tokio::task::JoinSet::new();
    for (stream, share) in connected {
        let check = Arc::clone(&check);
        busy.spawn(client(stream, share, check));
    }
    let mut each = Vec::new();
    while let Some(times) = busy.join_next().await {
        each.extend(times??);
    }
    Ok(Times { each, elapsed: started.elapsed() })
}

async fn client<C>(
    mut stream: TcpStream,
    share: Vec<Question>,
    check: Arc<C>,
) -> anyhow::Result<Vec<Duration>>
where
    C: Fn(usize, &[u8]) -> anyhow::Result<()>,
{
    let mut times = Vec::with_capacity(share.len());
    for question in share {
        let asked = Instant::now();
        let answer = exchange(&mut stream, &question.bytes).await?;
        times.push(asked.elapsed());
        check(question.kind, &answer)?;
    }
    Ok(times)
}

/// One exchange over a connection that stays open: the answer's body.
async fn exchange(stream: &mut TcpStream, question: &[u8]) -> anyhow::Result<Vec<u8>> {
    stream.write_all(question).await?;
    let mut bytes = Vec::with_capacity(4_096);
    loop {
        ensure!(stream.read_buf(&mut bytes).await? > 0, "the connection ended within an answer");
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.context("an answer without a length")?.parse()?;
        while bytes.len() < end + 4 + length {
            ensure!(stream.read_buf(&mut bytes).await? > 0, "the connection ended within an answer");
        }
        if !head.starts_with("http/1.1 200") {
            bail!("refused: {}", String::from_utf8_lossy(&bytes));
        }
        return Ok(bytes.split_off(end + 4));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let times: Vec<Duration> = (1..=20).rev().map(Duration::from_secs).collect();
        assert!((percentile(&times, 50) - 10.0).abs() < 1e-9);
        assert!((percentile(&times, 95) - 19.0).abs() < 1e-9);
        assert!((percentile(&times, 100) - 20.0).abs() < 1e-9);
        assert!(percentile(&[], 50).is_nan());
    }

    #[tokio::test]
    async fn every_question_is_asked_once_and_a_refusal_ends_the_measurement() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // Answers `n` with `n`, and `9` with a refusal; in two writes, so that answers come in parts.
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).await.is_ok() {
                        let status = if byte[0] == b'9' { "429 Too Many" } else { "200 OK" };
                        let head = format!("HTTP/1.1 {status}\r\nContent-Length: 1\r\n\r\n");
                        stream.write_all(head.as_bytes()).await.unwrap();
                        stream.write_all(&byte).await.unwrap();
                    }
                });
            }
        });
        let ask = |numbers: &[u8]| -> Vec<Question> {
            numbers
                .iter()
                .map(|number| Question { kind: usize::from(*number), bytes: vec![b'0' + number] })
                .collect()
        };
        let same = |kind: usize, answer: &[u8]| {
            ensure!(usize::from(answer[0] - b'0') == kind, "another answer");
            Ok(())
        };
        let times = run(&address, 3, ask(&[1, 2, 3, 4, 5, 6, 7]), same).await.unwrap();
        assert_eq!(times.each.len(), 7);
        assert!(times.rate() > 0.0);
        let Err(error) = run(&address, 2, ask(&[1, 9, 2]), same).await else { panic!("refused") };
        assert!(error.to_string().contains("429"), "{error}");
    }
}
