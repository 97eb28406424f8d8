//! The demo's providers: three founders of the network, each with a gatekeeper beside its database.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use alloy_primitives::{B256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use anyhow::Context as _;
use medrec_chain::{Network, SenderOptions};
use medrec_datasets::{DatabaseUrl, Format, Location, SqlMapping};
use medrec_domain::{CalendarDate, Rho};
use medrec_gatekeeper::rewards::RewardsOptions;
use medrec_gatekeeper::{Gatekeeper, GatekeeperError, Options};
use medrec_protocol::bridge::from_chain;
use medrec_wallet::provider::{Candidate, InstitutionRole};
use medrec_wallet::{GatekeeperClient, GatekeeperOptions, Place};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::calendar;
use super::people::Counter;
use super::population::{Practice, Store};

/// Most that anybody may ever lose at one provider of the demo. Invented people bear a great deal.
pub(super) const CAP: &str = "8";
/// Cost of the demo's census.
pub(super) const CENSUS_RHO: &str = "4";

/// A provider before its gatekeeper runs.
pub(super) struct Founder {
    pub(super) practice: Practice,
    pub(super) signer: PrivateKeySigner,
    listener: TcpListener,
    endpoint: String,
}

/// A provider whose gatekeeper runs.
pub(super) struct Provider {
    pub(super) name: &'static str,
    pub(super) patients: Vec<String>,
    pub(super) counter: Counter,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), GatekeeperError>>,
}

impl Founder {
    /// A key and a port for a practice.
    pub(super) async fn new(practice: Practice) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.context("no free port on the loopback address")?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        Ok(Self { practice, signer: PrivateKeySigner::random(), listener, endpoint })
    }

    /// What the network learns of it.
    pub(super) fn candidate(&self) -> Candidate {
        candidate(&self.signer, InstitutionRole::Provider, self.practice.name, &self.endpoint)
    }

    /// Opens the gatekeeper in `folder` and lets it serve.
    pub(super) async fn open(
        self,
        folder: &Path,
        place: &Place,
        network: &Network,
        node: &str,
    ) -> anyhow::Result<Provider> {
        let Self { practice, signer, listener, endpoint } = self;
        let provider = from_chain(signer.address());
        let as_of = calendar::today()?;
        let rewards = RewardsOptions::new(rho(CAP)?, rho(CENSUS_RHO)?);
        let records = location(&practice.store)?;
        let mut options = Options::new(
            folder.to_path_buf(),
            network,
            [node],
            (signer.address(), signer.clone()),
            records,
            as_of,
            rewards,
        )?;
        options.sender = quick();
        options.poll_interval = Duration::from_millis(300);
        let gatekeeper = tokio::task::spawn_blocking(move || Gatekeeper::open(options)).await??;
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(gatekeeper.serve(listener, async {
            // The sender is dropped only when the demo ends.
            let _ = stopped.await;
        }));
        let gatekeeper = GatekeeperClient::new(
            &endpoint,
            network.contracts.chain_id,
            provider,
            GatekeeperOptions::default(),
        )?;
        let counter = Counter { place: place.clone(), gatekeeper, staff: signer };
        Ok(Provider { name: practice.name, patients: practice.patients, counter, stop, served })
    }
}

impl Provider {
    /// Stops the gatekeeper in order.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        // It may have ended by itself: then its own error is the answer.
        let _ = self.stop.send(());
        self.served.await.context("a gatekeeper's task ended")??;
        Ok(())
    }
}

/// An institution as it asks to be let in.
pub(super) fn candidate(
    signer: &PrivateKeySigner,
    role: InstitutionRole,
    name: &str,
    endpoint: &str,
) -> Candidate {
    Candidate {
        account: signer.address(),
        role,
        identity_commitment: keccak256(name),
        name: name.to_owned(),
        endpoint: endpoint.to_owned(),
        encryption_key: B256::ZERO,
    }
}

/// An outbox that looks often and is content with one confirmation: this chain has one node.
pub(super) fn quick() -> SenderOptions {
    SenderOptions { confirmations: 1, poll_interval: Duration::from_millis(250), ..SenderOptions::default() }
}

pub(super) fn rho(text: &str) -> anyhow::Result<Rho> {
    Ok(text.parse()?)
}

/// First day of the census: the last two whole years count.
pub(super) fn window(this_year: i32) -> anyhow::Result<(CalendarDate, CalendarDate)> {
    let january = |year| CalendarDate::from_year_month_day(year, 1, 1).context("a year beyond the calendar");
    Ok((january(this_year - 2)?, january(this_year)?))
}

fn location(store: &Store) -> anyhow::Result<Location> {
    Ok(match store {
        Store::Folder { path, format } => {
            let format = if *format == "fhir-ndjson" { Format::FhirNdjson } else { Format::SyntheaCsv };
            Location::Folder { path: path.clone(), format }
        }
        Store::Sqlite { database, mapping } => {
            let text = std::fs::read_to_string(mapping)
                .with_context(|| format!("cannot read {}", mapping.display()))?;
            let mapping = Box::new(SqlMapping::parse(&mapping.display().to_string(), &text)?);
            let url = DatabaseUrl::parse(&format!("sqlite:{}", database.display()))?;
            Location::Database { url, mapping }
        }
    })
}
