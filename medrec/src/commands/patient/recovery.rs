//! A lost key: guardians are named, a new key is begun, supported, put in place; or the present key stops it.

use medrec_domain::identifier::Address;
use medrec_protocol::bridge::from_chain;
use medrec_wallet::WalletError;
use medrec_wallet::keystore::AccountEntry;
use medrec_wallet::recovery::{Recovery, RecoveryStage};
use serde::Serialize;

use super::desk::{Actor, Opened, open, tell};
use crate::args::{DeskArguments, RecoveryCommand};
use crate::commands::wallet::{answer, block_on, keystore, place};
use crate::exit::Usage;
use crate::shell::Shell;

pub(super) fn run(command: RecoveryCommand, shell: &mut Shell) -> anyhow::Result<()> {
    match command {
        RecoveryCommand::Guardians { desk, guardians, threshold, .. } => {
            let threshold = threshold.unwrap_or(0);
            let carried = block_on(async {
                let opened = open(&desk, Actor::Known).await?;
                Ok(opened.desk.name_guardians(&guardians, threshold).await?)
            })?;
            tell(shell, &carried)
        }
        RecoveryCommand::Begin { desk, account } => begin(&desk, account, shell),
        RecoveryCommand::Support { desk, key } => {
            ward(&desk)?;
            let carried =
                block_on(async { Ok(open(&desk, Actor::Own).await?.desk.support_recovery(key).await?) })?;
            tell(shell, &carried)
        }
        RecoveryCommand::Status { desk, key } => status(&desk, key, shell),
        RecoveryCommand::Finish(desk) => {
            let carried = block_on(async { Ok(mine(&desk).await?.desk.finish_recovery().await?) })?;
            shell.status(
                "everything that was granted with the lost key is void, and no second party has to agree any more; \
                 grant again what shall hold",
            );
            tell(shell, &carried)
        }
        RecoveryCommand::Cancel(desk) => {
            let carried = block_on(async { Ok(mine(&desk).await?.desk.cancel_recovery().await?) })?;
            tell(shell, &carried)
        }
    }
}

/// The patient whose office the command is about.
pub(super) fn ward(arguments: &DeskArguments) -> anyhow::Result<Address> {
    arguments.ward.ok_or_else(|| {
        Usage("whose account is it about?\n\nhint: --for ACCOUNT names the patient's account".to_owned())
            .into()
    })
}

/// The keystore's own account at the provider: nobody finishes or stops a recovery for another.
async fn mine(arguments: &DeskArguments) -> anyhow::Result<Opened> {
    if arguments.ward.is_some() {
        let problem = "only the account's own key does this; --for has no place here";
        return Err(Usage(problem.to_owned()).into());
    }
    open(arguments, Actor::Known).await
}

/// What guardians have to be told.
#[derive(Serialize)]
struct Begun {
    account: Address,
    key: Address,
    index: u32,
    provider: Address,
}

/// Sets a fresh key aside for the account, on disk, before anybody hears of it. The same again tells the same key.
fn begin(arguments: &DeskArguments, account: Address, shell: &mut Shell) -> anyhow::Result<()> {
    if arguments.ward.is_some() {
        let problem = "the account to recover is named without --for";
        return Err(Usage(problem.to_owned()).into());
    }
    let mut keystore = keystore(&arguments.wallet.keys)?;
    let place = place(&arguments.wallet.chain)?;
    let (provider, present) = block_on(async {
        let provider = place.provider(&arguments.provider).await?.account;
        Ok((provider, place.key_of(account).await?))
    })?;
    let entry = match keystore.account_for(Some(provider)) {
        Some(known) if known.account == account => *known,
        Some(other) => {
            return Err(WalletError::Keystore {
                path: keystore.path().to_path_buf(),
                problem: format!("it has the account {} for this provider already", other.account),
                hint: "recover with a keystore of its own: `medrec patient keys create --keystore FILE`",
            }
            .into());
        }
        None => {
            let index = keystore.reserve_index()?;
            keystore.adopt(AccountEntry { index, account, provider: Some(provider) })?
        }
    };
    let key = from_chain(keystore.signer(entry.index)?.address());
    if from_chain(present) == key {
        return Err(Usage(format!("this keystore's key speaks for {account} already")).into());
    }
    answer(shell, &Begun { account, key, index: entry.index, provider }, &key.to_string())
}

fn status(arguments: &DeskArguments, key: Option<Address>, shell: &mut Shell) -> anyhow::Result<()> {
    if arguments.ward.is_some() && key.is_none() {
        let problem = "which key shall speak for it?\n\nhint: name the new key's address";
        return Err(Usage(problem.to_owned()).into());
    }
    let recovery = block_on(async {
        if let (Some(account), Some(key)) = (arguments.ward, key) {
            return Ok(place(&arguments.wallet.chain)?.recovery(account, key).await?);
        }
        let opened = open(arguments, Actor::Known).await?;
        let key = key.unwrap_or_else(|| from_chain(opened.desk.signer.address()));
        Ok(opened.desk.place.recovery(opened.desk.patient, key).await?)
    })?;
    answer(shell, &recovery, &words(&recovery))
}

fn words(recovery: &Recovery) -> String {
    match recovery.stage {
        RecoveryStage::Done => format!("{} speaks for {}", recovery.key, recovery.account),
        RecoveryStage::Ready => "it can be finished now: `medrec patient recovery finish`".to_owned(),
        _ => recovery.obstacle().unwrap_or_default(),
    }
}
