//! `medrec … keys`: keystores made, restored, listed, sealed anew.

use std::fmt::Write as _;

use medrec_domain::identifier::Address;
use medrec_protocol::bridge::{from_chain, to_chain};
use medrec_wallet::keystore::AccountEntry;
use medrec_wallet::{Keystore, Place, Stretch, Words};
use serde::Serialize;

use super::wallet::{answer, block_on, keystore, own_account, place};
use crate::args::{KeysCommand, KeystoreArguments};
use crate::mnemonic_file::words_of;
use crate::password::{new_password, other_password};
use crate::shell::Shell;

/// Accounts in a row that nobody uses until the search ends.
const GAP: u32 = 20;

#[derive(Serialize)]
struct Created<'a> {
    keystore: &'a std::path::Path,
    /// The recovery words: shown here and never again.
    words: &'a str,
}

pub(super) fn run(command: &KeysCommand, shell: &mut Shell) -> anyhow::Result<()> {
    match command {
        KeysCommand::Create { keys, words } => create(keys, *words, shell),
        KeysCommand::Restore { keys, words_file, discover, chain } => {
            // The network is read before anything is made.
            let place = if *discover { Some(place(chain)?) } else { None };
            let words = Words::parse(&words_of(words_file)?)?;
            let password = new_password(keys.password_file.as_deref())?;
            let mut made = Keystore::create(&keys.keystore, &words, &password, Stretch::default())?;
            if let Some(place) = place {
                block_on(async { Ok(find(&mut made, &place).await?) })?;
            }
            shell.warning(&format!("{} still holds the words in the clear: delete it", words_file.display()));
            list(&made, shell)
        }
        KeysCommand::Accounts { keys } => list(&keystore(keys)?, shell),
        KeysCommand::Own { keys } => {
            let mut keystore = keystore(keys)?;
            let entry = own_account(&mut keystore)?;
            answer(shell, &entry, &entry.account.to_string())
        }
        KeysCommand::Password { keys, new_password_file } => {
            let mut keystore = keystore(keys)?;
            let password = other_password(new_password_file.as_deref())?;
            keystore.change_password(&password, Stretch::default())?;
            list(&keystore, shell)
        }
    }
}

fn create(keys: &KeystoreArguments, count: usize, shell: &mut Shell) -> anyhow::Result<()> {
    let words = Words::generate(count)?;
    let password = new_password(keys.password_file.as_deref())?;
    let keystore = Keystore::create(&keys.keystore, &words, &password, Stretch::default())?;
    let shown = format!(
        "made {}\n\nThese {count} words restore every key of it. Write them down; they are not shown again.\n\n    {}",
        keystore.path().display(),
        words.reveal()
    );
    answer(shell, &Created { keystore: keystore.path(), words: words.reveal() }, &shown)
}

fn list(keystore: &Keystore, shell: &mut Shell) -> anyhow::Result<()> {
    let mut text = format!("{} accounts in {}", keystore.accounts().len(), keystore.path().display());
    for entry in keystore.accounts() {
        let whom = entry.provider.map_or_else(|| "own".to_owned(), |provider| format!("at {provider}"));
        let _ = write!(text, "\n{:>4}  {}  {whom}", entry.index, entry.account);
    }
    answer(shell, &keystore.accounts(), &text)
}

/// Looks for accounts that the chain knows, and for which provider each is.
async fn find(keystore: &mut Keystore, place: &Place) -> Result<(), medrec_wallet::WalletError> {
    let view = place.view().await?;
    let reader = place.contracts.at(&view);
    let providers = reader.providers().await?;
    let (mut index, mut unused) = (0, 0);
    while unused < GAP {
        let key = keystore.signer(index)?.address();
        unused += 1;
        if let Some(account) = reader.account_of(key).await? {
            unused = 0;
            let mut provider: Option<Address> = None;
            for candidate in &providers {
                if reader.status_of(account, *candidate).await? != medrec_chain::Status::None {
                    provider = Some(from_chain(*candidate));
                }
            }
            // An account that is a key's own earlier self is listed with the key that speaks for it now.
            if reader.key_of(account).await? == Some(to_chain(from_chain(key))) {
                keystore.adopt(AccountEntry { index, account: from_chain(account), provider })?;
            }
        }
        index += 1;
    }
    Ok(())
}
