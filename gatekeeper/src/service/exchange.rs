//! One request and its answer.
//!
//! The work runs as a task of its own: a client that goes away changes nothing of what was decided, written and counted.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
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

/// Most bytes of a body that needs no room among the large ones: more than any question of a wallet has.
const SMALL_BODY: usize = 64 << 10;

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
    let source = service.source(&request);
    if !service.admits(source) {
        return allowed(&service, &headers, refusal(RefusalCode::TooManyRequests));
    }
    let body = match body(&service, request).await {
        Ok(body) => body,
        Err(code) => return allowed(&service, &headers, unasked(&service, code)),
    };
    // Whoever is slow to say what is asked takes no room from those who said it.
    let Ok(permit) = Arc::clone(service.room(kind)).try_acquire_owned() else {
        return allowed(&service, &headers, unasked(&service, RefusalCode::Busy));
    };
    let log = service.state.log;
    let working = Arc::clone(&service);
    let asked = Asked { kind, source, concern, body, permit };
    let task = tokio::spawn(async move { decide::<M>(working, asked, act).await });
    let response = match task.await {
        Ok(Ok(answer)) => respond(answer),
        Ok(Err(No { refused, is_strangers })) => {
            let Refused { code, why } = refused;
            let line = why.map(|why| format!("{} refused ({}): {why}", M::NAME, code.name()));
            match line {
                Some(line) if is_strangers => service.tell_of_stranger(&line),
                Some(line) => log(&line),
                None => {}
            }
            refusal(code)
        }
        Err(error) => {
            log(&format!("{} broke: {error}", M::NAME));
            refusal(RefusalCode::Internal)
        }
    };
    allowed(&service, &headers, response)
}

/// A refusal before anybody knows who asks.
fn unasked(service: &Service, code: RefusalCode) -> Response {
    service.state.audit.count(code, now_s());
    refusal(code)
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
    // The number of connections bounds what small bodies take in memory; large ones share a room of their own.
    let _large = match length {
        Some(length) if length <= SMALL_BODY => None,
        _ => Some(service.room_of_large_bodies().ok_or(RefusalCode::Busy)?),
    };
    let body = tokio::time::timeout(BODY_TIMEOUT, to_bytes(request.into_body(), most)).await;
    body.map_err(|_| RefusalCode::BadRequest)?.map_err(|_| RefusalCode::TooLarge)
}

/// A request as it came.
struct Asked<B> {
    kind: Kind,
    source: IpAddr,
    concern: fn(&B) -> Concern,
    body: Bytes,
    permit: OwnedSemaphorePermit,
}

/// A refusal, and whether it is that of somebody whom nobody knows: such are counted, not written down.
struct No {
    refused: Refused,
    is_strangers: bool,
}

/// A request that is signed as it has to be.
struct Checked<B> {
    signed: Signed<B>,
    /// Whether the signer was met before, or is expected here.
    is_known: bool,
}

/// Checks, decides, and writes the decision down.
async fn decide<M: Method + 'static>(
    service: Arc<Service>,
    asked: Asked<M::Body>,
    act: Act<M::Body>,
) -> Result<Answer, No>
where
    M::Body: 'static,
{
    let state = Arc::clone(&service.state);
    let Asked { kind, source, concern, body, permit } = asked;
    let checking = Arc::clone(&service);
    let checked = blocking(move || check::<M>(&checking, source, &body)).await;
    let Checked { signed, is_known } = checked.map_err(|refused| {
        state.audit.count(refused.code, now_s());
        No { refused, is_strangers: true }
    })?;
    let (signer, asked) = (signed.signer, concern(&signed.body));
    let caller = caller(&state, signer, permit).await;
    if let Ok(caller) = &caller {
        service.acquaintances.learn(signer, caller.account.is_some());
    }
    let is_stranger = !is_known && caller.as_ref().map_or(true, |caller| caller.account.is_none());
    let actor = caller.as_ref().map_or(signer, Caller::actor);
    let caller = caller.and_then(|caller| if is_stranger { strange(&service, caller) } else { Ok(caller) });
    let outcome = match caller {
        Ok(caller) => run(act(Arc::clone(&state), caller, signed.body), service.timeout(kind)).await,
        Err(refused) => Err(refused),
    };
    match &outcome {
        Err(refused) if is_stranger => state.audit.count(refused.code, now_s()),
        _ if kind == Kind::Waiting => {}
        outcome => {
            let decision = decision::<M>(signer, actor, asked, outcome);
            // What cannot be written down is not answered.
            let written = state.audit.write(decision).await;
            written.map_err(|why| No { refused: Refused::internal(why), is_strangers: false })?;
        }
    }
    outcome.map_err(|refused| No { refused, is_strangers: is_stranger })
}

/// A stranger works in the room of strangers.
fn strange(service: &Service, caller: Caller) -> Result<Caller, Refused> {
    let permit = service.room_of_strangers().ok_or(RefusalCode::TooManyRequests)?;
    Ok(Caller { permit: Arc::new(permit), ..caller })
}

/// Parses and checks a request: form, time, signature, whether a stranger may ask now, nonce. Blocks.
fn check<M: Method>(service: &Service, source: IpAddr, body: &[u8]) -> Result<Checked<M::Body>, Refused> {
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
    let signer = signed.signer;
    let is_known = service.acquaintances.knows(signer) || state.store.is_expected(signer)?;
    // From here on a request takes room in memory and time of the node.
    if !is_known && !service.admits_stranger(source) {
        return Err(RefusalCode::TooManyRequests.into());
    }
    match service.nonces.use_up(signer, signed.nonce, signed.expiry_s, now_s) {
        Nonce::Fresh => Ok(Checked { signed, is_known }),
        Nonce::Used => Err(RefusalCode::Replayed.into()),
        Nonce::NoRoom => Err(RefusalCode::Busy.into()),
    }
}

/// Looks up who the signer is.
async fn caller(state: &State, signer: Address, permit: OwnedSemaphorePermit) -> Result<Caller, Refused> {
    let facts = state.look().await?;
    let account = facts.account_of(to_chain(signer)).await?.map(from_chain);
    Ok(Caller { signer, account, facts, permit: Arc::new(permit) })
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
    let mut response = response(status, "application/json", Body::from(body));
    if code == RefusalCode::TooManyRequests {
        // Every bucket gets a token a second at least.
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
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
