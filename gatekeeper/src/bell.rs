//! Rings when there are new notifications, so that nobody has to look again and again.

use tokio::sync::watch;

/// The bell.
#[derive(Clone)]
pub(crate) struct Bell {
    rings: watch::Sender<u64>,
}

impl Bell {
    /// A bell that was never rung.
    pub(crate) fn new() -> Self {
        Self { rings: watch::Sender::new(0) }
    }

    /// Wakes everybody who listens.
    pub(crate) fn ring(&self) {
        self.rings.send_modify(|rings| *rings += 1);
    }

    /// Hears every ring after this call.
    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.rings.subscribe()
    }
}
