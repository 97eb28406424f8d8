//! `medrec claim BLOCK`: what one block earned, collected now.

use medrec_wallet::collector::ClaimState;

use super::collecting::{collector, line};
use super::wallet::{answer, block_on};
use crate::args::ClaimArguments;
use crate::exit::Refused;
use crate::shell::Shell;

pub(super) fn run(arguments: &ClaimArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let mut collector = collector(&arguments.collect, shell)?;
    let claims = block_on(async { Ok(collector.claim_block(arguments.block).await?) })?;
    let words = if claims.is_empty() {
        format!(
            "block {} earned nothing: no release was old enough, and it carried no bounty",
            arguments.block
        )
    } else {
        claims.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    answer(shell, &claims, &words)?;
    let open = claims.iter().filter(|claim| matches!(claim.state, ClaimState::Waiting | ClaimState::Refused));
    match open.count() {
        0 => Ok(()),
        count => Err(Refused(format!(
            "{count} of {} rewards are not collected\n\nhint: the same command again tries again; `medrec researcher collect` goes on trying",
            claims.len()
        ))
        .into()),
    }
}
