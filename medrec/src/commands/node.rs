//! `medrec node`: the embedded chain as a process, and its block files.
//!
//! Here are the wiring and the order of things: arguments become a plan, the port is taken, the chain opened,
//! stdout told that it is ready, and then it is served until a signal comes. What a node does is the room
//! `node/`.

mod blocks;
mod choice;
mod follow;
mod ready;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use alloy_primitives::Address;
use anyhow::Context as _;
use medrec_node::node::LightSealing;
use medrec_node::{Node, NodeOptions};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::args::{NodeArguments, NodeCommand, NodeRunArguments};
use crate::exit::Usage;
use crate::interrupt;
use crate::open_files;
use crate::shell::Shell;
use choice::{ChainChoice, Folder};

/// Connections that are still busy this long after the signal are cut.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

pub(super) fn run(arguments: NodeArguments, shell: &mut Shell) -> anyhow::Result<()> {
    match arguments.command {
        None => Plan::new(arguments.run)?.run(shell),
        Some(NodeCommand::Export(arguments)) => blocks::export(&arguments, shell),
        Some(NodeCommand::Import(arguments)) => blocks::import(&arguments, shell),
    }
}

/// Everything that is decided before anything starts.
struct Plan {
    chain: ChainChoice,
    coinbase: Address,
    sealing: Option<LightSealing>,
    arguments: NodeRunArguments,
}

impl Plan {
    fn new(arguments: NodeRunArguments) -> anyhow::Result<Self> {
        let chain = ChainChoice::new(&arguments.chain)?;
        let coinbase = arguments.coinbase.or(chain.accounts.first().copied()).ok_or_else(|| {
            Usage(
                "nobody to pay for blocks\n\nhint: --coinbase 0x… names who is paid; --dev pays its first account"
                    .to_owned(),
            )
        })?;
        let threads = usize::from(arguments.threads.unwrap_or(1));
        let period = Some(Duration::from_secs(arguments.period.unwrap_or(1).into()));
        let sealing = LightSealing { threads, period: period.filter(|period| !period.is_zero()) };
        let sealing = (arguments.chain.dev && threads > 0).then_some(sealing);
        Ok(Self { chain, coinbase, sealing, arguments })
    }

    fn run(self, shell: &mut Shell) -> anyhow::Result<()> {
        // From here on a signal ends the node in order.
        interrupt::flag()?;
        open_files::allow_many();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let result = runtime.block_on(self.serve(shell));
        // What has to be on disk is there; a call that still computes for a client is not waited for.
        runtime.shutdown_timeout(Duration::from_secs(1));
        result
    }

    async fn serve(self, shell: &mut Shell) -> anyhow::Result<()> {
        let listener = listen(&self.arguments.http_host, self.arguments.http_port).await?;
        let address = listener.local_addr().context("the listener has no address")?;
        let temporary = match &self.chain.folder {
            Folder::Kept(_) => None,
            Folder::Temporary => {
                Some(TempDir::with_prefix("medrec-node-").context("no temporary folder for the chain")?)
            }
        };
        let datadir = match (&self.chain.folder, &temporary) {
            (Folder::Kept(path), _) => path.clone(),
            (Folder::Temporary, folder) => {
                folder.as_ref().map_or_else(PathBuf::new, |folder| folder.path().to_owned())
            }
        };
        let options = self.options(datadir.clone(), shell);
        let node = Node::open(options)?;
        self.chain.remember(&datadir)?;
        self.warn(address, shell);
        let facts = ready::Facts {
            chain: &self.chain,
            coinbase: self.coinbase,
            sealing: self.sealing,
            address,
            datadir: &datadir,
        };
        ready::tell(&facts, &node, shell)?;
        serve_until_told(node, listener, shell).await?;
        if let Some(folder) = temporary {
            let path = folder.path().display().to_string();
            folder.close().with_context(|| format!("cannot delete {path}"))?;
            shell.status(&format!("deleted the temporary folder {path}"));
        }
        Ok(())
    }

    fn options(&self, datadir: PathBuf, shell: &Shell) -> NodeOptions {
        let most = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let mut options = NodeOptions::new(self.chain.spec.clone(), datadir);
        options.limits.connections.most = most(self.arguments.max_connections);
        options.limits.connections.per_client = most(self.arguments.max_connections_per_client);
        options.backend.coinbase = Some(self.coinbase);
        options.sealing = self.sealing;
        options.notify.clone_from(&self.arguments.notify);
        options.access.origins.clone_from(&self.arguments.allow_origin);
        options.access.hosts.clone_from(&self.arguments.allow_host);
        options.warn = shell.warner();
        options
    }

    /// Says what an operator may not be aware of.
    fn warn(&self, address: SocketAddr, shell: &mut Shell) {
        if self.chain.mnemonic.is_some() {
            shell.warning("the mnemonic is public: whoever sees this chain can spend what its accounts own");
        }
        if !address.ip().is_loopback() {
            shell.warning(&format!(
                "{address} can be reached from other machines, and a node asks for no password\n\n\
                 hint: leave --http-host at 127.0.0.1, or keep strangers out with a firewall"
            ));
        }
    }
}

async fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrInUse => {
                "\n\nhint: another node may be running; --http-port 0 takes any free port"
            }
            ErrorKind::AddrNotAvailable => "\n\nhint: --http-host takes an address of this machine",
            ErrorKind::PermissionDenied => "\n\nhint: ports below 1024 need special rights",
            _ => "",
        };
        anyhow::anyhow!("cannot listen on {host}:{port}: {error}{hint}")
    })
}

/// Serves until the first signal, and then for as long as requests in progress need, up to the deadline.
async fn serve_until_told(node: Node, listener: TcpListener, shell: &mut Shell) -> anyhow::Result<()> {
    let mut follower = follow::Follower::new(node.backend());
    let serving = node.serve(listener, interrupt::requested());
    let deadline = async {
        interrupt::requested().await;
        tokio::time::sleep(STOP_DEADLINE).await;
    };
    tokio::pin!(serving, deadline);
    loop {
        tokio::select! {
            served = &mut serving => {
                served?;
                shell.status("stopped; everything acknowledged is on disk");
                return Ok(());
            }
            () = &mut deadline => {
                shell.warning("clients were still busy after 10 s and were cut; everything acknowledged is on disk");
                return Ok(());
            }
            // A follower that fails says so once; the chain goes on without it.
            () = follower.next(shell) => {}
        }
    }
}
