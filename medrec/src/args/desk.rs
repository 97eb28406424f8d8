//! Arguments of everything that is done at a provider's gatekeeper.

use clap::Args;
use medrec_domain::identifier::Address;

use super::wallet::WalletArguments;

/// At which provider, as whom.
#[derive(Debug, Clone, Args)]
pub(crate) struct DeskArguments {
    #[command(flatten)]
    pub(crate) wallet: WalletArguments,
    /// The provider: its name or account.
    #[arg(long, value_name = "NAME|ADDRESS")]
    pub(crate) provider: String,
    /// Act for this patient's account, as her guardian, with the keystore's own account.
    #[arg(long = "for", value_name = "ACCOUNT")]
    pub(crate) ward: Option<Address>,
    /// Wait for the confirmations instead of the first block.
    #[arg(long)]
    pub(crate) confirmed: bool,
    /// Longest wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub(crate) patience: u64,
}
