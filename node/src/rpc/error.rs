//! JSON-RPC errors with the codes and texts that clients of go-ethereum know.

use crate::NodeError;
use alloy_primitives::Bytes;
use serde_json::{Value, json};

/// An error as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// JSON-RPC 2.0 and EIP-1474 codes.
    pub code: i32,
    /// What is wrong.
    pub message: String,
    /// Details, such as the data of a revert.
    pub data: Option<Value>,
}

impl RpcError {
    fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The text is not JSON.
    pub(super) fn parse(why: impl Into<String>) -> Self {
        Self::new(-32700, why)
    }

    /// JSON, but no request.
    pub(super) fn invalid_request(why: impl Into<String>) -> Self {
        Self::new(-32600, why)
    }

    /// A name that is not known.
    pub(super) fn method_not_found(method: &str) -> Self {
        let shown: String = method.chars().take(100).collect();
        Self::new(-32601, format!("the method {shown} does not exist/is not available"))
    }

    /// Arguments that do not fit.
    pub(super) fn invalid_params(why: impl Into<String>) -> Self {
        Self::new(-32602, why)
    }

    /// The request is fine, the answer is no.
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::new(-32000, why)
    }

    /// More than this node gives.
    pub(super) fn limit(why: impl Into<String>) -> Self {
        Self::new(-32005, why)
    }

    /// A call that ended in `REVERT`, with its reason spelled out when it has Solidity's form.
    pub(super) fn reverted(output: &Bytes) -> Self {
        let reason = revert_reason(output);
        let message = match reason {
            Some(reason) => format!("execution reverted: {reason}"),
            None => "execution reverted".to_owned(),
        };
        Self { code: 3, message, data: Some(json!(output)) }
    }

    pub(super) fn to_json(&self) -> Value {
        match &self.data {
            Some(data) => json!({ "code": self.code, "message": self.message, "data": data }),
            None => json!({ "code": self.code, "message": self.message }),
        }
    }
}

impl From<NodeError> for RpcError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Transaction(_) | NodeError::NoCoinbase | NodeError::Block { .. } => {
                Self::refused(error.to_string())
            }
            // What failed on this machine's disk is the operator's business, not the client's.
            _ => Self::new(-32603, "internal error: the node could not read or write its chain"),
        }
    }
}

/// The text of Solidity's `Error(string)` (selector 0x08c379a0).
fn revert_reason(output: &[u8]) -> Option<String> {
    let data = output.strip_prefix(&[0x08, 0xc3, 0x79, 0xa0])?;
    let word = |at: usize| -> Option<usize> {
        let word = data.get(at..at + 32)?;
        word[..24].iter().all(|byte| *byte == 0).then_some(())?;
        usize::try_from(u64::from_be_bytes(word[24..].try_into().ok()?)).ok()
    };
    let start = word(0)?;
    let length = word(start)?;
    let text = data.get(start.checked_add(32)?..)?.get(..length)?;
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solidity_reason_is_spelled_out_and_garbage_is_not() {
        let mut output = vec![0x08, 0xc3, 0x79, 0xa0];
        output.extend([0; 31]);
        output.push(32);
        output.extend([0; 31]);
        output.push(2);
        output.extend(b"no");
        output.extend([0; 30]);
        assert_eq!(RpcError::reverted(&output.clone().into()).message, "execution reverted: no");
        assert_eq!(RpcError::reverted(&output[..40].to_vec().into()).message, "execution reverted");
        output[35] = 0xff;
        assert_eq!(RpcError::reverted(&output.into()).message, "execution reverted");
    }
}
