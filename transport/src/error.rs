//! What can go wrong between a client and a server, without the server's name: whoever asks knows whom, and says so.

use std::time::Duration;

/// Why a URL cannot be used. A sentence that follows the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It does not parse.
    #[error("it is no URL: {0}")]
    Malformed(String),
    /// It wants TLS.
    #[error("https is not spoken; put a tunnel in front of it")]
    Tls,
    /// Another scheme, or a name and password in it.
    #[error("only http://HOST:PORT is spoken")]
    NotPlain,
}

/// Why there is no answer. A sentence that follows the server's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// No connection, or one that ended before the answer began: it may be there later.
    #[error("{0}")]
    Unreachable(String),
    /// No whole answer in time.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// The connection ended in the middle of the answer.
    #[error("the answer broke off: {0}")]
    BrokeOff(String),
    /// The answer has more bytes than are taken.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}
