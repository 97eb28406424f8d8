//! The application of one connection, with marks at the ends of what comes in and goes out.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use axum::{BoxError, Router};
use http_body_util::BodyExt as _;
use tower::Service;

use super::activity::Activity;
use super::peer::Peer;

/// The application, which tells what a connection is doing and is told whose it is.
#[derive(Clone)]
pub(super) struct Observed {
    router: Router,
    peer: Peer,
    activity: Arc<Activity>,
}

impl Observed {
    pub(super) fn new(router: Router, peer: Peer, activity: Arc<Activity>) -> Self {
        Self { router, peer, activity }
    }
}

impl<B> Service<http::Request<B>> for Observed
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let (receiving, answering) = self.activity.asked();
        let mut request: Request = request.map(|body| held(body, receiving));
        request.extensions_mut().insert(self.peer);
        let answer = self.router.call(request);
        Box::pin(async move { Ok(answer.await?.map(|body| held(body, answering))) })
    }
}

/// A body that drops `mark` when it is dropped itself.
fn held<B>(body: B, mark: impl Send + 'static) -> Body
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Body::new(body.map_frame(move |frame| {
        let _ = &mark;
        frame
    }))
}
