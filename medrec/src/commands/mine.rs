//! `medrec mine`: wires arguments, the miner, signals and the terminal.
//!
//! What mining is, the room `miner/` knows. Here are the plan, the order of things and the exit code.

mod collect;
mod live;
mod summary;

use std::time::Duration;

use medrec_miner::{DatasetPolicy, Miner, MinerHandle, MinerOptions, Schedule};

use crate::args::{DatasetArgument, MineArguments, ScheduleArgument};
use crate::cache_folder::cache_folder;
use crate::commands::equipment;
use crate::exit::{Interrupted, Untrusted};
use crate::interrupt;
use crate::shell::Shell;
use collect::Collecting;
use live::Live;
use summary::{End, Summary};

pub(super) fn run(arguments: &MineArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let mut options = plan(arguments)?;
    let collecting = Collecting::plan(arguments, shell)?;
    if let Some(collecting) = &collecting {
        options.coinbase = Some(collecting.coinbase);
    }
    // From here on a signal ends the miner in order.
    interrupt::flag()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let collecting = collecting.map(Collecting::start);
        let mined = mine(arguments, options, shell).await;
        match collecting {
            Some(collecting) => mined.and(collecting.stop(shell).await),
            None => mined,
        }
    });
    // Solutions were settled by now; a connection to a node is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Everything that is decided before anything starts.
fn plan(arguments: &MineArguments) -> anyhow::Result<MinerOptions> {
    let engine = equipment::engine(arguments.engine.as_deref())?;
    let chosen = equipment::named_devices(&arguments.devices)?;
    let mut options = MinerOptions::new(arguments.nodes.iter().cloned());
    // Whoever names devices means those, unless something about threads is said too.
    match arguments.threads {
        Some(threads) => options.threads = threads.into(),
        None if !chosen.is_empty() && arguments.engine.is_none() => options.threads = 0,
        None => {}
    }
    options.dataset = match arguments.dataset {
        DatasetArgument::Auto => DatasetPolicy::Auto,
        DatasetArgument::Never => DatasetPolicy::Never,
    };
    if options.dataset == DatasetPolicy::Auto {
        options.cache_folder = Some(cache_folder(arguments.cache_dir.as_deref())?);
    }
    options.schedule = match arguments.schedule {
        ScheduleArgument::Ethash => Schedule::Ethash,
        ScheduleArgument::Etchash => Schedule::Etchash,
    };
    options.engine = engine;
    options.devices = chosen;
    options.coinbase = arguments.coinbase;
    options.notify_listen = arguments.notify_listen;
    options.api = arguments.api;
    options.block_limit = arguments.blocks;
    Ok(options)
}

async fn mine(arguments: &MineArguments, options: MinerOptions, shell: &mut Shell) -> anyhow::Result<()> {
    let miner = Miner::start(options).await?;
    for (what, address) in [("notifications", miner.notify_address()), ("monitoring", miner.api_address())] {
        if let Some(address) = address {
            shell.status(&format!("{what} at http://{address}"));
            if !address.ip().is_loopback() {
                shell.warning(&format!("{address} can be reached from other machines, without a password"));
            }
        }
    }
    let end = follow(arguments, &miner, shell).await;
    let (statistics, blocks) = miner.stop_with_blocks().await;
    let summary = Summary { ended_by: end, statistics, blocks };
    summary.print(shell)?;
    outcome(arguments, &summary)
}

/// Tells what happens until there is a reason to end.
async fn follow(arguments: &MineArguments, miner: &MinerHandle, shell: &mut Shell) -> End {
    let mut live = Live::new(miner, shell);
    let time_is_up = async {
        match arguments.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    let (finished, interrupted) = (miner.finished(), interrupt::requested());
    tokio::pin!(time_is_up, finished, interrupted);
    let end = loop {
        tokio::select! {
            () = &mut finished => break End::Blocks,
            () = &mut interrupted => break End::Signal,
            () = &mut time_is_up => break End::Seconds,
            () = live.next(miner, shell) => {}
        }
    };
    live.rest(shell);
    end
}

fn outcome(arguments: &MineArguments, summary: &Summary) -> anyhow::Result<()> {
    if summary.statistics.solutions.wrong > 0 {
        return Err(Untrusted(format!(
            "{} answers of a device were wrong, and were not submitted\n\n\
             hint: faulty memory, or clocks and voltages beyond what the device can do",
            summary.statistics.solutions.wrong
        ))
        .into());
    }
    let has_goal = arguments.blocks.is_some() || arguments.seconds.is_some();
    if summary.ended_by == End::Signal && has_goal {
        return Err(Interrupted(
            "stopped before the goal was reached; accepted blocks stay accepted".to_owned(),
        )
        .into());
    }
    Ok(())
}
