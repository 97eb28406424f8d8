//! One request and its answer.
//!
//! The work runs as a task of its own: a client that goes away changes nothing of what was decided, written and counted.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use medrec_domain::identifier::Address;
use medrec_protocol::bridge::{from_chain, to_chain};
use medrec_protocol::methods::claims::BUNDLE_TYPE;
use medrec_protocol::{Method, ProtocolError, Refusal, RefusalCode, Signed};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use super::nonces::Nonce;
use super::shared::{Kind, Service};
use crate::answer::{Answer, Concern, Content, Outcome, Refused, Work};
use crate::audit::Decision;
use crate::state::{Caller, State, blocking, now_s};

/// Longest time for a body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A method, whatever its types.
pub(super) type Act<B> = Box<dyn FnOnce(Arc<State>, Caller, B) -> Work + Send>;

/// Answers one request.
pub(super) async fn exchange<M: Method + 'static>(
    service: Arc<Service>,
    kind: Kind,
    concern: fn(&M::Body) -> Concern,
    act: Act<M::Body>,
    request: Request,
) -> Response
where
    M::Body: 'static,
{
    let headers = request.headers().clone();
    if let Some(refused) = service.access.refuse(&headers) {
        return refused;
    }
    let Ok(permit) = Arc::clone(service.room(kind)).try_acquire_owned() else {
        return allowed(&service, &headers, refusal(RefusalCode::Busy));
    };
    let body = match body(&service, request).await {
        Ok(body) => body,
        Err(code) => return allowed(&service, &headers, refusal(code)),
    };
    let log = service.state.log;
    let working = Arc::clone(&service);
    let task = tokio::spawn(async move { decide::<M>(working, kind, concern, act, body, permit).await });
    let response = match task.await {
        Ok(Ok(answer)) => respond(answer),
        Ok(Err(refused)) => {
            if let Some(why) = refused.why {
                log(&format!("{} refused ({:?}): {why}", M::NAME, refused.code));
            }
            refusal(refused.code)
        }
        Err(error) => {
            log(&format!("{} broke: {error}", M::NAME));
            refusal(RefusalCode::Internal)
        }
    };
    allowed(&service, &headers, response)
}

fn allowed(service: &Service, headers: &HeaderMap, mut response: Response) -> Response {
    service.access.allow(headers, &mut response);
    response
}

async fn body(service: &Service, request: Request) -> Result<Bytes, RefusalCode> {
    let most = service.state.limits.body_bytes;
    let headers = request.headers();
    let is_json = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
    });
    if !is_json {
        // Also what keeps a page from posting without having asked: forms cannot be JSON.
        return Err(RefusalCode::BadRequest);
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > most) {
        return Err(RefusalCode::TooLarge);
    }
    let body = tokio::time::timeout(BODY_TIMEOUT, to_bytes(request.into_body(), most)).await;
    body.map_err(|_| RefusalCode::BadRequest)?.map_err(|_| RefusalCode::TooLarge)
}

/// Checks, decides, and writes the decision down.
async fn decide<M: Method + 'static>(
    service: Arc<Service>,
    kind: Kind,
    concern: fn(&M::Body) -> Concern,
    act: Act<M::Body>,
    body: Bytes,
    permit: OwnedSemaphorePermit,
) -> Outcome
where
    M::Body: 'static,
{
    let state = Arc::clone(&service.state);
    let checked = blocking(move || check::<M>(&service, &body).map(|signed| (signed, service)));
    let (signed, service) = checked.await?;
    let (signer, asked) = (signed.signer, concern(&signed.body));
    let permit = Arc::new(permit);
    let caller = caller(&state, signer, Arc::clone(&permit)).await;
    let actor = caller.as_ref().map_or(signer, Caller::actor);
    let outcome = match caller {
        Ok(caller) => run(act(Arc::clone(&state), caller, signed.body), service.timeout(kind)).await,
        Err(refused) => Err(refused),
    };
    if kind != Kind::Waiting {
        let decision = decision::<M>(signer, actor, asked, &outcome);
        // What cannot be written down is not answered.
        state.audit.write(decision).await.map_err(Refused::internal)?;
    }
    outcome
}

/// Parses and checks a request: form, time, signature, nonce.
fn check<M: Method>(service: &Service, body: &[u8]) -> Result<Signed<M::Body>, Refused> {
    let state = &service.state;
    let signed: Signed<M::Body> = serde_json::from_slice(body)
        .map_err(|error| Refused { code: RefusalCode::BadRequest, why: Some(error.to_string()) })?;
    let now_s = now_s();
    if signed.issued_s <= state.started_s {
        // The memory of nonces is this process's: what was signed before it could have been used before it.
        return Err(RefusalCode::Expired.into());
    }
    let checked = signed.check::<M>(state.contracts.chain_id, state.provider, now_s);
    checked.map_err(|error| match error {
        ProtocolError::Time { .. } => RefusalCode::Expired,
        ProtocolError::Signature { .. } => RefusalCode::BadSignature,
        _ => RefusalCode::BadRequest,
    })?;
    match service.nonces.use_up(signed.signer, signed.nonce, signed.expiry_s, now_s) {
        Nonce::Fresh => Ok(signed),
        Nonce::Used => Err(RefusalCode::Replayed.into()),
        Nonce::NoRoom => Err(RefusalCode::Busy.into()),
    }
}

/// Looks up who the signer is.
async fn caller(
    state: &State,
    signer: Address,
    permit: Arc<OwnedSemaphorePermit>,
) -> Result<Caller, Refused> {
    let facts = state.look().await?;
    let account = facts.account_of(to_chain(signer)).await?.map(from_chain);
    Ok(Caller { signer, account, facts, permit })
}

/// Runs a method to its end, within its time. A panic in it is its own.
async fn run(work: Work, timeout: Duration) -> Outcome {
    let mut task = tokio::spawn(work);
    match tokio::time::timeout(timeout, &mut task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Err(Refused::internal(format!("the method broke: {error}"))),
        Err(_) => {
            task.abort();
            Err(Refused { code: RefusalCode::Busy, why: Some(format!("it took longer than {timeout:?}")) })
        }
    }
}

fn decision<M: Method>(signer: Address, actor: Address, asked: Concern, outcome: &Outcome) -> Decision {
    let answer = outcome.as_ref().ok();
    let about = answer.and_then(|answer| answer.about.clone()).unwrap_or(asked.about);
    Decision {
        time_s: now_s(),
        actor,
        signer,
        method: M::NAME,
        concern: Concern { patient: asked.patient, about },
        is_allowed: answer.is_some(),
        was_read: answer.and_then(|answer| answer.was_read),
    }
}

fn respond(answer: Answer) -> Response {
    match answer.content {
        Content::Json(bytes) => response(StatusCode::OK, "application/json", Body::from(bytes)),
        Content::Bundle(bytes) => response(StatusCode::OK, BUNDLE_TYPE, Body::from(bytes)),
        Content::Events(body) => response(StatusCode::OK, "text/event-stream", body),
    }
}

/// A value as JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => response(StatusCode::OK, "application/json", Body::from(bytes)),
        Err(_) => refusal(RefusalCode::Internal),
    }
}

/// A refusal: its code and its constant text.
pub(super) fn refusal(code: RefusalCode) -> Response {
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(&Refusal::from(code)).unwrap_or_default();
    response(status, "application/json", Body::from(body))
}

fn response(status: StatusCode, kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // Records are for who asked, now; nobody in between keeps them.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}
