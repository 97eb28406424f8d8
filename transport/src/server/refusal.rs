//! The answer to a client that has too many connections.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Refusals told at once; beyond them connections are closed without a word.
const MOST_TOLD: usize = 16;
/// Longest time for one.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of the request that are read for the answer's sake.
const MOST_DISCARDED_BYTES: usize = 64 << 10;
const TEXT: &str = "too many connections from your address; use those that are open, or close some\n";

/// Refuses connections without holding them for long.
#[derive(Debug)]
pub(super) struct Refusals {
    told: Arc<Semaphore>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { told: Arc::new(Semaphore::new(MOST_TOLD)) }
    }
}

impl Refusals {
    /// Says why, and closes.
    pub(super) fn refuse(&self, stream: TcpStream) {
        if let Ok(permit) = Arc::clone(&self.told).try_acquire_owned() {
            tokio::spawn(async move {
                let _ = tokio::time::timeout(PATIENCE, tell(stream)).await;
                drop(permit);
            });
        }
    }
}

async fn tell(mut stream: TcpStream) -> std::io::Result<()> {
    let length = TEXT.len();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{TEXT}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // Closing while bytes of the client are unread would take the answer from it.
    let (mut piece, mut discarded) = ([0; 4096], 0);
    while discarded < MOST_DISCARDED_BYTES {
        match stream.read(&mut piece).await? {
            0 => break,
            read => discarded += read,
        }
    }
    Ok(())
}
