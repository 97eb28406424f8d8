//! HTTP: one port for JSON-RPC by POST and for WebSocket upgrades.
//!
//! The caller owns the port and the stop signal. Connections, bodies and work in progress are
//! bounded; a page that a browser loaded from elsewhere gets nowhere, because foreign `Host` and
//! `Origin` headers are refused unless the operator names them.

use super::{Rpc, RpcLimits, socket};
use crate::stop::{StopSignal, stop_signal};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE,
    HOST, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Which names this server answers to, and which pages may talk to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// `Host` names beside `localhost` and plain addresses; `*` for any.
    pub hosts: Vec<String>,
    /// Origins of web pages that may call; `*` for any. Programs send no origin.
    pub origins: Vec<String>,
}

impl Access {
    fn admits_host(&self, headers: &HeaderMap) -> bool {
        let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return true };
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok()
            || self.hosts.iter().any(|host| host == "*" || host.eq_ignore_ascii_case(name))
    }

    fn admits_origin(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else { return true };
        self.origins.iter().any(|admitted| admitted == "*" || admitted.as_bytes() == origin.as_bytes())
    }
}

#[derive(Clone)]
struct Server {
    rpc: Arc<Rpc>,
    access: Arc<Access>,
    working: Arc<Semaphore>,
    stopping: StopSignal,
}

/// Serves until `shutdown` resolves; requests in progress are answered first, WebSocket connections end.
pub async fn serve(listener: TcpListener, rpc: Arc<Rpc>, access: Access, shutdown: impl Future<Output = ()>) {
    let RpcLimits { connections, concurrent_requests, .. } = *rpc.limits();
    let (stop, stopping) = stop_signal();
    let server = Server {
        rpc,
        access: Arc::new(access),
        working: Arc::new(Semaphore::new(concurrent_requests)),
        stopping,
    };
    let stopped = async move {
        shutdown.await;
        // WebSockets would keep the server alive for as long as their clients like.
        stop.stop();
    };
    medrec_transport::serve(listener, router(server), connections, stopped).await;
}

fn router(server: Server) -> Router {
    let limit = server.rpc.limits().body_bytes;
    Router::new()
        .route("/", post(answer).merge(get(upgrade)).options(preflight))
        .route("/ws", get(upgrade))
        .layer(DefaultBodyLimit::max(limit))
        .with_state(server)
}

impl Server {
    fn refuse(&self, headers: &HeaderMap) -> Option<Response> {
        if !self.access.admits_host(headers) {
            return Some((StatusCode::FORBIDDEN, "invalid host specified\n").into_response());
        }
        if !self.access.admits_origin(headers) {
            return Some((StatusCode::FORBIDDEN, "origin not allowed\n").into_response());
        }
        None
    }
}

/// What a browser needs to hand the answer to the page that asked; only admitted origins get here.
fn allow_origin(headers: &HeaderMap, response: &mut Response) {
    if let Some(origin) = headers.get(ORIGIN) {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.headers_mut().insert(VARY, HeaderValue::from_static("origin"));
    }
}

/// A browser's question before it lets a page post.
async fn preflight(State(server): State<Server>, headers: HeaderMap) -> Response {
    if let Some(refusal) = server.refuse(&headers) {
        return refusal;
    }
    let allowed = [(ACCESS_CONTROL_ALLOW_METHODS, "POST"), (ACCESS_CONTROL_ALLOW_HEADERS, "content-type")];
    let mut response = (StatusCode::NO_CONTENT, allowed).into_response();
    allow_origin(&headers, &mut response);
    response
}

async fn answer(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(refusal) = server.refuse(&headers) {
        return refusal;
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !matches!(kind, "application/json" | "application/json-rpc" | "application/jsonrequest") {
        let text = "invalid content type, only application/json is supported\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response();
    }
    let Ok(permit) = Arc::clone(&server.working).acquire_owned().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let work = tokio::task::spawn_blocking(move || {
        let response = server.rpc.handle(&body);
        drop(permit);
        response
    });
    match work.await {
        Ok(response) => {
            let body = Body::from(response.unwrap_or_default());
            let mut response = ([(CONTENT_TYPE, "application/json")], body).into_response();
            allow_origin(&headers, &mut response);
            response
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn upgrade(State(server): State<Server>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    if let Some(refusal) = server.refuse(&headers) {
        return refusal;
    }
    let limit = server.rpc.limits().body_bytes;
    upgrade
        .max_message_size(limit)
        .max_frame_size(limit)
        .on_upgrade(move |socket| socket::serve(socket, server.rpc, server.working, server.stopping))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn foreign_hosts_and_origins_are_refused_unless_named() {
        let closed = Access::default();
        for host in ["localhost:8545", "127.0.0.1:8545", "[::1]:8545", "10.0.0.7", "LOCALHOST"] {
            assert!(closed.admits_host(&headers(HOST, host)), "{host}");
        }
        assert!(!closed.admits_host(&headers(HOST, "evil.example:8545")));
        assert!(!closed.admits_origin(&headers(ORIGIN, "https://evil.example")));
        assert!(closed.admits_origin(&HeaderMap::new()));
        let open = Access { hosts: vec!["node.lan".into()], origins: vec!["https://portal.lan".into()] };
        assert!(open.admits_host(&headers(HOST, "node.lan:8545")));
        assert!(open.admits_origin(&headers(ORIGIN, "https://portal.lan")));
        assert!(!open.admits_origin(&headers(ORIGIN, "https://portal.lan.evil.example")));
    }
}
