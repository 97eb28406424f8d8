//! Where a request comes from: the address of the connection, or what a proxy says that is trusted to say it.
//!
//! Anybody can write a header. It counts only on connections from an address that the operator named, and only its last entry that
//! no named proxy wrote: that one the nearest proxy has seen itself.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::Request;
use axum::http::HeaderMap;
use medrec_transport::Peer;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The source of a request.
pub(super) fn source(request: &Request, proxies: &[IpAddr]) -> IpAddr {
    let peer = request.extensions().get::<Peer>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.to_canonical());
    behind(peer, request.headers(), proxies)
}

fn behind(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    let is_proxy = |address: &IpAddr| proxies.iter().any(|proxy| proxy.to_canonical() == *address);
    if !is_proxy(&peer) {
        return peer;
    }
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let entries = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    let mut nearest = peer;
    for entry in entries {
        // What a trusted proxy wrote and is no address ends the search: what stands before it came from outside.
        let Ok(address) = entry.trim().parse::<IpAddr>() else { break };
        nearest = address.to_canonical();
        if !is_proxy(&nearest) {
            break;
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(peer: &str, lines: &[&str], proxies: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let proxies: Vec<_> = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        behind(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn a_header_counts_from_named_proxies_alone_and_what_a_client_wrote_into_it_never() {
        assert_eq!(found("10.0.0.9", &["1.2.3.4"], &[]), "10.0.0.9");
        assert_eq!(found("10.0.0.9", &["1.2.3.4"], &["10.0.0.8"]), "10.0.0.9");
        assert_eq!(found("10.0.0.9", &["1.2.3.4"], &["10.0.0.9"]), "1.2.3.4");
        assert_eq!(
            found("10.0.0.9", &["8.8.8.8, 1.2.3.4"], &["10.0.0.9"]),
            "1.2.3.4",
            "the client's own claim"
        );
        assert_eq!(found("10.0.0.9", &["8.8.8.8", "1.2.3.4"], &["10.0.0.9"]), "1.2.3.4");
        assert_eq!(found("10.0.0.9", &["1.2.3.4, 10.0.0.8"], &["10.0.0.9", "10.0.0.8"]), "1.2.3.4");
        assert_eq!(found("10.0.0.9", &[], &["10.0.0.9"]), "10.0.0.9");
        assert_eq!(found("10.0.0.9", &["8.8.8.8, unknown"], &["10.0.0.9"]), "10.0.0.9");
        assert_eq!(found("10.0.0.9", &["2001:db8::1"], &["::ffff:10.0.0.9"]), "2001:db8::1");
    }
}
