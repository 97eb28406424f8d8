//! The client against servers that answer, hang, pour and vanish.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, header::ACCEPT};
use axum::routing::{get, post};
use medrec_transport::{
    Answer, Bounds, ConnectionLimits, ExchangeError, HttpClient, Method, Question, StatusCode, UrlError,
    serve,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(5), bytes: 1_000 };

async fn bind() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn client(url: &str) -> HttpClient {
    HttpClient::new(url, Duration::from_secs(2)).unwrap()
}

/// A server that reads something and then says what `talk` says; counts its connections.
async fn rude<F>(talk: impl Fn(TcpStream) -> F + Send + 'static) -> (HttpClient, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (listener, url) = bind().await;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            asked(&mut stream).await;
            tokio::spawn(talk(stream));
        }
    });
    (client(&url), count)
}

/// Takes a question `{}` in, in as many pieces as it comes; whether there was one.
async fn asked(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"{}") {
        if !stream.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {
            return false;
        }
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_reaches_its_path_with_its_body_and_its_answer_comes_whatever_its_status() {
    let (listener, url) = bind().await;
    let echo = |headers: HeaderMap, body: Bytes| async move {
        let accept = headers[ACCEPT].to_str().unwrap().to_owned();
        (StatusCode::IM_A_TEAPOT, format!("{accept} {}", String::from_utf8_lossy(&body)))
    };
    let router = Router::new().route("/", post(echo)).route("/v1/status", get(|| async { "here" }));
    tokio::spawn(serve(listener, router, ConnectionLimits::default(), std::future::pending()));
    let client = client(&url);
    let answer = client.ask(Question::json("{}"), BOUNDS).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::IM_A_TEAPOT, &b"application/json {}"[..]));
    assert_eq!(answer.says(), "HTTP status 418 I'm a teapot: application/json {}");
    let question = Question {
        method: Method::GET,
        path: "/v1/status".to_owned(),
        accept: "text/plain",
        body: Bytes::new(),
    };
    assert_eq!(client.ask(question, BOUNDS).await.unwrap().body, "here");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_one_after_another_share_a_connection() {
    let (client, count) = rude(|mut stream| async move {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        while stream.write_all(answer).await.is_ok() && asked(&mut stream).await {}
    })
    .await;
    for _ in 0..10 {
        assert_eq!(client.ask(Question::json("{}"), BOUNDS).await.unwrap().body, "ok");
        // The connection is given back a moment after the answer.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let connections = count.load(Ordering::SeqCst);
    assert!(connections <= 3, "{connections} connections for ten questions");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_given_up_in_time_before_its_answer_and_within_it() {
    let bounds = Bounds { timeout: Duration::from_millis(400), ..BOUNDS };
    let heads = ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"];
    for head in heads {
        let (client, _) = rude(move |mut stream| async move {
            stream.write_all(head.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        })
        .await;
        let started = Instant::now();
        let error = client.ask(Question::json("{}"), bounds).await.unwrap_err();
        assert_eq!(error, ExchangeError::Silent(bounds.timeout), "{head:?}");
        assert!(started.elapsed() < Duration::from_secs(3), "{head:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drips_its_answer_is_given_up_in_time() {
    let bounds = Bounds { timeout: Duration::from_millis(500), ..BOUNDS };
    let (client, _) = rude(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n").await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let error = client.ask(Question::json("{}"), bounds).await.unwrap_err();
    assert_eq!(error, ExchangeError::Silent(bounds.timeout));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_larger_than_the_bound_is_not_taken_in_announced_or_not() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n";
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for head in [announced, endless] {
        let written = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&written);
        let (client, _) = rude(move |mut stream| {
            let counted = Arc::clone(&counted);
            async move {
                stream.write_all(head.as_bytes()).await.unwrap();
                // An answer that was announced is not begun: the length alone has to be enough.
                while head == endless && stream.write_all(b"64\r\n").await.is_ok() {
                    let chunk = [b'x'; 100];
                    if stream.write_all(&chunk).await.is_err() || stream.write_all(b"\r\n").await.is_err() {
                        break;
                    }
                    counted.fetch_add(chunk.len(), Ordering::SeqCst);
                }
                std::future::pending::<()>().await;
            }
        })
        .await;
        let error = client.ask(Question::json("{}"), BOUNDS).await.unwrap_err();
        assert_eq!(error, ExchangeError::TooLong(1_000), "{head:?}");
        assert_eq!(error.to_string(), "the answer is longer than 1000 bytes");
        // The connection is closed, so that the server stops pouring.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = written.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(written.load(Ordering::SeqCst), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_as_large_as_the_bound_is_taken() {
    let (listener, url) = bind().await;
    let router = Router::new().route("/", post(|| async { vec![1_u8; 1_000] }));
    tokio::spawn(serve(listener, router, ConnectionLimits::default(), std::future::pending()));
    assert_eq!(client(&url).ask(Question::json("{}"), BOUNDS).await.unwrap().body.len(), 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_and_one_that_leaves_are_told_apart_and_say_why() {
    let (listener, url) = bind().await;
    drop(listener);
    let error = client(&url).ask(Question::json("{}"), BOUNDS).await.unwrap_err();
    assert!(matches!(&error, ExchangeError::Unreachable(why) if why.contains("refused")), "{error}");
    let (client, _) = rude(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
    })
    .await;
    let error = client.ask(Question::json("{}"), BOUNDS).await.unwrap_err();
    assert!(matches!(error, ExchangeError::BrokeOff(_)), "{error}");
    assert!(error.to_string().starts_with("the answer broke off: "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_questions_takes_no_more_connections_than_a_server_gives_one_client() {
    let (listener, url) = bind().await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let highest = Arc::clone(&most);
    let work = move || {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            "done"
        }
    };
    let router = Router::new().route("/", post(work));
    tokio::spawn(serve(listener, router, ConnectionLimits::default(), std::future::pending()));
    let client = client(&url);
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let client = client.clone();
        crowd.spawn(async move { client.ask(Question::json("{}"), BOUNDS).await });
    }
    for answer in crowd.join_all().await {
        assert_eq!(answer.unwrap().body, "done", "none is refused");
    }
    let highest = highest.load(Ordering::SeqCst);
    assert!((2..=64).contains(&highest), "{highest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_answer_is_read_as_it_comes() {
    let (client, _) = rude(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        for piece in ["3\r\none\r\n", "3\r\ntwo\r\n", "0\r\n\r\n"] {
            stream.write_all(piece.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let mut open = client.open(Question::json("{}"), BOUNDS.timeout).await.unwrap();
    assert_eq!(open.status, StatusCode::OK);
    let mut pieces = Vec::new();
    while let Some(piece) = open.next().await.unwrap() {
        pieces.push(piece);
    }
    assert_eq!(pieces, ["one", "two"]);
}

#[test]
fn what_a_server_says_moves_no_cursor_and_fills_no_screen() {
    let body = format!("\x1b[2J{}", "x".repeat(1_000)).into();
    let says = Answer { status: StatusCode::BAD_GATEWAY, body }.says();
    assert_eq!(says, format!("HTTP status 502 Bad Gateway: [2J{}", "x".repeat(117)));
    let says = Answer { status: StatusCode::BAD_GATEWAY, body: Bytes::new() }.says();
    assert_eq!(says, "HTTP status 502 Bad Gateway");
}

#[test]
fn only_plain_http_with_a_host_is_taken() {
    let timeout = Duration::from_secs(1);
    assert!(HttpClient::new("http://127.0.0.1:8545", timeout).is_ok());
    for (url, says) in [
        ("https://node.example", "tunnel"),
        ("127.0.0.1:8545", "only http"),
        ("ws://node.example", "only http"),
        ("http://name:secret@node.example", "only http"),
        ("http://", "no URL"),
    ] {
        let error: UrlError = HttpClient::new(url, timeout).unwrap_err();
        assert!(error.to_string().contains(says), "{url}: {error}");
    }
}
