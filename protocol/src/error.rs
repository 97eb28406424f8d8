//! What can be wrong with a request before anybody asks whether it is allowed.

use medrec_domain::DomainError;

/// What is wrong with a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The body has no canonical form.
    #[error("the body of {method} has no canonical form: {source}")]
    Body {
        /// The method.
        method: &'static str,
        /// What the encoding says.
        source: DomainError,
    },
    /// A text is not hexadecimal digits of the expected length.
    #[error("{text:?} is not 0x and {bytes} bytes in hexadecimal digits")]
    Hexadecimal {
        /// What was read.
        text: String,
        /// Bytes that it should have.
        bytes: usize,
    },
    /// The signature is not one of the signer over this request.
    #[error("the signature is not one by {signer} over this request to this gatekeeper on this chain")]
    Signature {
        /// Who is said to have signed.
        signer: medrec_domain::identifier::Address,
    },
    /// The time of a request is not now.
    #[error("the request is good from {issued_s} until {expiry_s}, and it is {now_s}")]
    Time {
        /// First second.
        issued_s: u64,
        /// First second at which it is no longer good.
        expiry_s: u64,
        /// The gatekeeper's clock.
        now_s: u64,
    },
}
