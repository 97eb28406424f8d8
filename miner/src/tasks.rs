//! The tasks between workers and nodes: each runs until the miner stops.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::B256;
use medrec_transport::ConnectionLimits;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::event::MinerEvent;
use crate::search::board::Found;
use crate::shared::Shared;
use crate::source::WorkSource;

/// Nodes forget a reported hashrate after ten seconds.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// A device that says nothing for this long hangs. Even a slow one answers within half a second.
const HANGING: Duration = Duration::from_mins(1);
/// At the end a solution that waits for a node is brought once more, within this time.
const LAST_ATTEMPT: Duration = Duration::from_secs(2);

/// Gives every new work to the board.
pub(crate) async fn follow_work<S: WorkSource>(shared: Arc<Shared<S>>) {
    let stopping = shared.stopping();
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            () = &mut stopping => return,
            assignment = shared.source.next_work() => shared.take_up(assignment).await,
        }
    }
}

/// Takes finds from the workers, each to its end; the last ones get a moment when the miner stops.
pub(crate) async fn settle_finds<S: WorkSource>(shared: Arc<Shared<S>>, mut found: mpsc::Receiver<Found>) {
    let mut settling = JoinSet::new();
    let stopping = shared.stopping();
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            () = &mut stopping => break,
            find = found.recv() => {
                let Some(find) = find else { break };
                settling.spawn(settle(Arc::clone(&shared), find));
            }
            Some(_) = settling.join_next() => {}
        }
    }
    while let Ok(find) = found.try_recv() {
        settling.spawn(settle(Arc::clone(&shared), find));
    }
    let _ = tokio::time::timeout(LAST_ATTEMPT, async { while settling.join_next().await.is_some() {} }).await;
}

async fn settle<S: WorkSource>(shared: Arc<Shared<S>>, find: Found) {
    shared.desk.settle(find, shared.stop.subscribe()).await;
    if shared.desk.is_finished() {
        shared.stop.send_replace(true);
    }
}

/// Samples the counters, and finds devices that hang.
pub(crate) async fn watch_devices<S: WorkSource>(shared: Arc<Shared<S>>) {
    let stopping = shared.stopping();
    tokio::pin!(stopping);
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = &mut stopping => return,
            now = every_second.tick() => for meter in &shared.meters {
                meter.sample(now.into_std());
                if meter.find_hanging(HANGING) {
                    let why = format!("no sign of life for {} s", HANGING.as_secs());
                    let device = meter.device().to_owned();
                    let _ = shared.events.send(MinerEvent::DeviceFailed { device, why });
                }
            },
        }
    }
}

/// Holds the nodes against each other.
pub(crate) async fn compare_nodes<S: WorkSource>(shared: Arc<Shared<S>>, every: Duration) {
    let stopping = shared.stopping();
    tokio::pin!(stopping);
    let mut regularly = tokio::time::interval(every);
    regularly.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut stopping => return,
            _ = regularly.tick() => {}
        }
        tokio::select! {
            () = &mut stopping => return,
            () = shared.source.compare_nodes() => {}
        }
    }
}

/// Tells the node how fast the miner is.
pub(crate) async fn report_hashrate<S: WorkSource>(shared: Arc<Shared<S>>, id: B256) {
    let stopping = shared.stopping();
    tokio::pin!(stopping);
    let mut regularly = tokio::time::interval(REPORT_EVERY);
    regularly.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    regularly.tick().await;
    loop {
        tokio::select! {
            () = &mut stopping => return,
            _ = regularly.tick() => {
                let rate = shared.statistics().hashrate_hps;
                shared.source.report_hashrate(rate, id).await;
            }
        }
    }
}

/// Serves an application until the miner stops.
pub(crate) async fn serve(
    listener: TcpListener,
    app: axum::Router,
    stopping: impl Future<Output = ()> + Send + 'static,
) {
    // A client that never finishes must not keep the miner from ending, so the port is dropped with its connections.
    let connections = ConnectionLimits { most: 64, per_client: 32, ..ConnectionLimits::default() };
    tokio::select! {
        () = stopping => {}
        () = medrec_transport::serve(listener, app, connections, std::future::pending()) => {}
    }
}
