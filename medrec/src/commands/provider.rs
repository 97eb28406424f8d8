//! `medrec provider`: deploys, votes, declares, changes its key; asks its own gatekeeper to invite, link, propose, post and release.

mod desk;
mod rotation;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use alloy_primitives::U256;
use anyhow::Context as _;
use medrec_chain::{Act, Client, ClientOptions, Sender, SenderOptions};
use medrec_protocol::bridge::to_chain;
use medrec_wallet::consent::nano_rho;
use medrec_wallet::provider::{self, Candidate, InstitutionRole};
use medrec_wallet::{Account, account};

use super::keys;
use super::wallet::{answer, block_on, keystore, outbox_of, own_account, paying, place};
use crate::args::{CandidateArguments, InstitutionArgument, PayingArguments, ProviderCommand};
use crate::exit::Usage;
use crate::shell::Shell;

/// Longest wait for a node that is just starting.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn run(command: ProviderCommand, shell: &mut Shell) -> anyhow::Result<()> {
    match command {
        ProviderCommand::Keys(command) => keys::run(&command, shell),
        ProviderCommand::Candidate(arguments) => candidate(&arguments, InstitutionArgument::Provider, shell),
        ProviderCommand::Deploy { .. } => deploy(command, shell),
        ProviderCommand::Admit { paying: arguments, candidate } => {
            let candidate = Candidate::read(&candidate)?;
            let account = paying(&arguments)?;
            let outcome = block_on(async { Ok(provider::admit(&account, &candidate).await?) })?;
            let words = if outcome.role == "none" {
                format!("voted in block {}; {} is not admitted yet", outcome.done.block, candidate.name)
            } else {
                format!("{} is a {} since block {}", candidate.name, outcome.role, outcome.done.block)
            };
            answer(shell, &outcome, &words)
        }
        ProviderCommand::Remove { paying: arguments, account: whom } => {
            let account = paying(&arguments)?;
            let outcome = block_on(async { Ok(provider::remove(&account, whom).await?) })?;
            let words = format!("voted in block {}; {whom} is now: {}", outcome.done.block, outcome.role);
            answer(shell, &outcome, &words)
        }
        ProviderCommand::SetEndpoint { paying: arguments, endpoint } => {
            pay(&arguments, shell, async |account| provider::set_endpoint(account, endpoint).await)
        }
        ProviderCommand::DeclareCap { paying: arguments, cap } => {
            let cap = nano_rho(&cap)?;
            pay(&arguments, shell, async |account| provider::declare_cap(account, cap).await)
        }
        ProviderCommand::Pay { paying: arguments, to, ether } => {
            let wei = U256::from(ether) * U256::from(10).pow(U256::from(18));
            pay(&arguments, shell, async |account| account.send(Act::transfer(to, wei), None).await)
        }
        ProviderCommand::RotateKey(arguments) => rotation::run(&arguments, shell),
        ProviderCommand::List(chain) => {
            let place = place(&chain)?;
            let providers = block_on(async { Ok(place.providers().await?) })?;
            let line = |found: &medrec_wallet::network::Institution| {
                format!("{}  {}  {}", found.account, found.endpoint, found.name)
            };
            answer(shell, &providers, &providers.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        ProviderCommand::Budget { chain, provider: name } => {
            let place = place(&chain)?;
            let budget = block_on(async {
                let found = place.provider(&name).await?;
                Ok(provider::budget(&place, found.account).await?)
            })?;
            let words = format!(
                "cap {} billionths of rho, spent {}, {} epochs",
                budget.cap_nano_rho, budget.spent_nano_rho, budget.epochs
            );
            answer(shell, &budget, &words)
        }
        asked => desk::run(asked, shell),
    }
}

/// One act that the own account pays for.
fn pay(
    arguments: &PayingArguments,
    shell: &mut Shell,
    act: impl AsyncFnOnce(&Account) -> Result<account::Done, medrec_wallet::WalletError>,
) -> anyhow::Result<()> {
    let account = paying(arguments)?;
    let done = block_on(async { Ok(act(&account).await?) })?;
    let words = format!("{} in block {}", done.act, done.block);
    answer(shell, &done, &words)
}

/// The public statement of who asks to be let in.
pub(super) fn candidate(
    arguments: &CandidateArguments,
    role: InstitutionArgument,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let mut keystore = keystore(&arguments.keys)?;
    let entry = own_account(&mut keystore)?;
    let candidate = Candidate {
        account: to_chain(entry.account),
        role: match role {
            InstitutionArgument::Provider => InstitutionRole::Provider,
            InstitutionArgument::Researcher => InstitutionRole::Researcher,
        },
        identity_commitment: alloy_primitives::B256::ZERO,
        name: arguments.name.clone(),
        endpoint: arguments.endpoint.clone(),
        encryption_key: alloy_primitives::B256::ZERO,
    };
    if let Some(path) = &arguments.out {
        let text = serde_json::to_string_pretty(&candidate)? + "\n";
        write_new(path, &text)?;
        return answer(shell, &candidate, &format!("{} as {}", entry.account, path.display()));
    }
    shell.json(&candidate)
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

fn deploy(command: ProviderCommand, shell: &mut Shell) -> anyhow::Result<()> {
    let ProviderCommand::Deploy { keys, nodes, chain_id, founders, out, confirmations } = command else {
        return Err(Usage("not a deployment".to_owned()).into());
    };
    let founders = founders.iter().map(|path| Candidate::read(path)).collect::<Result<Vec<_>, _>>()?;
    let mut keystore = keystore(&keys)?;
    let entry = own_account(&mut keystore)?;
    let client = Client::new(ClientOptions::new(nodes, chain_id))?;
    let options = SenderOptions { confirmations, ..SenderOptions::default() };
    let outbox = outbox_of(&keystore, &entry, chain_id)?;
    let signer = std::sync::Arc::new(keystore.signer(entry.index)?);
    let sender = Sender::open(client.clone(), signer, &outbox, options)?;
    let network = block_on(async {
        // A new chain is usable from its first block on.
        client.wait_until_ready(PATIENCE).await?;
        Ok(provider::deploy(&sender, &founders, &out).await?)
    })?;
    answer(shell, &network, &format!("the network is described in {}", out.display()))
}
