//! `medrec researcher`: admission, collecting, statements about bounties.

use medrec_protocol::bridge::to_word;
use medrec_wallet::WalletError;
use medrec_wallet::collector::{ClaimState, Reward};
use medrec_wallet::researcher::{self, Statement, bounty_of};

use super::collecting::{collector, line};
use super::wallet::{answer, block_on, paying};
use super::{keys, provider};
use crate::args::{CollectArguments, InstitutionArgument, ResearcherCommand, StatementArgument};
use crate::exit::{Interrupted, Usage};
use crate::shell::Shell;

pub(super) fn run(command: ResearcherCommand, shell: &mut Shell) -> anyhow::Result<()> {
    match command {
        ResearcherCommand::Keys(command) => keys::run(&command, shell),
        ResearcherCommand::Candidate(arguments) => {
            provider::candidate(&arguments, InstitutionArgument::Researcher, shell)
        }
        ResearcherCommand::Collect(arguments) => {
            let mut collector = collector(&arguments, shell)?;
            let outcome = block_on(async { Ok(collector.run(std::future::pending()).await?) });
            match outcome {
                // It runs until it is told to stop.
                Err(error) if error.is::<Interrupted>() => {}
                other => other?,
            }
            let claims = collector.claims()?;
            answer(shell, &claims, &format!("{} rewards known", claims.len()))
        }
        ResearcherCommand::Rewards(arguments) => {
            let claims = collector(&arguments, shell)?.claims()?;
            answer(shell, &claims, &claims.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        ResearcherCommand::State { .. } => state(command, shell),
    }
}

fn state(command: ResearcherCommand, shell: &mut Shell) -> anyhow::Result<()> {
    let ResearcherCommand::State { statement, bounty, collect, paying: arguments } = command else {
        return Err(Usage("not a statement".to_owned()).into());
    };
    let folder =
        CollectArguments { wallet: arguments.wallet.clone(), collect, from_block: 1, declare: false };
    // Closed before the account's own outbox is opened.
    let claims = collector(&folder, shell)?.claims()?;
    let found = claims.into_iter().find_map(|claim| match claim.reward {
        Reward::Bounty { posting } if bounty_of(&posting) == bounty => Some((posting, claim.state)),
        _ => None,
    });
    let (posting, state) =
        found.ok_or_else(|| WalletError::Unknown(format!("the collector knows no bounty {bounty}")))?;
    let statement = match (statement, state) {
        (StatementArgument::Claim, _) => Statement::Claim,
        (StatementArgument::NonDelivery, _) => Statement::NonDelivery,
        (
            StatementArgument::Receipt,
            ClaimState::Stored { manifest, .. } | ClaimState::Done { manifest, .. },
        ) => Statement::Receipt(to_word(manifest)),
        (StatementArgument::Receipt, _) => {
            return Err(WalletError::Unknown("its bundle is not on disk".to_owned()).into());
        }
    };
    let account = paying(&arguments)?;
    let done = block_on(async { Ok(researcher::state(&account, &posting, statement).await?) })?;
    answer(shell, &done, &format!("{} in block {}", done.act, done.block))
}
