//! What the process returns, the same for every command.

use std::process::ExitCode;

use medrec_anonymizer::AnonymizerError;
use medrec_benches::BenchError;
use medrec_datasets::DatasetError;
use medrec_miner::MinerError;
use medrec_node::NodeError;

/// The exit codes of `medrec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done. Also when the reader of the output went away (`medrec engines | head -1`).
    Success = 0,
    /// Something failed while running.
    Failure = 1,
    /// The arguments make no sense; nothing was started.
    Usage = 2,
    /// An engine or device that was asked for does not exist on this machine; nothing was started.
    Unavailable = 3,
    /// An engine gave a wrong answer: its figures, and this build on this machine, cannot be trusted.
    WrongAnswer = 4,
    /// A bundle is not what it says it is.
    Refused = 5,
    /// Stopped by Ctrl-C or SIGTERM; what was saved before is whole.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An engine, device or memory that this machine does not have.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unavailable(pub(crate) String);

/// The reader of stdout has gone away.
#[derive(Debug, thiserror::Error)]
#[error("stdout was closed by its reader")]
pub(crate) struct OutputClosed;

/// Arguments that parse and still make no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// An engine or device gave answers that the reference does not confirm.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Untrusted(pub(crate) String);

/// A bundle failed its checks.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// Stopped by Ctrl-C or SIGTERM before the work was done; says what was kept.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Interrupted(pub(crate) String);

impl Exit {
    /// The code for an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.is::<OutputClosed>() {
            return Self::Success;
        }
        if error.is::<Usage>() {
            return Self::Usage;
        }
        if error.is::<Unavailable>() {
            return Self::Unavailable;
        }
        if error.is::<Refused>() {
            return Self::Refused;
        }
        if matches!(error.downcast_ref(), Some(AnonymizerError::Stopped)) {
            return Self::Interrupted;
        }
        if error.is::<Interrupted>() {
            return Self::Interrupted;
        }
        if error.is::<Untrusted>() {
            return Self::WrongAnswer;
        }
        if matches!(error.downcast_ref(), Some(MinerError::Option { .. })) {
            return Self::Usage;
        }
        match error.downcast_ref::<BenchError>() {
            Some(BenchError::WrongAnswer { .. }) => return Self::WrongAnswer,
            Some(BenchError::Stopped) => return Self::Interrupted,
            _ => {}
        }
        match error.downcast_ref::<DatasetError>() {
            Some(DatasetError::Option { .. }) => return Self::Usage,
            Some(DatasetError::Stopped) => return Self::Interrupted,
            _ => {}
        }
        match error.downcast_ref::<NodeError>() {
            Some(NodeError::Config { .. }) => Self::Usage,
            _ => Self::Failure,
        }
    }
}
