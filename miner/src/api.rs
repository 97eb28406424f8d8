//! A small monitoring API, read-only: `GET /status` as JSON and `GET /metrics` as Prometheus reads it.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::statistics::Statistics;

/// Where the numbers come from.
pub(crate) type Source = Arc<dyn Fn() -> Statistics + Send + Sync>;

/// The API over `source`.
pub(crate) fn app(source: Source) -> Router {
    Router::new().route("/status", get(status)).route("/metrics", get(metrics)).with_state(source)
}

async fn status(State(source): State<Source>) -> Response {
    match serde_json::to_string_pretty(&source()) {
        Ok(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn metrics(State(source): State<Source>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text(&source())).into_response()
}

/// The exposition format of Prometheus.
fn text(statistics: &Statistics) -> String {
    let Statistics { solutions, devices, nodes, .. } = statistics;
    let mut out = Exposition::default();
    out.family("medrec_miner_uptime_milliseconds_total", "counter", "Time since the start.");
    out.sample("", statistics.uptime_ms);
    out.family("medrec_miner_works_total", "counter", "Works received from nodes.");
    out.sample("", statistics.works);
    out.family("medrec_miner_solutions_total", "counter", "Solutions by what became of them.");
    for (outcome, count) in [
        ("accepted", solutions.accepted),
        ("rejected", solutions.rejected),
        ("stale", solutions.stale),
        ("wrong", solutions.wrong),
    ] {
        out.sample(&format!("{{outcome=\"{outcome}\"}}"), count);
    }
    out.family("medrec_miner_solutions_pending", "gauge", "Solutions on their way to a node.");
    out.sample("", solutions.pending);
    out.family("medrec_miner_submit_latency_milliseconds", "gauge", "From find to answer, averaged.");
    out.sample("", solutions.latency_ms);
    out.family("medrec_miner_hashrate_hps", "gauge", "Hashes a second over the last ten seconds.");
    for device in devices {
        out.sample(&label("device", &device.device), device.hashrate_hps);
    }
    out.family("medrec_miner_hashes_total", "counter", "Hashes since the start.");
    for device in devices {
        out.sample(&label("device", &device.device), device.hashes);
    }
    out.family("medrec_miner_node_up", "gauge", "1 while a node answers as it should.");
    for node in nodes {
        out.sample(&label("node", &node.node), u64::from(node.is_healthy == Some(true)));
    }
    out.family("medrec_miner_node_behind", "gauge", "1 while a node stands still and another goes on.");
    for node in nodes {
        out.sample(&label("node", &node.node), u64::from(node.is_behind));
    }
    out.family("medrec_miner_node_failures_total", "counter", "Failures and senseless answers of a node.");
    for node in nodes {
        out.sample(&label("node", &node.node), node.failures);
    }
    out.family("medrec_miner_node_latency_milliseconds", "gauge", "What an answer takes, averaged.");
    for node in nodes {
        out.sample(&label("node", &node.node), node.latency_ms);
    }
    out.text
}

#[derive(Default)]
struct Exposition {
    text: String,
    name: &'static str,
}

impl Exposition {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, labels: &str, value: u64) {
        let _ = writeln!(self.text, "{}{labels} {value}", self.name);
    }
}

fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{{{name}=\"{value}\"}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_as_prometheus_asks() {
        assert_eq!(label("device", "a \"b\"\\\n"), "{device=\"a \\\"b\\\"\\\\\\n\"}");
    }
}
