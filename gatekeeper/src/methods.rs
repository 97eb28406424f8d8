//! Every method with the function that does it: the whole service on one page.

use axum::Router;

use crate::service::{Routes, Service};

/// The routes of all methods.
pub(crate) fn routes(service: Service) -> Router {
    Routes::new(service).finish()
}
