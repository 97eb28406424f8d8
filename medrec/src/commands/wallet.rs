//! What the wallets' commands share: opening keystore and network, running, printing.

use std::path::PathBuf;

use medrec_chain::Network;
use medrec_domain::identifier::Address;
use medrec_protocol::bridge::to_chain;
use medrec_wallet::keystore::AccountEntry;
use medrec_wallet::{Account, GatekeeperClient, GatekeeperOptions, Keystore, Place};
use serde::Serialize;

use crate::args::{KeystoreArguments, NetworkArguments, PayingArguments};
use crate::exit::Interrupted;
use crate::interrupt;
use crate::password::password;
use crate::shell::Shell;

/// Runs asynchronous work until it ends or a signal comes.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    interrupt::flag()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = work => result,
            () = interrupt::requested() => {
                Err(Interrupted("interrupted; what was handed over before goes on without this command".to_owned()).into())
            }
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}

/// Opens the keystore.
pub(super) fn keystore(arguments: &KeystoreArguments) -> anyhow::Result<Keystore> {
    let password = password(arguments.password_file.as_deref())?;
    Ok(Keystore::open(&arguments.keystore, &password)?)
}

/// The network, with nobody asked yet.
pub(super) fn place(arguments: &NetworkArguments) -> anyhow::Result<Place> {
    let network = Network::read(&arguments.network)?;
    Ok(Place::new(&network, arguments.nodes.iter().cloned())?)
}

/// The keystore's own account, made if there is none.
pub(super) fn own_account(keystore: &mut Keystore) -> anyhow::Result<AccountEntry> {
    Ok(keystore.ensure_account(None)?)
}

/// Where the outbox of an account's key lies: beside its keystore. An outbox belongs to one key; the first one's has no other name.
pub(super) fn outbox_of(keystore: &Keystore, entry: &AccountEntry, chain_id: u64) -> anyhow::Result<PathBuf> {
    let key = keystore.signer(entry.index)?.address();
    let mut name = keystore.path().file_name().unwrap_or_default().to_os_string();
    if key == to_chain(entry.account) {
        name.push(format!(".{chain_id}.outbox.redb"));
    } else {
        name.push(format!(".{chain_id}.{}.outbox.redb", key.to_string().to_lowercase()));
    }
    Ok(keystore.path().with_file_name(name))
}

/// The keystore's own account as one that pays.
pub(super) fn paying(arguments: &PayingArguments) -> anyhow::Result<Account> {
    let mut keystore = keystore(&arguments.wallet.keys)?;
    let place = place(&arguments.wallet.chain)?;
    let entry = own_account(&mut keystore)?;
    account_of(&keystore, &entry, place, arguments.confirmations)
}

/// An account of a keystore as one that pays.
pub(super) fn account_of(
    keystore: &Keystore,
    entry: &AccountEntry,
    place: Place,
    confirmations: u64,
) -> anyhow::Result<Account> {
    let outbox = outbox_of(keystore, entry, place.contracts.chain_id)?;
    Ok(Account::open(place, keystore.signer(entry.index)?, &outbox, confirmations)?)
}

/// The index of the key that takes over: the one of an earlier command that was cut off, or a new one, on disk before anything is sent.
pub(super) async fn next_index(
    keystore: &mut Keystore,
    place: &Place,
    entry: &AccountEntry,
) -> anyhow::Result<u32> {
    if let Some(index) = keystore.set_aside() {
        let key = keystore.signer(index)?.address();
        let view = place.view().await?;
        let account = place.contracts.at(&view).account_of(key).await?;
        if account.is_none_or(|account| account == to_chain(entry.account)) {
            return Ok(index);
        }
    }
    Ok(keystore.reserve_index()?)
}

/// The gatekeeper of a provider.
pub(super) async fn gatekeeper(place: &Place, provider: Address) -> anyhow::Result<GatekeeperClient> {
    Ok(place.gatekeeper(provider, GatekeeperOptions::default()).await?)
}

/// Prints a result: as JSON, or in words.
pub(super) fn answer(shell: &mut Shell, value: &impl Serialize, words: &str) -> anyhow::Result<()> {
    if shell.wants_json() { shell.json(value) } else { shell.result(&format!("{words}\n")) }
}
