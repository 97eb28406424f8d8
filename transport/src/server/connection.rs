//! One connection: HTTP/1.1 until it ends, is too slow, has to make room, or the server stops.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tokio::time::Instant;

use super::activity::Activity;
use super::peer::Peer;
use super::service::Observed;
use super::stream::Stream;
use crate::limits::ConnectionLimits;

/// Largest head of a request, and largest piece of a body that is read at once, in bytes.
const BUFFER_BYTES: usize = 64 << 10;
/// Who has begun to send a head when the server stops may finish it within this time of its beginning.
const PATIENCE: Duration = Duration::from_secs(1);

/// Serves one connection.
pub(super) async fn serve(
    stream: Stream,
    peer: Peer,
    router: Router,
    limits: ConnectionLimits,
    mut stopping: watch::Receiver<bool>,
) {
    let activity = stream.activity().clone();
    let service = TowerToHyperService::new(Observed::new(router, peer, activity.clone()));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(BUFFER_BYTES);
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let stop = async {
        // An error means that the server is gone, which is as good as stopping.
        let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
    };
    tokio::select! {
        () = in_time(connection.as_mut(), &activity, limits) => {}
        () = activity.closing() => {}
        () = stop => {
            connection.as_mut().graceful_shutdown();
            in_time(connection.as_mut(), &activity, limits.at_the_end(PATIENCE)).await;
        }
    }
    // A connection that goes on from here is no longer one of HTTP; every other one closes with this function's end.
    activity.was_upgraded();
}

/// Drives a connection until it ends or something took too long. What it is doing changes while it is driven and at no other time that
/// matters: a deadline that comes is looked at again.
async fn in_time<C: Future>(mut connection: Pin<&mut C>, activity: &Activity, limits: ConnectionLimits) {
    let mut alarm = pin!(tokio::time::sleep_until(Instant::now()));
    poll_fn(|context| {
        // How it ended concerns the client, and it knows.
        if connection.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        while let Some(deadline) = activity.deadline(&limits) {
            if alarm.deadline() != deadline {
                alarm.as_mut().reset(deadline);
            }
            ready!(alarm.as_mut().poll(context));
            if activity.deadline(&limits) == Some(deadline) {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    })
    .await;
}
