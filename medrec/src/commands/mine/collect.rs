//! Collecting while mining: what own blocks earn comes home beside the search.
//!
//! The miner knows no rewards and the collector no miner: it works from the chain, with the keystore's own account as the
//! coinbase that both mean.

use alloy_primitives::Address;
use medrec_chain::Network;
use medrec_wallet::{Collector, CollectorOptions, Place, WalletError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::args::MineArguments;
use crate::commands::collecting::words;
use crate::commands::wallet::{keystore, own_account};
use crate::exit::Usage;
use crate::shell::Shell;

/// A collector that is ready to start.
pub(super) struct Collecting {
    /// Whom blocks have to pay.
    pub(super) coinbase: Address,
    collector: Collector,
}

/// A collector at work.
pub(super) struct Running {
    stop: oneshot::Sender<()>,
    work: JoinHandle<Result<(), WalletError>>,
}

impl Collecting {
    /// From the arguments; `None` without `--collect`.
    pub(super) fn plan(arguments: &MineArguments, shell: &Shell) -> anyhow::Result<Option<Self>> {
        let Some(folder) = &arguments.collect else { return Ok(None) };
        let network = Network::read(&arguments.network)?;
        let mut keystore = keystore(&arguments.keys)?;
        let entry = own_account(&mut keystore)?;
        let signer = keystore.signer(entry.index)?;
        let coinbase = signer.address();
        if arguments.coinbase.is_some_and(|other| other != coinbase) {
            let problem = format!("--coinbase is another account than the keystore's own, {coinbase}");
            return Err(Usage(
                problem + "\n\nhint: who mined a block has to sign for it; leave --coinbase out",
            )
            .into());
        }
        let place = Place::new(&network, arguments.nodes.iter().cloned())?;
        let mut options = CollectorOptions::new(folder.clone(), vec![signer]);
        let tell = shell.teller();
        options.listener = std::sync::Arc::new(move |happening| tell(&words(happening)));
        Ok(Some(Self { coinbase, collector: Collector::open(place, options)? }))
    }

    /// Starts it.
    pub(super) fn start(mut self) -> Running {
        let (stop, stopped) = oneshot::channel::<()>();
        let work = tokio::spawn(async move {
            let stopped = async {
                // A sender that is gone means the same.
                let _ = stopped.await;
            };
            self.collector.run(stopped).await
        });
        Running { stop, work }
    }
}

impl Running {
    /// Stops it between two steps; what is not collected yet is known and goes on later.
    pub(super) async fn stop(self, shell: &mut Shell) -> anyhow::Result<()> {
        // Whoever has ended already does not listen.
        let _ = self.stop.send(());
        self.work.await??;
        shell.status(
            "what is not collected yet is collected by the next run, or by `medrec researcher collect`",
        );
        Ok(())
    }
}
