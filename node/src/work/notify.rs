//! Tells miners about new work: a POST of the bare work array to each URL, as `geth
//! --miner.notify` does.

use super::Work;
use medrec_transport::{Bounds, HttpClient, Question};
use std::time::Duration;

/// A miner that does not take the work within this time has missed it.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Nobody reads what a miner answers; more than this it does not get to say.
const ANSWER_BYTES: usize = 64 << 10;

/// Posts works to a list of URLs.
pub struct Notifier {
    miners: Vec<HttpClient>,
}

impl Notifier {
    /// A notifier for `urls`, which must be `http://` ones.
    ///
    /// # Errors
    /// [`crate::NodeError::Config`] with the URL that is none.
    pub fn new(urls: &[String]) -> Result<Self, crate::NodeError> {
        let parse = |url: &String| {
            HttpClient::new(url, TIMEOUT).map_err(|error| crate::NodeError::Config {
                what: format!("notification URL {url}"),
                why: error.to_string(),
            })
        };
        Ok(Self { miners: urls.iter().map(parse).collect::<Result<_, _>>()? })
    }

    /// `true` when there is nobody to tell.
    pub fn is_empty(&self) -> bool {
        self.miners.is_empty()
    }

    /// Posts `work` to every URL at once and returns the failures, one text each.
    pub async fn notify(&self, work: &Work) -> Vec<String> {
        let body = serde_json::to_string(&work.strings()).unwrap_or_default();
        let post = |miner: &HttpClient| {
            let (miner, question) = (miner.clone(), Question::json(body.clone()));
            let bounds = Bounds { timeout: TIMEOUT, bytes: ANSWER_BYTES };
            tokio::spawn(async move { miner.ask(question, bounds).await.map_err(|error| error.to_string()) })
        };
        let posts: Vec<_> = self.miners.iter().map(|miner| (miner.url(), post(miner))).collect();
        let mut failures = Vec::new();
        for (url, post) in posts {
            if let Err(why) = post.await.unwrap_or_else(|error| Err(error.to_string())) {
                failures.push(format!("{url}: {why}"));
            }
        }
        failures
    }
}
