//! Which names the service answers to, and which web pages may call it (regression G10).
//!
//! Programs send no origin. A page that a browser loaded from elsewhere gets nowhere: neither by asking (foreign `Origin`)
//! nor by having its own name point here (foreign `Host`).

use std::net::IpAddr;

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, HOST, ORIGIN,
    VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// Who may call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    /// `Host` names beside `localhost` and plain addresses; `*` for any.
    pub(crate) hosts: Vec<String>,
    /// Origins of pages.
    pub(crate) origins: Vec<String>,
}

impl Access {
    /// The refusal, if the caller is a page or a name that was not named.
    pub(crate) fn refuse(&self, headers: &HeaderMap) -> Option<Response> {
        if !self.admits_host(headers) {
            return Some((StatusCode::FORBIDDEN, "this service has another name\n").into_response());
        }
        if !self.admits_origin(headers) {
            return Some((StatusCode::FORBIDDEN, "pages of that origin may not call\n").into_response());
        }
        None
    }

    /// Lets an admitted page read the response.
    pub(crate) fn allow(&self, headers: &HeaderMap, response: &mut Response) {
        let origin = headers.get(ORIGIN).filter(|_| self.admits_origin(headers));
        if let Some(origin) = origin {
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            response.headers_mut().insert(VARY, HeaderValue::from_static("origin"));
        }
    }

    /// The answer to a browser that asks before it posts.
    pub(crate) fn preflight(&self, headers: &HeaderMap) -> Response {
        if let Some(refused) = self.refuse(headers) {
            return refused;
        }
        let allowed =
            [(ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"), (ACCESS_CONTROL_ALLOW_HEADERS, "content-type")];
        let mut response = (StatusCode::NO_CONTENT, allowed).into_response();
        self.allow(headers, &mut response);
        response
    }

    fn admits_host(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let Some(host) = hosts.next() else { return true };
        let Ok(host) = host.to_str() else { return false };
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let is_ours = name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok()
            || self.hosts.iter().any(|own| own == "*" || own.eq_ignore_ascii_case(name));
        is_ours && hosts.next().is_none()
    }

    fn admits_origin(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return true };
        self.origins.iter().any(|own| own.as_bytes() == origin.as_bytes()) && origins.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(axum::http::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn g10_foreign_pages_and_names_are_refused_unless_named() {
        let closed = Access::default();
        for host in ["localhost:7000", "127.0.0.1:7000", "[::1]:7000", "10.0.0.7", "LOCALHOST"] {
            assert!(closed.refuse(&headers(&[(HOST, host)])).is_none(), "{host}");
        }
        assert!(closed.refuse(&HeaderMap::new()).is_none());
        for host in ["evil.example:7000", "127.0.0.1.evil.example", "localhost.evil.example"] {
            assert!(closed.refuse(&headers(&[(HOST, host)])).is_some(), "{host}");
        }
        for origin in ["https://evil.example", "null", "http://localhost:7000"] {
            let asked = headers(&[(ORIGIN, origin)]);
            assert!(closed.refuse(&asked).is_some(), "{origin}");
            assert!(!closed.preflight(&asked).headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        }
        let open = Access { hosts: vec!["records.lan".into()], origins: vec!["https://portal.lan".into()] };
        assert!(open.refuse(&headers(&[(HOST, "records.lan"), (ORIGIN, "https://portal.lan")])).is_none());
        assert!(open.refuse(&headers(&[(ORIGIN, "https://portal.lan.evil.example")])).is_some());
        let preflight = open.preflight(&headers(&[(ORIGIN, "https://portal.lan")]));
        assert_eq!(preflight.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "https://portal.lan");
    }
}
