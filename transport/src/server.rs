//! A port: takes connections in, gives each a place, and ends in order.
//!
//! ```text
//! accept -> a place (of all, of the client's) -> one task: HTTP/1.1 under deadlines -> the application
//!              `- none: an idle connection makes room, or the client is refused or waits
//! ```
//!
//! The caller owns the port and the stop signal.

mod activity;
mod connection;
mod peer;
mod places;
mod refusal;
mod service;
mod stream;

use std::io::{Error, ErrorKind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use self::peer::Peer;

use self::places::Places;
use self::refusal::Refusals;
use self::stream::Stream;
use crate::limits::ConnectionLimits;

/// Pause after the system had no file for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` until `shutdown` resolves. Requests under way are answered then, connections without one end at once, and this
/// returns when the last connection is gone; a caller that does not want to wait for that drops it.
///
/// An upgraded connection (WebSocket) keeps its place for as long as it lives, under the bound on stalls alone; whoever serves it ends it.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()>,
) {
    let (places, refusals) = (Places::new(limits), Refusals::default());
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let newcomer = tokio::select! {
            () = &mut shutdown => break,
            newcomer = accept(&listener, &places, &refusals) => newcomer,
        };
        while connections.try_join_next().is_some() {}
        if let Some((stream, peer)) = newcomer {
            connections.spawn(connection::serve(stream, peer, router.clone(), limits, stopping.clone()));
        }
    }
    drop(listener);
    stop.send_replace(true);
    while connections.join_next().await.is_some() {}
    places.emptied().await;
}

/// The next connection that has a place.
async fn accept(listener: &TcpListener, places: &Arc<Places>, refusals: &Refusals) -> Option<(Stream, Peer)> {
    let (stream, address) = match listener.accept().await {
        Ok(accepted) => accepted,
        Err(error) => {
            if !is_the_clients(&error) {
                // The process has no more files, or the system no memory: one connection less, and a moment for the others.
                places.close_idle();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            return None;
        }
    };
    // Answers are small and awaited; waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    if let Some(place) = places.take(address.ip()).await {
        return Some((Stream::new(stream, place, places.limits().stall), Peer(address.ip())));
    }
    refusals.refuse(stream);
    None
}

/// Whether the client went away before it was taken in.
fn is_the_clients(error: &Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
