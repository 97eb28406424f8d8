//! Everything that a gatekeeper is told when it starts.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use medrec_chain::{ClientOptions, Contracts, Network, SenderOptions};
use medrec_datasets::{Location, OnBadRow};
use medrec_domain::scope::ValueSets;
use medrec_domain::workload::catalogue::Catalogue;
use medrec_domain::{CalendarDate, DomainError, Workload};
use medrec_transport::ConnectionLimits;

use crate::rewards::RewardsOptions;

/// How often something may happen: a bucket of `burst` tokens that gets `per_second` new ones. Zero counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// New tokens in a second.
    pub per_second: u32,
    /// Most tokens that are kept.
    pub burst: u32,
}

/// How often one source may ask, and all sources together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// One source: an IPv4 address, or the 64-bit network of an IPv6 address.
    pub source: Rate,
    /// All of them.
    pub all: Rate,
}

/// Bounds on what strangers can make a gatekeeper do.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest body of a request, in bytes.
    pub body_bytes: usize,
    /// Most bodies of more than 64 KiB, or of a length that is not told, that arrive at once.
    pub large_bodies: usize,
    /// Longest time for an ordinary request.
    pub request_timeout: Duration,
    /// Longest time for a census or a claim.
    pub release_timeout: Duration,
    /// Most ordinary requests at work at once.
    pub requests: usize,
    /// Most censuses and claims at work at once.
    pub releases: usize,
    /// Most clients that wait for notifications at once, streams included.
    pub waiting: usize,
    /// Connections.
    pub connections: ConnectionLimits,
    /// Requests of everybody, before anything of them is read.
    pub everybody: Rates,
    /// Requests of keys that were not found to speak for an account, before they cost more than their signature.
    pub strangers: Rates,
    /// Most sources that are remembered, of each of the two.
    pub sources: usize,
    /// Most strangers at work or waiting at once.
    pub strangers_at_once: usize,
    /// Most nonces that are remembered; beyond it requests are refused as `busy`.
    pub nonces: usize,
    /// Most rows of one answer.
    pub rows: u32,
    /// Most documents of one patient.
    pub documents: usize,
}

impl Default for Limits {
    /// 1 MiB a body, 64 large ones at once, 15 s a request, 30 minutes a release, 256 requests, 8 releases, 512 waiting clients,
    /// 1,024 connections, 128 of one client, 5,000 requests a second of a source and 20,000 of all, 5 of strangers of a source and
    /// 50 of all strangers, 16,384 sources, 64 strangers at once, a million nonces, 10,000 rows, 1,000 documents.
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            large_bodies: 64,
            request_timeout: Duration::from_secs(15),
            release_timeout: Duration::from_mins(30),
            requests: 256,
            releases: 8,
            waiting: 512,
            connections: ConnectionLimits { most: 1_024, per_client: 128, ..ConnectionLimits::default() },
            everybody: Rates {
                source: Rate { per_second: 5_000, burst: 10_000 },
                all: Rate { per_second: 20_000, burst: 40_000 },
            },
            strangers: Rates {
                source: Rate { per_second: 5, burst: 60 },
                all: Rate { per_second: 50, burst: 600 },
            },
            sources: 1 << 14,
            strangers_at_once: 64,
            nonces: 1 << 20,
            rows: 10_000,
            documents: 1_000,
        }
    }
}

/// What a gatekeeper is told when it starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of its state, made if it is not there: store, outbox, keys, ledger, index of the records. As secret as the
    /// records; backed up and restored as a whole.
    pub folder: PathBuf,
    /// The five contracts.
    pub contracts: Contracts,
    /// The nodes.
    pub client: ClientOptions,
    /// The provider's account.
    pub provider: Address,
    /// The provider's present key: sends acts, signs bundles, and asks for what only the provider may.
    pub signer: PrivateKeySigner,
    /// Keys that spoke for the provider before, as far as they are at hand: they sign what blocks of their time earned, and look
    /// after what they sent. Empty while the key was never replaced.
    pub earlier_keys: Vec<PrivateKeySigner>,
    /// Where the records are.
    pub records: Location,
    /// The date that ages of records refer to.
    pub as_of: CalendarDate,
    /// What to do with a broken row of the records.
    pub on_bad_row: OnBadRow,
    /// Sites for records without organisations, see [`medrec_datasets::ReadOptions::synthetic_sites`].
    pub synthetic_sites: u32,
    /// Caps and prices.
    pub rewards: RewardsOptions,
    /// The value sets that consents may name.
    pub value_sets: ValueSets,
    /// `Host` names beside `localhost` and plain addresses that the service answers to; `*` for any.
    pub hosts: Vec<String>,
    /// Origins of web pages that may call. Programs send none.
    pub origins: Vec<String>,
    /// Addresses of proxies whose `X-Forwarded-For` is believed. Empty: a source is the other end of its connection.
    pub trusted_proxies: Vec<IpAddr>,
    /// Bounds.
    pub limits: Limits,
    /// How outboxes send.
    pub sender: SenderOptions,
    /// Blocks on top of an event before it is notified. Blocks that are replaced later give no notification twice.
    pub notify_after_blocks: u64,
    /// Pause between two looks for new events.
    pub poll_interval: Duration,
    /// Pause between two anchors of the audit log on chain; nothing is anchored while the log stands still.
    pub anchor_interval: Duration,
    /// Pause between two entries of the audit log that count refusals of strangers.
    pub count_interval: Duration,
    /// Hears of each step of an act, a census or a claim before it is taken.
    pub step: fn(&str),
    /// Where lines for the provider's own eyes go. They may name accounts, and what is wrong with a row of the records.
    pub log: fn(&str),
}

impl Options {
    /// Options with the usual bounds: outbox and notifications at one look a second, an anchor an hour, value sets of the census and
    /// the catalogue, ages as of the first day of 2026, no log.
    ///
    /// # Errors
    /// None in practice: census and catalogue are checked when the software is built.
    pub fn new(
        folder: PathBuf,
        network: &Network,
        nodes: impl IntoIterator<Item = impl Into<String>>,
        (provider, signer): (Address, PrivateKeySigner),
        records: Location,
        as_of: CalendarDate,
        rewards: RewardsOptions,
    ) -> Result<Self, DomainError> {
        Ok(Self {
            folder,
            contracts: network.contracts,
            client: network.client_options(nodes),
            provider,
            signer,
            earlier_keys: Vec::new(),
            records,
            as_of,
            on_bad_row: OnBadRow::default(),
            synthetic_sites: 0,
            rewards,
            value_sets: standard_value_sets()?,
            hosts: Vec::new(),
            origins: Vec::new(),
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            sender: SenderOptions::default(),
            notify_after_blocks: 1,
            poll_interval: Duration::from_secs(1),
            anchor_interval: Duration::from_hours(1),
            count_interval: Duration::from_mins(1),
            step: |_| {},
            log: |_| {},
        })
    }
}

/// The value sets of the census and of every catalogue query.
///
/// # Errors
/// None in practice: both are checked when the software is built.
pub fn standard_value_sets() -> Result<ValueSets, DomainError> {
    let mut sets = Workload::census()?.value_sets;
    for query in Catalogue::standard()?.queries.into_values() {
        sets.extend(query.value_sets);
    }
    Ok(sets)
}
