//! What a provider asks of its own gatekeeper.

use medrec_domain::identifier::EpochNumber;
use medrec_protocol::methods::provider as asked;
use medrec_wallet::researcher::bounty_of;
use medrec_wallet::{GatekeeperClient, PrivateKeySigner};

use crate::args::{ProviderCommand, WalletArguments};
use crate::commands::wallet::{answer, block_on, gatekeeper, keystore, own_account, place};
use crate::exit::Usage;
use crate::shell::Shell;

/// The keystore's own key and its gatekeeper.
struct Counter {
    signer: PrivateKeySigner,
    client: GatekeeperClient,
}

impl Counter {
    async fn open(arguments: &WalletArguments) -> anyhow::Result<Self> {
        let mut keystore = keystore(&arguments.keys)?;
        let place = place(&arguments.chain)?;
        let entry = own_account(&mut keystore)?;
        let client = gatekeeper(&place, entry.account).await?;
        Ok(Self { signer: keystore.signer(entry.index)?, client })
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
                let body = asked::ProposeBody { account };
                let made = Counter::open(&wallet).await?.ask::<asked::Propose>(&body).await?;
                answer(shell, &made, &format!("handed over: {}", made.key))
            }
            ProviderCommand::Post { wallet, patients, query } => {
                let body = asked::PostBody { patients, query };
                let posting = Counter::open(&wallet).await?.ask::<asked::PostUpdate>(&body).await?;
                answer(shell, &posting, &format!("posted; its bounty is {}", bounty_of(&posting)))
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
