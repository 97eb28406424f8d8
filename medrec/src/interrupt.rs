//! Ctrl-C and SIGTERM: a flag that long work looks at, so that it leaves nothing half-written.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use tokio::sync::watch;

use crate::exit::Exit;

static STOP: AtomicBool = AtomicBool::new(false);
/// The same wish for asynchronous work.
static STOPPED: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Starts listening (at the first call) and gives the flag.
///
/// The first signal sets the flag; a second one ends the process at once, for work that does not listen.
pub(crate) fn flag() -> anyhow::Result<&'static AtomicBool> {
    static IS_LISTENING: AtomicBool = AtomicBool::new(false);
    if !IS_LISTENING.swap(true, Ordering::Relaxed) {
        ctrlc::set_handler(|| {
            if STOP.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(Exit::Interrupted as u8));
            }
            STOPPED.send_replace(true);
        })
        .context("cannot listen for Ctrl-C")?;
    }
    Ok(&STOP)
}

/// Resolves at the first signal after [`flag`] was called, or at once when there was one.
pub(crate) async fn requested() {
    let mut stopped = STOPPED.subscribe();
    // The sender is static: it cannot be gone.
    let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
}
