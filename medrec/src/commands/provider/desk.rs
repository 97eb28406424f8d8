//! What a provider asks of its own gatekeeper.

use medrec_domain::identifier::EpochNumber;
use medrec_protocol::methods::provider as asked;
use medrec_wallet::researcher::bounty_of;
use medrec_wallet::wishes::Wish;
use medrec_wallet::{GatekeeperClient, PrivateKeySigner, Wishes};

use crate::args::{ProviderCommand, WalletArguments};
use crate::commands::wallet::{answer, block_on, gatekeeper, keystore, own_account, place};
use crate::exit::Usage;
use crate::shell::Shell;

/// The keystore's own key and its gatekeeper.
struct Counter {
    signer: PrivateKeySigner,
    client: GatekeeperClient,
    wishes: Wishes,
}

impl Counter {
    async fn open(arguments: &WalletArguments) -> anyhow::Result<Self> {
        let mut keystore = keystore(&arguments.keys)?;
        let place = place(&arguments.chain)?;
        let entry = own_account(&mut keystore)?;
        let client = gatekeeper(&place, entry.account).await?;
        let wishes = Wishes::beside(keystore.path());
        Ok(Self { signer: keystore.signer(entry.index)?, client, wishes })
    }

    /// The wish of these arguments: one that an earlier command left without an answer is asked again and happens once.
    fn wish<M: medrec_protocol::Method>(
        &self,
        arguments: &impl serde::Serialize,
        shell: &mut Shell,
    ) -> anyhow::Result<Wish> {
        let wish = self.wishes.begin::<M>(self.client.provider(), arguments)?;
        if wish.earlier_s.is_some() {
            shell.warning(
                "an earlier command with these arguments was not answered: this finishes it; run it again for another one",
            );
        }
        Ok(wish)
    }

    async fn ask<M: medrec_protocol::Method>(&self, body: &M::Body) -> anyhow::Result<M::Answer>
    where
        M::Body: Clone,
    {
        Ok(self.client.ask::<M>(&self.signer, body).await?)
    }
}

pub(super) fn run(command: ProviderCommand, shell: &mut Shell) -> anyhow::Result<()> {
    block_on(async {
        match command {
            ProviderCommand::Invite { wallet, account } => {
                let body = asked::InviteBody { account };
                Counter::open(&wallet).await?.ask::<asked::Invite>(&body).await?;
                answer(shell, &body, &format!("{account} is invited"))
            }
            ProviderCommand::Link { wallet, account, record } => {
                let body = asked::LinkBody { account, source_id: record };
                Counter::open(&wallet).await?.ask::<asked::Link>(&body).await?;
                answer(shell, &body, &format!("{account} is linked to a record"))
            }
            ProviderCommand::Unlink { wallet, account } => {
                let body = asked::UnlinkBody { account };
                Counter::open(&wallet).await?.ask::<asked::Unlink>(&body).await?;
                answer(shell, &body, &format!("{account} is linked to no record"))
            }
            ProviderCommand::Propose { wallet, account } => {
                let counter = Counter::open(&wallet).await?;
                let wish = counter.wish::<asked::Propose>(&account, shell)?;
                let body = asked::ProposeBody { account, idempotency_key: wish.idempotency_key };
                let made = counter.ask::<asked::Propose>(&body).await?;
                answer(shell, &made, &format!("handed over: {}", made.key))?;
                Ok(wish.answered()?)
            }
            ProviderCommand::Post { wallet, patients, query } => {
                let counter = Counter::open(&wallet).await?;
                let wish = counter.wish::<asked::PostUpdate>(&(&patients, &query), shell)?;
                let idempotency_key = wish.idempotency_key;
                let body = asked::PostBody { patients, query, idempotency_key };
                let posting = counter.ask::<asked::PostUpdate>(&body).await?;
                answer(shell, &posting, &format!("posted; its bounty is {}", bounty_of(&posting)))?;
                Ok(wish.answered()?)
            }
            ProviderCommand::Epoch { wallet, epoch, from, until } => {
                let body = asked::EpochBody { epoch: EpochNumber(epoch), from, until };
                let made = Counter::open(&wallet).await?.ask::<asked::RunEpoch>(&body).await?;
                let words = format!("epoch {epoch}: {} shards under the root {}", made.shards, made.root);
                answer(shell, &made, &words)
            }
            _ => Err(Usage("that is no question for a gatekeeper".to_owned()).into()),
        }
    })
}
