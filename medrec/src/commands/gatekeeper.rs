//! `medrec gatekeeper`: a provider's service as a process. Configuration becomes a plan, the port is taken, keystore, state and
//! records are opened, stdout is told that it is ready, and it serves until a signal comes.

mod config;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use medrec_chain::Network;
use medrec_domain::CalendarDate;
use medrec_domain::identifier::Address;
use medrec_gatekeeper::rewards::RewardsOptions;
use medrec_gatekeeper::{Gatekeeper, Options};
use medrec_protocol::bridge::{from_chain, to_chain};
use medrec_wallet::Keystore;
use serde::Serialize;
use tokio::net::TcpListener;

use self::config::Config;
use crate::args::GatekeeperArguments;
use crate::exit::Usage;
use crate::interrupt;
use crate::open_files;
use crate::password;
use crate::shell::Shell;

/// A day in seconds.
const DAY_S: u64 = 86_400;

/// That it is ready, as `--json` prints it on one line.
#[derive(Serialize)]
struct Ready<'a> {
    url: String,
    provider: Address,
    chain_id: u64,
    state: &'a Path,
}

pub(super) fn run(arguments: &GatekeeperArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let mut config = Config::read(&arguments.config)?;
    if let Some(listen) = arguments.listen {
        config.listen = listen;
    }
    let options = options(&config, arguments, shell)?;
    interrupt::flag()?;
    open_files::allow_many();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(serve(config, options, arguments.check, shell));
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Everything that can be wrong before anything is opened.
fn options(config: &Config, arguments: &GatekeeperArguments, shell: &mut Shell) -> anyhow::Result<Options> {
    let network = Network::read(&config.network)?;
    let password_file = arguments.password_file.as_deref().or(config.password_file.as_deref());
    let password = password::password(password_file)?;
    let keystore = Keystore::open(&config.keystore, &password)?;
    let own = keystore.account_for(None).ok_or_else(|| {
        Usage(format!(
            "{}: has no account of its own\n\nhint: `medrec provider keys create` makes a provider's keystore",
            config.keystore.display()
        ))
    })?;
    let signer = keystore.signer(own.index)?;
    let provider = config.account.unwrap_or_else(|| to_chain(own.account));
    let mut rewards = RewardsOptions::new(config.privacy.cap.clone(), config.privacy.census_rho.clone());
    rewards.bounty_until = config.privacy.bounty_until;
    rewards.memory_bytes = config.privacy.memory_mib.max(1) << 20;
    let records = config.records.location()?;
    let nodes = config.nodes.iter().cloned();
    let mut options =
        Options::new(config.state.clone(), &network, nodes, (provider, signer), records, today()?, rewards)?;
    // Keys of this keystore that spoke for the account before sign for blocks of their time.
    let earlier = (0..own.index).map(|index| keystore.signer(index));
    options.earlier_keys = earlier.collect::<Result<_, _>>()?;
    options.origins.clone_from(&config.allow_origins);
    options.trusted_proxies.clone_from(&config.trusted_proxies);
    config.rates.apply(&mut options.limits);
    config.connections.apply(&mut options.limits);
    options.log = shell.warner();
    Ok(options)
}

/// The day that ages refer to.
fn today() -> anyhow::Result<CalendarDate> {
    let seconds =
        SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs();
    CalendarDate::from_days(i32::try_from(seconds / DAY_S)?).context("the clock stands beyond the calendar")
}

async fn serve(config: Config, options: Options, only_check: bool, shell: &mut Shell) -> anyhow::Result<()> {
    let (provider, chain_id) = (from_chain(options.provider), options.contracts.chain_id);
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        anyhow::anyhow!("cannot listen on {}: {error}\n\nhint: --listen takes another address", config.listen)
    })?;
    let address: SocketAddr = listener.local_addr().context("the listener has no address")?;
    if !address.ip().is_loopback() {
        shell.warning(&format!(
            "{address} is reachable from outside, and requests travel in the clear: put TLS in front of it"
        ));
    }
    shell.status("opening state and records");
    // Indexing records blocks for as long as they are large.
    let gatekeeper = tokio::task::spawn_blocking(move || Gatekeeper::open(options)).await??;
    let ready = Ready { url: format!("http://{address}"), provider, chain_id, state: &config.state };
    if shell.wants_json() {
        shell.json_line(&ready)?;
    } else {
        let Ready { url, provider, chain_id, state } = &ready;
        shell.result(&format!(
            "{url}: gatekeeper of {provider} on chain {chain_id}, state in {}\n",
            state.display()
        ))?;
    }
    if only_check {
        return Ok(());
    }
    gatekeeper.serve(listener, interrupt::requested()).await?;
    shell.status("stopped; everything acknowledged is on disk");
    Ok(())
}
