//! The client against real sockets that behave as gatekeepers do, and as they should not.

use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_signer_local::PrivateKeySigner;
use medrec_protocol::Refusal;
use medrec_protocol::methods::acts::{StateAnswer, StateBody};
use medrec_protocol::methods::provider::{PostBody, Posting};
use medrec_protocol::methods::{acts, provider};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const PROVIDER: Address = Address([9; 20]);
const CHAIN: u64 = 1337;

fn options() -> GatekeeperOptions {
    GatekeeperOptions { timeout: Duration::from_secs(5), most_bytes: 4096, ..GatekeeperOptions::default() }
}

/// Reads one request: its first line and its body.
async fn request(socket: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Some((head.lines().next()?.to_owned(), body.as_bytes().to_vec()));
            }
        }
        let mut piece = [0; 1024];
        let read = socket.read(&mut piece).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&piece[..read]);
    }
}

fn status_json(provider: Address) -> String {
    serde_json::to_string(&StatusAnswer {
        version: "1".to_owned(),
        provider,
        chain_id: CHAIN,
        registrar: Address([1; 20]),
        head: None,
        time_s: 1_000_000,
        catalogue: medrec_domain::Digest::default(),
        epoch: None,
    })
    .unwrap()
}

/// A server that answers status itself and every other request, by its number, with what `answer` makes of its body.
async fn server(
    provider: Address,
    answer: impl Fn(usize, &str, &[u8]) -> (u16, String) + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (answer, count) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (answer, counted) = (Arc::clone(&answer), Arc::clone(&counted));
            tokio::spawn(async move {
                while let Some((line, body)) = request(&mut socket).await {
                    let (status, text) = if line.starts_with("GET /v1/status") {
                        (200, status_json(provider))
                    } else {
                        answer(counted.fetch_add(1, Ordering::SeqCst), &line, &body)
                    };
                    if status == 0 {
                        return;
                    }
                    let length = text.len();
                    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n");
                    let _ = socket.write_all(format!("{head}{text}").as_bytes()).await;
                }
            });
        }
    });
    (url, count)
}

fn refusal(code: RefusalCode) -> (u16, String) {
    (code.status(), serde_json::to_string(&Refusal::from(code)).unwrap())
}

fn client(url: &str) -> GatekeeperClient {
    GatekeeperClient::new(url, CHAIN, PROVIDER, options()).unwrap()
}

async fn state(client: &GatekeeperClient) -> Result<StateAnswer, WalletError> {
    let body = StateBody { key: medrec_domain::Digest::default() };
    client.ask::<acts::State>(&PrivateKeySigner::random(), &body).await
}

#[tokio::test]
async fn a_request_is_signed_for_this_provider_at_its_own_time_with_a_fresh_nonce() {
    let nonces = Arc::new(Mutex::new(std::collections::BTreeSet::new()));
    let seen = Arc::clone(&nonces);
    let (url, _) = server(PROVIDER, move |_, line, body| {
        assert!(line.starts_with("POST /v1/acts/state "), "{line}");
        let signed: Signed<StateBody> = serde_json::from_slice(body).unwrap();
        signed.check::<acts::State>(CHAIN, PROVIDER, 1_000_001).unwrap();
        assert!(signed.check::<acts::State>(CHAIN, Address([8; 20]), 1_000_001).is_err());
        assert!(seen.lock().unwrap().insert(signed.nonce), "a nonce came twice");
        (200, serde_json::to_string(&StateAnswer::Waiting).unwrap())
    })
    .await;
    let client = client(&url);
    for _ in 0..3 {
        assert_eq!(state(&client).await.unwrap(), StateAnswer::Waiting);
    }
    assert_eq!(nonces.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn the_gatekeeper_of_another_provider_gets_no_signature() {
    let (url, count) = server(Address([8; 20]), |_, _, _| (200, "null".to_owned())).await;
    let error = state(&client(&url)).await.unwrap_err();
    assert!(matches!(error, WalletError::OtherGatekeeper { .. }), "{error}");
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_is_busy_or_breaks_off_is_asked_again_and_a_refusal_is_not() {
    let (url, count) = server(PROVIDER, |number, _, _| match number {
        0 => refusal(RefusalCode::Busy),
        1 => (0, String::new()),
        _ => (200, serde_json::to_string(&StateAnswer::Included { block: 7 }).unwrap()),
    })
    .await;
    assert_eq!(state(&client(&url)).await.unwrap(), StateAnswer::Included { block: 7 });
    assert_eq!(count.load(Ordering::SeqCst), 3);
    let (url, count) = server(PROVIDER, |_, _, _| refusal(RefusalCode::NotAllowed)).await;
    let error = state(&client(&url)).await.unwrap_err();
    assert!(matches!(&error, WalletError::Refused { code: RefusalCode::NotAllowed, .. }), "{error}");
    assert!(error.to_string().contains("hint: "), "{error}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_posting_that_broke_off_is_asked_again_under_its_own_idempotency_key() {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies);
    let wish = PostBody {
        patients: vec![Address([3; 20])],
        query: "q".to_owned(),
        idempotency_key: Hexadecimal([5; 32]),
    };
    let posting = Posting {
        provider: PROVIDER,
        patient: Address([3; 20]),
        records_root: medrec_domain::Digest([1; 32]),
        query_hash: medrec_domain::Digest([2; 32]),
        cost_nano_rho: 7,
    };
    let (url, _) = server(PROVIDER, move |number, _, body| {
        let signed: Signed<PostBody> = serde_json::from_slice(body).unwrap();
        seen.lock().unwrap().push((signed.nonce, signed.body));
        match number {
            0 => (0, String::new()),
            1 => refusal(RefusalCode::TooManyRequests),
            _ => (200, serde_json::to_string(&posting).unwrap()),
        }
    })
    .await;
    let answer = client(&url).ask::<provider::PostUpdate>(&PrivateKeySigner::random(), &wish).await.unwrap();
    assert_eq!(answer, posting);
    let bodies = bodies.lock().unwrap();
    let nonces: std::collections::BTreeSet<_> = bodies.iter().map(|(nonce, _)| *nonce).collect();
    assert_eq!((bodies.len(), nonces.len()), (3, 3), "each is signed anew");
    assert!(bodies.iter().all(|(_, body)| *body == wish), "and wants the same");
}

#[tokio::test]
async fn answers_that_are_too_large_or_of_another_form_are_errors_in_words() {
    let (url, _) = server(PROVIDER, |_, _, _| (200, format!("\"{}\"", "x".repeat(10_000)))).await;
    let error = state(&client(&url)).await.unwrap_err().to_string();
    assert!(error.contains("longer than 4096 bytes"), "{error}");
    let (url, _) = server(PROVIDER, |_, _, _| (200, "{}".to_owned())).await;
    let error = state(&client(&url)).await.unwrap_err().to_string();
    assert!(error.contains("not one of this method"), "{error}");
    let (url, _) = server(PROVIDER, |_, _, _| (404, "<html>".to_owned())).await;
    let error = state(&client(&url)).await.unwrap_err().to_string();
    assert!(error.contains("HTTP status 404"), "{error}");
}

#[test]
fn only_plain_addresses_are_taken() {
    for (url, says) in
        [("https://a", "tunnel"), ("ws://a", "only http"), ("http://a:b@c", "only http"), ("x y", "no URL")]
    {
        let error = GatekeeperClient::new(url, 1, PROVIDER, options()).unwrap_err().to_string();
        assert!(error.contains(says), "{url}: {error}");
    }
}
