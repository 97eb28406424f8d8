//! What stdout says at the end.

use std::fmt::Write as _;

use medrec_miner::{AcceptedBlock, Statistics};
use serde::Serialize;

use crate::shell::Shell;

/// Why the miner ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum End {
    /// As many blocks as were wanted.
    Blocks,
    /// As long as was wanted.
    Seconds,
    /// Ctrl-C or SIGTERM.
    Signal,
}

/// The whole run.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) ended_by: End,
    #[serde(flatten)]
    pub(super) statistics: Statistics,
    /// Blocks that nodes took, in order.
    pub(super) blocks: Vec<AcceptedBlock>,
}

impl Summary {
    pub(super) fn print(&self, shell: &mut Shell) -> anyhow::Result<()> {
        if shell.wants_json() { shell.json(self) } else { shell.result(&self.text()) }
    }

    fn text(&self) -> String {
        let Statistics { solutions, devices, nodes, .. } = &self.statistics;
        let mut text = format!(
            "mined     {} s, {} hashes, {} on average\nblocks    {} accepted, {} rejected, {} stale of {} found\n",
            self.statistics.uptime_ms / 1_000,
            self.statistics.hashes,
            hashrate(self.statistics.average_hashrate_hps),
            solutions.accepted,
            solutions.rejected,
            solutions.stale,
            solutions.found,
        );
        // Writing to memory cannot fail.
        if solutions.accepted > 0 {
            let _ = writeln!(text, "latency   {} ms from a find to the node's answer", solutions.latency_ms);
        }
        if solutions.pending > 0 {
            let _ = writeln!(text, "lost      {} solutions: no node could be reached", solutions.pending);
        }
        for device in devices {
            let _ = writeln!(
                text,
                "device    {} ({}): {}, {} found",
                device.device,
                device.engine,
                hashrate(device.hashrate_hps),
                device.found
            );
        }
        for node in nodes {
            let _ = writeln!(
                text,
                "node      {}: {} answers in {} ms, {} failures",
                node.node, node.answers, node.latency_ms, node.failures
            );
        }
        text
    }
}

/// A hashrate with the prefix that leaves one to three digits before the point: `1.061 MH/s`.
pub(super) fn hashrate(hps: u64) -> String {
    let (unit, prefix) = match hps {
        1_000_000_000.. => (1_000_000_000, "G"),
        1_000_000.. => (1_000_000, "M"),
        1_000.. => (1_000, "k"),
        _ => return format!("{hps} H/s"),
    };
    format!("{}.{:03} {prefix}H/s", hps / unit, hps % unit / (unit / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashrates_have_one_to_three_digits_before_the_point() {
        assert_eq!(hashrate(999), "999 H/s");
        assert_eq!(hashrate(6_300), "6.300 kH/s");
        assert_eq!(hashrate(1_061_999), "1.061 MH/s");
        assert_eq!(hashrate(170_000_000_000), "170.000 GH/s");
    }
}
