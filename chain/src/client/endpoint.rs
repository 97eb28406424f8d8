//! One node: typed requests, and errors in this room's words.
//!
//! Why here: everything above sees values that were checked as far as one answer can be. What not:
//! which node to ask, and whether it may be believed; that is [`super`]'s.

use std::time::Instant;

use alloy_json_rpc::{RpcError, RpcRecv, RpcSend};
use alloy_primitives::{Bytes, U64};
use alloy_rpc_client::RpcClient;
use alloy_rpc_types_eth::Header;
use alloy_transport::{TransportError, TransportErrorKind};
use medrec_transport::Bounds;
use parking_lot::Mutex;
use serde_json::value::RawValue;

use super::transport::BoundedHttp;
use crate::error::ChainError;
use crate::health::BlockRef;

/// What is remembered of a node between two calls.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// When its chain id and block 0 were last compared with the options; forgotten when it fails.
    pub(crate) identified_at: Option<Instant>,
    /// When it last failed.
    pub(crate) failed_at: Option<Instant>,
    /// The highest block that it showed, and when.
    pub(crate) highest: Option<(u64, Instant)>,
}

/// One node.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    rpc: RpcClient,
    pub(crate) memory: Mutex<Memory>,
}

/// An answer of `eth_call` or `eth_estimateGas`: a value, or what the contract returned when it reverted.
pub(crate) type Execution<T> = Result<T, Bytes>;

impl Endpoint {
    /// A node at `url`; nothing is sent yet.
    pub(crate) fn new(url: &str, bounds: Bounds) -> Result<Self, ChainError> {
        let transport = BoundedHttp::new(url, bounds).map_err(|error| ChainError::Config {
            what: format!("node URL {url}"),
            why: error.to_string(),
        })?;
        Ok(Self { url: url.to_owned(), rpc: RpcClient::new(transport, true), memory: Mutex::default() })
    }

    /// One request.
    pub(crate) async fn request<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, ChainError> {
        self.rpc.request(method, params).await.map_err(|error| self.convert(method, &error))
    }

    /// Like [`Self::request`], with a revert as a value.
    pub(crate) async fn execute<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<Execution<R>, ChainError> {
        let answer: Result<R, TransportError> = self.rpc.request(method, params).await;
        self.execution(method, answer)
    }

    /// Several requests of one method in one exchange; the answers stand in the order of the requests.
    pub(crate) async fn batch<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: &[P],
    ) -> Result<Vec<R>, ChainError> {
        let executions: Vec<Execution<R>> = self.execute_batch(method, params).await?;
        let revert = |data| self.malformed(method, format!("a revert where nothing runs: {data}"));
        executions.into_iter().map(|execution| execution.map_err(revert)).collect()
    }

    /// Like [`Self::batch`], with reverts as values.
    pub(crate) async fn execute_batch<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: &[P],
    ) -> Result<Vec<Execution<R>>, ChainError> {
        if params.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = self.rpc.new_batch();
        let convert = |error| self.convert(method, &error);
        let waiters = params.iter().map(|params| batch.add_call::<_, R>(method, params));
        let waiters = waiters.collect::<Result<Vec<_>, _>>().map_err(convert)?;
        batch.send().await.map_err(convert)?;
        let mut answers = Vec::with_capacity(waiters.len());
        for waiter in waiters {
            answers.push(self.execution(method, waiter.await)?);
        }
        Ok(answers)
    }

    /// The header of a block, by `eth_getBlockByNumber` or `eth_getBlockByHash`; `None` if there is none.
    ///
    /// The header is hashed: a block whose fields are not those that its hash stands for is refused.
    pub(crate) async fn header<P: RpcSend>(
        &self,
        method: &'static str,
        block: P,
    ) -> Result<Option<Header>, ChainError> {
        let header: Option<Header> = self.request(method, (block, false)).await?;
        if let Some(header) = &header {
            self.check_hash(method, header)?;
        }
        Ok(header)
    }

    /// The headers of these numbers, in their order. A missing one is an interruption: the chain became shorter.
    pub(crate) async fn headers(&self, numbers: &[u64]) -> Result<Vec<Header>, ChainError> {
        const METHOD: &str = "eth_getBlockByNumber";
        let params: Vec<_> = numbers.iter().map(|number| (U64::from(*number), false)).collect();
        let headers: Vec<Option<Header>> = self.batch(METHOD, &params).await?;
        let mut checked = Vec::with_capacity(headers.len());
        for (header, number) in headers.into_iter().zip(numbers) {
            let header = header.ok_or_else(|| ChainError::Interrupted {
                url: self.url.clone(),
                method: METHOD,
                why: format!("there is no block {number}"),
            })?;
            self.check_hash(METHOD, &header)?;
            if header.inner.number != *number {
                let why = format!("asked for block {number}, got block {}", header.inner.number);
                return Err(self.malformed(METHOD, why));
            }
            checked.push(header);
        }
        Ok(checked)
    }

    fn check_hash(&self, method: &'static str, header: &Header) -> Result<(), ChainError> {
        let found = header.inner.hash_slow();
        if found == header.hash {
            return Ok(());
        }
        let block = BlockRef { number: header.inner.number, hash: header.hash };
        Err(self.malformed(method, format!("the fields of {block} hash to {found}")))
    }

    /// An answer that cannot be true.
    pub(crate) fn malformed(&self, method: &'static str, why: String) -> ChainError {
        ChainError::Malformed { url: self.url.clone(), method, why }
    }

    fn execution<R>(
        &self,
        method: &'static str,
        answer: Result<R, TransportError>,
    ) -> Result<Execution<R>, ChainError> {
        match answer {
            Ok(value) => Ok(Ok(value)),
            Err(RpcError::ErrorResp(payload)) if is_revert(payload.code, &payload.message) => {
                Ok(Err(payload.data.as_deref().and_then(revert_data).unwrap_or_default()))
            }
            Err(error) => Err(self.convert(method, &error)),
        }
    }

    fn convert(&self, method: &'static str, error: &TransportError) -> ChainError {
        let url = self.url.clone();
        match error {
            RpcError::ErrorResp(payload) => ChainError::NodeRefused {
                url,
                method,
                code: payload.code,
                message: payload.message.to_string(),
            },
            RpcError::DeserError { err, text } => {
                let start: String = text.chars().take(120).collect();
                ChainError::Malformed { url, method, why: format!("{err} in {start:?}") }
            }
            RpcError::NullResp => ChainError::Malformed { url, method, why: "null".to_owned() },
            RpcError::Transport(TransportErrorKind::MissingBatchResponse(_)) => {
                ChainError::Malformed { url, method, why: "an answer of the batch is missing".to_owned() }
            }
            other => {
                // What was known of the node holds no longer: another one may stand there now.
                let mut memory = self.memory.lock();
                memory.identified_at = None;
                memory.failed_at = Some(Instant::now());
                ChainError::Interrupted { url, method, why: other.to_string() }
            }
        }
    }
}

/// go-ethereum says code 3, others -32000 or -32015 and the word.
fn is_revert(code: i64, message: &str) -> bool {
    code == 3 || message.to_ascii_lowercase().contains("revert")
}

/// The bytes beside a revert: a hex string, or an object that holds one.
fn revert_data(data: &RawValue) -> Option<Bytes> {
    let value: serde_json::Value = serde_json::from_str(data.get()).ok()?;
    let text = value.as_str().or_else(|| value.get("data")?.as_str())?;
    // Some nodes put "Reverted " before the hex digits.
    let digits = text.strip_prefix("Reverted ").unwrap_or(text);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revert_data_are_found_in_every_form_that_nodes_use() {
        let wanted = Some(Bytes::from_static(&[0xab, 0xcd]));
        for text in [r#""0xabcd""#, r#""Reverted 0xabcd""#, r#"{"data":"0xabcd"}"#] {
            let raw = RawValue::from_string(text.to_owned()).unwrap();
            assert_eq!(revert_data(&raw), wanted, "{text}");
        }
        let other = RawValue::from_string("7".to_owned()).unwrap();
        assert_eq!(revert_data(&other), None);
        assert!(is_revert(3, "") && is_revert(-32000, "execution reverted: x"));
        assert!(!is_revert(-32000, "header not found"));
    }
}
