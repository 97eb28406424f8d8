//! `medrec gatekeeper`: a provider's service as a process. Configuration becomes a plan, the port is taken, keystore, state and
//! records are opened, stdout is told that it is ready, and it serves until a signal comes.

mod bounds;
mod config;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use medrec_domain::CalendarDate;
use medrec_domain::identifier::Address;
use medrec_gatekeeper::rewards::RewardsOptions;
use medrec_gatekeeper::{Gatekeeper, Options};
use medrec_protocol::bridge::{from_chain, to_chain};
use medrec_wallet::Keystore;
use serde::Serialize;
use tokio::net::TcpListener;

use self::config::ConfigFile;
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
    let file = ConfigFile::read(&arguments.config)?;
    let options = options(&file, arguments, shell)?;
    let listen = arguments.listen.unwrap_or(file.config.listen);
    interrupt::flag()?;
    open_files::allow_many();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(serve(listen, options, arguments.check, shell));
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Everything that can be wrong before anything is opened.
fn options(file: &ConfigFile, arguments: &GatekeeperArguments, shell: &mut Shell) -> anyhow::Result<Options> {
    let (network, nodes) = file.network()?;
    let records = file.records()?;
    let password_file = arguments.password_file.clone().or_else(|| file.password_file());
    let password = password::password(password_file.as_deref())?;
    let keystore = Keystore::open(&file.keystore(), &password)?;
    let own = keystore.account_for(None).ok_or_else(|| {
        Usage(format!(
            "{}: has no account of its own\n\nhint: `medrec provider keys own` makes it",
            keystore.path().display()
        ))
    })?;
    let signer = keystore.signer(own.index)?;
    let privacy = &file.config.privacy;
    let provider = file.config.account.unwrap_or_else(|| to_chain(own.account));
    let (cap, census_rho) = (privacy.cap.get_ref().clone(), privacy.census_rho.get_ref().clone());
    let mut rewards = RewardsOptions::new(cap, census_rho);
    rewards.bounty_until = privacy.bounty_until;
    rewards.memory_bytes = privacy.memory_mib.max(1) << 20;
    let mut options =
        Options::new(file.state(), &network, nodes, (provider, signer), records, today()?, rewards)?;
    // Keys of this keystore that spoke for the account before sign for blocks of their time.
    let earlier = (0..own.index).map(|index| keystore.signer(index));
    options.earlier_keys = earlier.collect::<Result<_, _>>()?;
    options.origins.clone_from(&file.config.allow_origins);
    options.trusted_proxies.clone_from(&file.config.trusted_proxies);
    file.config.rates.apply(&mut options.limits);
    file.config.connections.apply(&mut options.limits);
    options.log = shell.warner();
    Ok(options)
}

/// The day that ages refer to.
fn today() -> anyhow::Result<CalendarDate> {
    let seconds =
        SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs();
    CalendarDate::from_days(i32::try_from(seconds / DAY_S)?).context("the clock stands beyond the calendar")
}

async fn serve(
    listen: SocketAddr,
    options: Options,
    only_check: bool,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let (provider, chain_id) = (from_chain(options.provider), options.contracts.chain_id);
    let state = options.folder.clone();
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        anyhow::anyhow!("cannot listen on {listen}: {error}\n\nhint: --listen takes another address")
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
    let ready = Ready { url: format!("http://{address}"), provider, chain_id, state: &state };
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
