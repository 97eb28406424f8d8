//! How often somebody may ask: token buckets, one for each source and one for all of them, in bounded memory.
//!
//! A source that cannot be remembered any more shares a bucket with the others of its kind, so that many addresses buy nothing.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::options::{Rate, Rates};

/// Pause between two looks for sources that need not be remembered.
const SWEEP: Duration = Duration::from_secs(1);

/// A bucket of tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    rate: Rate,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, tokens: f64::from(rate.burst.max(1)), at: now }
    }

    fn fill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        let most = f64::from(self.rate.burst.max(1));
        self.tokens = seconds.mul_add(f64::from(self.rate.per_second.max(1)), self.tokens).min(most);
        self.at = now;
    }

    fn has_one(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.tokens >= 1.0
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let has_one = self.has_one(now);
        if has_one {
            self.tokens -= 1.0;
        }
        has_one
    }

    fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.tokens >= f64::from(self.rate.burst.max(1))
    }
}

/// The buckets of one kind of request.
#[derive(Debug)]
pub(super) struct Buckets {
    rates: Rates,
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    all: Bucket,
    sources: BTreeMap<IpAddr, Bucket>,
    /// Of sources for which there is no room.
    others: Bucket,
    swept: Instant,
}

impl Buckets {
    /// Full buckets; at most so many sources are remembered.
    pub(super) fn new(rates: Rates, most: usize, now: Instant) -> Self {
        let state = State {
            all: Bucket::new(rates.all, now),
            sources: BTreeMap::new(),
            others: Bucket::new(rates.source, now),
            swept: now,
        };
        Self { rates, most, state: Mutex::new(state) }
    }

    /// Takes a token of a source and one of all; neither if one of them is missing.
    pub(super) fn take(&self, source: IpAddr, now: Instant) -> bool {
        let State { all, sources, others, swept } = &mut *self.state.lock();
        let source = network(source);
        if !sources.contains_key(&source) && sources.len() >= self.most {
            if now.saturating_duration_since(*swept) >= SWEEP {
                // Who has a full bucket is as one who never came.
                sources.retain(|_, bucket| !bucket.is_full(now));
                *swept = now;
            }
            if sources.len() >= self.most {
                return all.has_one(now) && others.take(now) && all.take(now);
            }
        }
        let own = sources.entry(source).or_insert_with(|| Bucket::new(self.rates.source, now));
        all.has_one(now) && own.take(now) && all.take(now)
    }
}

/// What counts as one source: an IPv4 address, or the 64 bits of an IPv6 address that a site has for itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates =
        Rates { source: Rate { per_second: 2, burst: 3 }, all: Rate { per_second: 100, burst: 8 } };

    fn taken(buckets: &Buckets, source: &str, now: Instant) -> usize {
        (0..20).filter(|_| buckets.take(source.parse().unwrap(), now)).count()
    }

    #[test]
    fn a_source_has_its_burst_and_its_rate_and_takes_nothing_from_others() {
        let start = Instant::now();
        let buckets = Buckets::new(RATES, 10, start);
        assert_eq!(taken(&buckets, "10.0.0.1", start), 3);
        assert_eq!(taken(&buckets, "10.0.0.2", start), 3);
        let later = start + Duration::from_secs(1);
        assert_eq!(taken(&buckets, "10.0.0.1", later), 2);
        assert_eq!(taken(&buckets, "10.0.0.1", later + Duration::from_hours(1)), 3, "never above the burst");
    }

    #[test]
    fn all_sources_together_have_a_bound_and_what_it_refuses_costs_a_source_nothing() {
        let start = Instant::now();
        let buckets = Buckets::new(RATES, 10, start);
        let sources = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
        let taken: Vec<_> = sources.iter().map(|source| taken(&buckets, source, start)).collect();
        assert_eq!(taken, [3, 3, 2, 0]);
        let later = start + Duration::from_millis(100);
        assert_eq!(self::taken(&buckets, "10.0.0.4", later), 3);
    }

    #[test]
    fn addresses_of_one_site_are_one_source_however_they_are_written() {
        let start = Instant::now();
        let buckets = Buckets::new(RATES, 10, start);
        assert_eq!(taken(&buckets, "2001:db8:1:2::1", start), 3);
        assert_eq!(taken(&buckets, "2001:db8:1:2:ffff::9", start), 0);
        assert_eq!(taken(&buckets, "2001:db8:1:3::1", start), 3);
        assert_eq!(taken(&buckets, "::ffff:10.0.0.1", start), 2, "what all have left");
        assert_eq!(buckets.state.lock().sources.len(), 3);
        assert!(buckets.state.lock().sources.contains_key(&"10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn memory_is_bounded_and_sources_without_room_share_one_bucket() {
        let start = Instant::now();
        let rates = Rates { all: Rate { per_second: 10_000, burst: 10_000 }, ..RATES };
        let buckets = Buckets::new(rates, 4, start);
        let source = |last: u8| IpAddr::from([10, 0, 0, last]);
        let passed = (0..=255).filter(|last| buckets.take(source(*last), start)).count();
        assert_eq!(passed, 4 + 3);
        assert_eq!(buckets.state.lock().sources.len(), 4);
        // Those that have waited are forgotten, and there is room again.
        let later = start + Duration::from_secs(5);
        assert!(buckets.take(source(200), later));
        assert_eq!(buckets.state.lock().sources.len(), 1);
    }
}
