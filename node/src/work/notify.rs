//! Tells miners about new work: a POST of the bare work array to each URL, as `geth
//! --miner.notify` does.

use super::Work;
use axum::http::{Request, Uri, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::time::Duration;

/// A miner that does not take the work within this time has missed it.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Posts works to a list of URLs.
pub struct Notifier {
    urls: Vec<Uri>,
    client: Client<HttpConnector, Full<axum::body::Bytes>>,
}

impl Notifier {
    /// A notifier for `urls`, which must be `http://` ones.
    ///
    /// # Errors
    /// [`crate::NodeError::Config`] with the URL that is none.
    pub fn new(urls: &[String]) -> Result<Self, crate::NodeError> {
        let parse = |url: &String| {
            let config =
                |why: String| crate::NodeError::Config { what: format!("notification URL {url}"), why };
            let uri: Uri =
                url.parse().map_err(|error: axum::http::uri::InvalidUri| config(error.to_string()))?;
            match (uri.scheme_str(), uri.authority()) {
                (Some("http"), Some(_)) => Ok(uri),
                _ => Err(config("only http:// URLs can be notified".to_owned())),
            }
        };
        let urls = urls.iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { urls, client: Client::builder(TokioExecutor::new()).build_http() })
    }

    /// `true` when there is nobody to tell.
    pub fn is_empty(&self) -> bool {
        self.urls.is_empty()
    }

    /// Posts `work` to every URL at once and returns the failures, one text each.
    pub async fn notify(&self, work: &Work) -> Vec<String> {
        let body = serde_json::to_string(&work.strings()).unwrap_or_default();
        let posts: Vec<_> =
            self.urls.iter().map(|url| (url, tokio::spawn(self.post(url.clone(), body.clone())))).collect();
        let mut failures = Vec::new();
        for (url, post) in posts {
            match post.await {
                Ok(Ok(())) => {}
                Ok(Err(why)) => failures.push(format!("{url}: {why}")),
                Err(error) => failures.push(format!("{url}: {error}")),
            }
        }
        failures
    }

    fn post(&self, url: Uri, body: String) -> impl Future<Output = Result<(), String>> + 'static {
        let client = self.client.clone();
        async move {
            let request = Request::post(url)
                .header(CONTENT_TYPE, "application/json")
                .body(Full::from(body))
                .map_err(|error| error.to_string())?;
            match tokio::time::timeout(TIMEOUT, client.request(request)).await {
                Err(_) => Err(format!("no answer within {TIMEOUT:?}")),
                Ok(Err(error)) => Err(error.to_string()),
                Ok(Ok(_)) => Ok(()),
            }
        }
    }
}
