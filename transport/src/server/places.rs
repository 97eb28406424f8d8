//! Places for connections: so many in all, so many for each client, and who makes room when there is none.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::activity::Activity;
use crate::limits::ConnectionLimits;

/// The places of one port.
#[derive(Debug)]
pub(super) struct Places {
    limits: ConnectionLimits,
    taken: Mutex<Taken>,
    /// Told when a place is given back or could be.
    freed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Taken {
    connections: BTreeMap<u64, Occupant>,
    next: u64,
}

#[derive(Debug)]
struct Occupant {
    client: IpAddr,
    activity: Arc<Activity>,
}

/// A place; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    activity: Arc<Activity>,
}

enum Attempt {
    Taken(Place),
    /// All connections work.
    Full,
    /// All connections of this client work.
    TooMany,
}

impl Places {
    pub(super) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self { limits, taken: Mutex::default(), freed: Arc::default() })
    }

    pub(super) fn limits(&self) -> &ConnectionLimits {
        &self.limits
    }

    /// A place for a connection from this address, as soon as there is one; `None` when the client has all that it may have, and all of
    /// them work.
    pub(super) async fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let client = client_of(address);
        loop {
            // A notification between the attempt and the wait is kept: the accept loop alone waits here.
            match self.attempt(client) {
                Attempt::Taken(place) => return Some(place),
                Attempt::TooMany => return None,
                Attempt::Full => self.freed.notified().await,
            }
        }
    }

    /// Closes the connection that can best be done without, if there is one.
    pub(super) fn close_idle(&self) {
        self.taken.lock().make_room(None);
    }

    /// Waits until every place was given back.
    pub(super) async fn emptied(&self) {
        while !self.taken.lock().connections.is_empty() {
            self.freed.notified().await;
        }
    }

    fn attempt(self: &Arc<Self>, client: IpAddr) -> Attempt {
        let mut taken = self.taken.lock();
        let own = taken.connections.values().filter(|occupant| occupant.client == client).count();
        if own >= self.limits.per_client && !taken.make_room(Some(client)) {
            return Attempt::TooMany;
        }
        if taken.connections.len() >= self.limits.most && !taken.make_room(None) {
            return Attempt::Full;
        }
        let activity = Arc::new(Activity::new(Arc::clone(&self.freed)));
        let number = taken.next;
        taken.next += 1;
        taken.connections.insert(number, Occupant { client, activity: Arc::clone(&activity) });
        Attempt::Taken(Place { places: Arc::clone(self), number, activity })
    }
}

impl Taken {
    /// Takes its place from the connection (of this client) that can best be done without.
    fn make_room(&mut self, of: Option<IpAddr>) -> bool {
        let asked = self.connections.iter().filter(|(_, occupant)| of.is_none_or(|of| occupant.client == of));
        let ranked = asked.filter_map(|(number, occupant)| Some((occupant.activity.rank()?, *number)));
        let Some((_, number)) = ranked.min() else { return false };
        if let Some(occupant) = self.connections.remove(&number) {
            occupant.activity.close();
        }
        true
    }
}

impl Place {
    /// What its connection is doing.
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.lock().connections.remove(&self.number);
        self.places.freed.notify_one();
    }
}

/// Who stands behind an address. Whoever has one IPv6 address has its network of 64 bits.
fn client_of(address: IpAddr) -> IpAddr {
    const NETWORK: u128 = !(u64::MAX as u128);
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_address_or_a_network_of_64_bits() {
        let client = |text: &str| client_of(text.parse().unwrap());
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:1:2:3"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("::ffff:10.0.0.7"), client("10.0.0.7"));
        assert_ne!(client("::ffff:10.0.0.7"), client("::ffff:10.0.0.8"));
        assert_ne!(client("10.0.0.7"), client("10.0.0.8"));
    }
}
