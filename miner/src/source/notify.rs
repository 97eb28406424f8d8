//! Listens for notifications of new work, as `geth --miner.notify` and our own node post them.
//!
//! A notification is a hint and no more: whoever reaches the port could invent work, and a node notifies of the work that
//! pays its own coinbase. So the work itself is always fetched from the node that the miner was told to trust.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;

use super::getwork::GetWork;
use crate::work::Work;

/// Largest notification in bytes. A work has 300.
const BODY_BYTES: usize = 4 << 10;

/// The endpoint: a POST of the bare array to any path.
pub(crate) fn app(source: Arc<GetWork>) -> Router {
    Router::new().fallback_service(post(heard).with_state(source)).layer(DefaultBodyLimit::max(BODY_BYTES))
}

async fn heard(State(source): State<Arc<GetWork>>, body: Bytes) -> Result<StatusCode, (StatusCode, String)> {
    let refuse = |why: String| (StatusCode::BAD_REQUEST, why);
    let array = serde_json::from_slice(&body).map_err(|error| refuse(error.to_string()))?;
    let work = Work::parse(&array).map_err(refuse)?;
    source.was_notified(&work);
    Ok(StatusCode::OK)
}
