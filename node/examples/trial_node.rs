//! A node with a few options, for the tests that need a real process and for trials by hand.
//!
//! `trial_node DATADIR PORT [--seal] [--minimum N] [--notify URL]`: a development chain, or with
//! `--minimum` the real difficulty rule with that minimum. `--seal` lets the node seal blocks by
//! itself, one a second at least. The line `listening on ADDRESS` on standard output means that it answers. It ends when
//! its standard input does.

use medrec_node::node::LightSealing;
use medrec_node::spec::{DEV_ACCOUNTS, DEV_MNEMONIC, genesis::mnemonic_addresses};
use medrec_node::{ChainSpec, DifficultyRule, Node, NodeOptions};
use std::error::Error;
use std::io::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let datadir = arguments.next().ok_or("usage: trial_node DATADIR PORT [options]")?;
    let port: u16 = arguments.next().ok_or("missing PORT")?.parse()?;
    let mut spec = ChainSpec::dev(DEV_MNEMONIC, DEV_ACCOUNTS)?;
    let (mut sealing, mut notify) = (None, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seal" => {
                let period = Some(std::time::Duration::from_secs(1));
                sealing = Some(LightSealing { threads: 2, period });
            }
            "--minimum" => {
                let minimum = arguments.next().ok_or("missing N")?.parse()?;
                spec.difficulty = DifficultyRule::Ethash { minimum };
            }
            "--notify" => notify.push(arguments.next().ok_or("missing URL")?),
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let mut options = NodeOptions::new(spec, datadir.into());
    options.backend.coinbase = mnemonic_addresses(DEV_MNEMONIC, 1)?.into_iter().next();
    options.sealing = sealing;
    options.notify = notify;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let node = Node::open(options)?;
        writeln!(std::io::stdout(), "listening on {address}")?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = stop.send(());
        });
        node.serve(listener, async {
            let _ = stopped.await;
        })
        .await?;
        Ok(())
    })
}
