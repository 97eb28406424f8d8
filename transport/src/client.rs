//! A client of one server: plain HTTP over connections that stay open, with bounds on time, size and number.
//!
//! A server may be slow, hostile or something else entirely; nothing above this file has to think of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Bytes, HttpBody as _};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;

use crate::error::{ExchangeError, UrlError};

/// Questions under way at once; more wait for their turn, within their time.
const MOST_QUESTIONS: usize = 64;
/// An unused connection is closed after this long: sooner than servers do it, so that none is used just when its end comes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const JSON: &str = "application/json";

/// Bounds of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// From the question to the last byte of the answer, waiting and connecting included.
    pub timeout: Duration,
    /// Largest answer, in bytes.
    pub bytes: usize,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// GET or POST.
    pub method: Method,
    /// What follows the client's URL: nothing, or a path with a slash in front.
    pub path: String,
    /// Media type that is wanted.
    pub accept: &'static str,
    /// The body, JSON.
    pub body: Bytes,
}

impl Question {
    /// JSON for the client's URL itself, answered by JSON.
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, path: String::new(), accept: JSON, body: body.into() }
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The status and the beginning of the body, for an error: a sentence in which nothing can move a terminal's cursor.
    pub fn says(&self) -> String {
        const EXCERPT_CHARACTERS: usize = 120;
        let text = String::from_utf8_lossy(&self.body);
        let short: String = text
            .trim()
            .chars()
            .filter(|character| !character.is_control())
            .take(EXCERPT_CHARACTERS)
            .collect();
        match short.as_str() {
            "" => format!("HTTP status {}", self.status),
            short => format!("HTTP status {}: {short}", self.status),
        }
    }
}

/// A client of one server. Cheap to clone; clones share connections and bounds.
#[derive(Debug, Clone)]
pub struct HttpClient {
    url: Arc<str>,
    uri: Uri,
    client: Client<HttpConnector, Full<Bytes>>,
    turns: Arc<Semaphore>,
}

impl HttpClient {
    /// A client of the server at `url`; nothing is sent yet. A connection that is not there after `connect_timeout` counts as
    /// unreachable.
    ///
    /// # Errors
    /// [`UrlError`] for what is no plain `http://HOST:PORT`, with a path or without.
    pub fn new(url: &str, connect_timeout: Duration) -> Result<Self, UrlError> {
        let uri: Uri =
            url.parse().map_err(|error: http::uri::InvalidUri| UrlError::Malformed(error.to_string()))?;
        match (uri.scheme_str(), uri.authority()) {
            (Some("http"), Some(authority)) if !authority.as_str().contains('@') => {}
            (Some("https"), _) => return Err(UrlError::Tls),
            _ => return Err(UrlError::NotPlain),
        }
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(connect_timeout));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Ok(Self { url: url.into(), uri, client, turns: Arc::new(Semaphore::new(MOST_QUESTIONS)) })
    }

    /// The URL as it was given.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks, and takes the whole answer in, whatever its status is.
    ///
    /// # Errors
    /// [`ExchangeError`]; nobody knows then whether the server did what it was asked.
    pub async fn ask(&self, question: Question, bounds: Bounds) -> Result<Answer, ExchangeError> {
        let exchange = async {
            let _turn = self.turn().await?;
            let open = self.send(question).await?;
            let status = open.status;
            Ok(Answer { status, body: open.rest(bounds.bytes).await? })
        };
        let exchanged = tokio::time::timeout(bounds.timeout, exchange).await;
        exchanged.unwrap_or(Err(ExchangeError::Silent(bounds.timeout)))
    }

    /// Asks, and gives the head of the answer with its body still to come, for as long as that takes. Such an answer does not
    /// count to the questions under way.
    ///
    /// # Errors
    /// [`ExchangeError`] when there is no head in time.
    pub async fn open(&self, question: Question, timeout: Duration) -> Result<OpenAnswer, ExchangeError> {
        let exchange = async {
            let _turn = self.turn().await?;
            self.send(question).await
        };
        tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(ExchangeError::Silent(timeout)))
    }

    async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, ExchangeError> {
        self.turns.acquire().await.map_err(|error| ExchangeError::Unreachable(error.to_string()))
    }

    async fn send(&self, question: Question) -> Result<OpenAnswer, ExchangeError> {
        let unreachable = |why: String| ExchangeError::Unreachable(why);
        let uri = if question.path.is_empty() {
            self.uri.clone()
        } else {
            let whole = format!("{}{}", self.url, question.path);
            whole.parse().map_err(|error: http::uri::InvalidUri| unreachable(error.to_string()))?
        };
        let mut request = Request::new(Full::from(question.body));
        *request.method_mut() = question.method;
        *request.uri_mut() = uri;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(question.accept));
        let response = self.client.request(request).await.map_err(|error| unreachable(chain_of(&error)))?;
        let (head, body) = response.map(|body| body.map_err(|error| chain_of(&error)).boxed()).into_parts();
        Ok(OpenAnswer { status: head.status, body })
    }
}

/// The head of an answer, and its body as it comes in.
#[derive(Debug)]
pub struct OpenAnswer {
    /// Its status.
    pub status: StatusCode,
    body: BoxBody<Bytes, String>,
}

impl OpenAnswer {
    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// [`ExchangeError::BrokeOff`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, ExchangeError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(data) = frame.map_err(ExchangeError::BrokeOff)?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The body to its end, of at most so many bytes; one that is announced as longer is not begun.
    ///
    /// # Errors
    /// [`ExchangeError::TooLong`], [`ExchangeError::BrokeOff`].
    pub async fn rest(mut self, most_bytes: usize) -> Result<Bytes, ExchangeError> {
        let announced = self.body.size_hint().lower();
        if usize::try_from(announced).map_or(true, |announced| announced > most_bytes) {
            return Err(ExchangeError::TooLong(most_bytes));
        }
        let mut whole: Vec<u8> = Vec::new();
        while let Some(piece) = self.next().await? {
            if whole.len() + piece.len() > most_bytes {
                return Err(ExchangeError::TooLong(most_bytes));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }
}

/// An error with its causes: hyper keeps the reason ("connection refused") in the source.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
