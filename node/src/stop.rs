//! The wish to stop, told to every task at once.

use tokio::sync::watch;

/// Tells that it is time to stop.
pub(crate) struct Stopper(watch::Sender<bool>);

/// Hears that it is time to stop.
#[derive(Clone)]
pub(crate) struct StopSignal(watch::Receiver<bool>);

/// A pair of both.
pub(crate) fn stop_signal() -> (Stopper, StopSignal) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), StopSignal(receiver))
}

impl Stopper {
    /// Stops; a dropped stopper does the same.
    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl StopSignal {
    /// Resolves when it is time.
    pub(crate) async fn requested(&self) {
        let mut receiver = self.0.clone();
        // An error means that the stopper is gone, which is as good as stopping.
        let _ = receiver.wait_for(|stopping| *stopping).await;
    }
}
