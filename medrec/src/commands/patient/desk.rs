//! A key at a provider's gatekeeper, from the arguments.

use std::time::Duration;

use medrec_domain::identifier::Address;
use medrec_wallet::desk::{Carried, Settle};
use medrec_wallet::keystore::AccountEntry;
use medrec_wallet::{Desk, GatekeeperOptions, Keystore};

use crate::args::DeskArguments;
use crate::commands::wallet::{answer, keystore, place};
use crate::shell::Shell;

/// Whose key acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    /// The account for this provider, or with `--for` the own account; it has to be there.
    Known,
    /// The account for this provider, made if there is none.
    Fresh,
    /// The own account, made if there is none.
    Own,
    /// The account for this provider if there is one, else the own account.
    Either,
}

/// Keystore, desk and account together.
pub(super) struct Opened {
    pub(super) keystore: Keystore,
    pub(super) desk: Desk,
    pub(super) entry: AccountEntry,
}

pub(super) async fn open(arguments: &DeskArguments, actor: Actor) -> anyhow::Result<Opened> {
    let mut keystore = keystore(&arguments.wallet.keys)?;
    let place = place(&arguments.wallet.chain)?;
    let provider = place.provider(&arguments.provider).await?.account;
    let gatekeeper = place.gatekeeper(provider, GatekeeperOptions::default()).await?;
    let entry = match actor {
        Actor::Own => keystore.ensure_account(None)?,
        Actor::Fresh => keystore.ensure_account(Some(provider))?,
        Actor::Known | Actor::Either if arguments.ward.is_some() => keystore.ensure_account(None)?,
        Actor::Either => match keystore.account_for(Some(provider)) {
            Some(entry) => *entry,
            None => keystore.ensure_account(None)?,
        },
        Actor::Known => *keystore
            .account_for(Some(provider))
            .ok_or_else(|| medrec_wallet::WalletError::NoAccount { whom: arguments.provider.clone() })?,
    };
    let patient: Address = arguments.ward.unwrap_or(entry.account);
    let desk = Desk {
        place,
        gatekeeper,
        signer: keystore.signer(entry.index)?,
        patient,
        settle: if arguments.confirmed { Settle::Confirmed } else { Settle::Included },
        patience: Duration::from_secs(arguments.patience),
    };
    Ok(Opened { keystore, desk, entry })
}

/// Prints what became of a carried act.
pub(super) fn tell(shell: &mut Shell, carried: &Carried) -> anyhow::Result<()> {
    use medrec_protocol::methods::acts::StateAnswer;
    let where_to = match &carried.state {
        StateAnswer::Included { block } => format!("in block {block}"),
        StateAnswer::Confirmed { block } => format!("confirmed in block {block}"),
        _ => "under way".to_owned(),
    };
    answer(shell, carried, &format!("{} {where_to}", carried.act))
}
