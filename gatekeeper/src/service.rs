//! HTTP around the methods: what every request goes through before and after its method.
//!
//! ```text
//! origin and host -> rate of the source -> body, bounded -> room for one more -> signature, audience, time -> rate of strangers
//!   -> nonce -> who it is on chain -> the method -> audit log, on the disk, or a count of strangers -> answer
//! ```
//!
//! A refusal is a code with a constant text. A panic in a method is a refusal too, and ends nothing else.

mod access;
mod acquaintances;
mod exchange;
mod nonces;
mod rates;
mod shared;
mod source;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{get, post};
use medrec_protocol::methods::status::STATUS_PATH;
use medrec_protocol::{Method, RefusalCode};

pub(crate) use self::access::Access;
use self::exchange::{json, refusal};
pub(crate) use self::shared::{Kind, Service};
use crate::answer::{Concern, Outcome};
use crate::state::{Caller, State};
use crate::status;

/// The methods as routes.
pub(crate) struct Routes {
    router: Router,
    service: Arc<Service>,
}

impl Routes {
    /// The status alone.
    pub(crate) fn new(service: Service) -> Self {
        let service = Arc::new(service);
        let shared = Arc::clone(&service);
        let status = move |request: Request| {
            let service = Arc::clone(&shared);
            async move {
                let headers = request.headers().clone();
                if let Some(refused) = service.access.refuse(&headers) {
                    return refused;
                }
                if !service.admits(service.source(&request)) {
                    return refusal(RefusalCode::TooManyRequests);
                }
                let mut response = match status::answer(&service.state).await {
                    Ok(answer) => json(&answer),
                    Err(refused) => refusal(refused.code),
                };
                service.access.allow(&headers, &mut response);
                response
            }
        };
        let router = Router::new().route(STATUS_PATH, get(status).options(preflight(&service)));
        Self { router, service }
    }

    /// Adds a method: how it is treated, what the log says a question is about, and what it does.
    pub(crate) fn with<M, A, F>(self, kind: Kind, concern: fn(&M::Body) -> Concern, act: A) -> Self
    where
        M: Method + 'static,
        M::Body: 'static,
        A: Fn(Arc<State>, Caller, M::Body) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let service = Arc::clone(&self.service);
        let work = move |state, caller, body| -> crate::answer::Work { Box::pin(act(state, caller, body)) };
        let handler = move |request: Request| {
            exchange::exchange::<M>(Arc::clone(&service), kind, concern, Box::new(work), request)
        };
        let path = format!("/v1/{}", M::NAME);
        let route = post(handler).options(preflight(&self.service));
        Self { router: self.router.route(&path, route), ..self }
    }

    /// The router; every other path is refused in the form of the protocol.
    pub(crate) fn finish(self) -> Router {
        self.router.fallback(|| async { refusal(RefusalCode::Unknown) })
    }
}

/// A browser's question before it lets a page post.
fn preflight(service: &Arc<Service>) -> impl Fn(Request) -> std::future::Ready<Response> + Clone + use<> {
    let service = Arc::clone(service);
    move |request: Request| std::future::ready(service.access.preflight(request.headers()))
}
