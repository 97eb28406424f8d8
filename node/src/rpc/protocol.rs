//! The envelope: requests, notifications, batches and their errors (JSON-RPC 2.0).

use super::{Answer, Rpc, RpcError};
use serde_json::{Map, Value, json};

/// One request, taken apart.
pub(super) struct Request {
    /// `None` for a notification, which gets no answer.
    pub(super) id: Option<Value>,
    pub(super) method: String,
    pub(super) params: Value,
}

/// What a client sent.
pub(super) enum Message {
    Single(Result<Request, Value>),
    Batch(Vec<Result<Request, Value>>),
    /// Neither; the answer is ready.
    Refused(Value),
}

pub(super) fn error_response(id: &Value, error: &RpcError) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": error.to_json() })
}

pub(super) fn response(id: Value, answer: Answer) -> Value {
    match answer {
        Ok(result) => {
            let mut response = Map::with_capacity(3);
            response.insert("jsonrpc".to_owned(), Value::from("2.0"));
            response.insert("id".to_owned(), id);
            response.insert("result".to_owned(), result);
            Value::Object(response)
        }
        Err(error) => error_response(&id, &error),
    }
}

impl Message {
    /// Takes the text of a request or of a batch of at most `batch_limit` requests apart.
    pub(super) fn parse(text: &[u8], batch_limit: usize) -> Self {
        let refused = |error: RpcError| Self::Refused(error_response(&Value::Null, &error));
        match serde_json::from_slice(text) {
            Err(error) => refused(RpcError::parse(error.to_string())),
            Ok(Value::Array(requests)) if requests.is_empty() => {
                refused(RpcError::invalid_request("empty batch"))
            }
            Ok(Value::Array(requests)) if requests.len() > batch_limit => {
                refused(RpcError::invalid_request("batch too large"))
            }
            Ok(Value::Array(requests)) => Self::Batch(requests.into_iter().map(Request::parse).collect()),
            Ok(request) => Self::Single(Request::parse(request)),
        }
    }
}

impl Request {
    /// Takes one request apart; the error is the finished answer.
    fn parse(value: Value) -> Result<Self, Value> {
        let Value::Object(mut fields) = value else {
            return Err(error_response(&Value::Null, &RpcError::invalid_request("invalid request")));
        };
        let id = fields.remove("id");
        let id_is_valid = matches!(id, None | Some(Value::Null | Value::String(_) | Value::Number(_)));
        let version_is_valid = fields.get("jsonrpc").and_then(Value::as_str) == Some("2.0");
        match fields.remove("method") {
            Some(Value::String(method)) if id_is_valid && version_is_valid => {
                Ok(Self { id, method, params: fields.remove("params").unwrap_or_default() })
            }
            _ => {
                let id = id.filter(|_| id_is_valid).unwrap_or_default();
                Err(error_response(&id, &RpcError::invalid_request("invalid request")))
            }
        }
    }
}

impl Rpc {
    /// Answers the text of a request or a batch. `None` when there is nothing to say, which is so
    /// for notifications.
    pub(super) fn handle(&self, text: &[u8]) -> Option<String> {
        match Message::parse(text, self.limits.batch_requests) {
            Message::Refused(response) => Some(response.to_string()),
            Message::Single(request) => self.handle_one(request).map(|response| response.to_string()),
            Message::Batch(requests) => self.handle_batch(requests),
        }
    }

    pub(super) fn handle_one(&self, request: Result<Request, Value>) -> Option<Value> {
        match request {
            Err(response) => Some(response),
            Ok(Request { id, method, params }) => {
                let answer = self.call(&method, params);
                id.map(|id| response(id, answer))
            }
        }
    }

    fn handle_batch(&self, requests: Vec<Result<Request, Value>>) -> Option<String> {
        let mut out = String::from("[");
        for request in requests {
            let too_long = out.len() > self.limits.batch_response_bytes;
            let response = match request {
                Ok(Request { id: Some(id), .. }) if too_long => Some(error_response(
                    &id,
                    &RpcError { code: -32003, message: "response too large".to_owned(), data: None },
                )),
                request => self.handle_one(request),
            };
            if let Some(response) = response {
                if out.len() > 1 {
                    out.push(',');
                }
                out.push_str(&response.to_string());
            }
        }
        (out.len() > 1).then(|| out + "]")
    }
}
