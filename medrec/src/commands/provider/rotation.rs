//! `medrec provider rotate-key`: the account goes over to the keystore's next key.

use medrec_protocol::bridge::to_chain;
use medrec_wallet::keystore::AccountEntry;
use medrec_wallet::provider;

use crate::args::PayingArguments;
use crate::commands::wallet::{account_of, answer, block_on, keystore, next_index, own_account, place};
use crate::shell::Shell;

pub(super) fn run(arguments: &PayingArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let mut keystore = keystore(&arguments.wallet.keys)?;
    let place = place(&arguments.wallet.chain)?;
    let entry = own_account(&mut keystore)?;
    let rotated = block_on(async {
        let index = next_index(&mut keystore, &place, &entry).await?;
        let fresh = keystore.signer(index)?;
        let old = account_of(&keystore, &entry, place, arguments.confirmations)?;
        let rotated = provider::rotate_key(&old, to_chain(entry.account), &fresh).await?;
        keystore.adopt(AccountEntry { index, ..entry })?;
        Ok(rotated)
    })?;
    shell.status(
        "start the gatekeeper again: one that runs still signs with the old key, which speaks for nobody now",
    );
    let words = format!("{} speaks for {} since block {}", rotated.new_key, rotated.account, rotated.block);
    answer(shell, &rotated, &words)
}
