//! How much may be asked of a gatekeeper: the tables `[rates]` and `[connections]` of its configuration file.

use std::num::NonZero;
use std::time::Duration;

use medrec_gatekeeper::{Limits, Rate};
use serde::Deserialize;

/// Requests a second; what is not named stays as it is by default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Rates {
    /// Of one source.
    source: Option<u32>,
    /// Of all sources.
    all: Option<u32>,
    /// Of keys without an account, of one source.
    strangers_of_source: Option<u32>,
    /// Of keys without an account, all of them.
    strangers: Option<u32>,
}

impl Rates {
    /// Puts what is named in place of the defaults; bursts keep their share.
    pub(super) fn apply(&self, limits: &mut Limits) {
        let named = [
            (self.source, &mut limits.everybody.source),
            (self.all, &mut limits.everybody.all),
            (self.strangers_of_source, &mut limits.strangers.source),
            (self.strangers, &mut limits.strangers.all),
        ];
        for (per_second, rate) in named {
            if let Some(per_second) = per_second {
                let seconds = rate.burst / rate.per_second.max(1);
                *rate = Rate { per_second, burst: per_second.saturating_mul(seconds) };
            }
        }
    }
}

/// What clients' connections may take up; the gatekeeper's own bounds when absent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Connections {
    /// Connections at once.
    most: Option<NonZero<usize>>,
    /// Of them, from one address.
    per_client: Option<NonZero<usize>>,
    /// Longest time for the head of a request.
    head_seconds: Option<NonZero<u32>>,
    /// Longest time between two requests.
    idle_seconds: Option<NonZero<u32>>,
    /// Longest time in which a client takes nothing of its answer.
    stall_seconds: Option<NonZero<u32>>,
}

impl Connections {
    /// Puts what the operator said in the place of the gatekeeper's own bounds.
    pub(super) fn apply(&self, limits: &mut Limits) {
        let seconds = |value: Option<NonZero<u32>>, bound: &mut Duration| {
            if let Some(seconds) = value {
                *bound = Duration::from_secs(seconds.get().into());
            }
        };
        let limits = &mut limits.connections;
        limits.most = self.most.map_or(limits.most, NonZero::get);
        limits.per_client = self.per_client.map_or(limits.per_client, NonZero::get);
        seconds(self.head_seconds, &mut limits.head);
        seconds(self.idle_seconds, &mut limits.idle);
        seconds(self.stall_seconds, &mut limits.stall);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_that_are_named_take_the_place_of_the_defaults_and_the_others_stay() {
        let rates: Rates = toml::from_str("strangers-of-source = 2").unwrap();
        let (mut limits, usual) = (Limits::default(), Limits::default());
        rates.apply(&mut limits);
        assert_eq!(limits.strangers.source, Rate { per_second: 2, burst: 24 });
        assert_eq!(limits.strangers.all, usual.strangers.all);
        assert_eq!(limits.everybody, usual.everybody);
    }

    #[test]
    fn bounds_on_connections_are_taken_from_the_file_and_the_others_stay() {
        let mut limits = Limits::default();
        let own = limits.connections;
        Connections::default().apply(&mut limits);
        assert_eq!(limits.connections, own);
        let table = "most = 50\nper-client = 50\nidle-seconds = 5\n";
        toml::from_str::<Connections>(table).unwrap().apply(&mut limits);
        assert_eq!((limits.connections.most, limits.connections.per_client), (50, 50));
        assert_eq!(limits.connections.idle, Duration::from_secs(5));
        assert_eq!((limits.connections.head, limits.connections.stall), (own.head, own.stall));
    }

    #[test]
    fn a_gatekeeper_that_could_take_no_connection_is_refused() {
        for line in ["most = 0", "per-client = 0", "head-seconds = 0", "per-clients = 7"] {
            assert!(toml::from_str::<Connections>(line).is_err(), "{line}");
        }
    }
}
