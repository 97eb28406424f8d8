//! Arguments that the commands of patients, providers and researchers share: keystore, password, chain.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Which keystore, and where its password is.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeystoreArguments {
    /// Keystore file.
    #[arg(long, value_name = "FILE", default_value = "keystore.json")]
    pub(crate) keystore: PathBuf,
    /// File whose first line is the password; else `MEDREC_PASSWORD`, else the terminal asks.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// Which network, and through which nodes.
#[derive(Debug, Clone, Args)]
pub(crate) struct NetworkArguments {
    /// URLs of nodes, the preferred one first.
    #[arg(long = "node", value_name = "URL", value_delimiter = ',', default_value = "http://127.0.0.1:8545")]
    pub(crate) nodes: Vec<String>,
    /// Network file, as `medrec provider deploy` writes it.
    #[arg(long, value_name = "FILE", default_value = "network.json")]
    pub(crate) network: PathBuf,
}

/// Keystore and network together.
#[derive(Debug, Clone, Args)]
pub(crate) struct WalletArguments {
    #[command(flatten)]
    pub(crate) keys: KeystoreArguments,
    #[command(flatten)]
    pub(crate) chain: NetworkArguments,
}

/// What to do with a keystore.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a keystore with new recovery words, which are shown once.
    #[command(
        after_help = "Example:\n  medrec patient keys create --keystore ada.json --password-file ada.password\n\n\
            Write the words down on paper: they restore every key without the password. They are printed once,\n\
            on stdout, and never again."
    )]
    Create {
        #[command(flatten)]
        keys: KeystoreArguments,
        /// Number of words: 12 or 24.
        #[arg(long, value_name = "N", default_value_t = 12)]
        words: usize,
    },
    /// Make a keystore from recovery words in a file.
    #[command(
        after_help = "Example:\n  medrec patient keys restore --keystore ada.json --words-file words.txt --discover\n\n\
            --discover asks the chain which of the first accounts are in use, and for which providers."
    )]
    Restore {
        #[command(flatten)]
        keys: KeystoreArguments,
        /// File with the words; delete it afterwards.
        #[arg(long, value_name = "FILE")]
        words_file: PathBuf,
        /// Ask the chain for the accounts that are in use.
        #[arg(long)]
        discover: bool,
        #[command(flatten)]
        chain: NetworkArguments,
    },
    /// List the accounts: no key is shown.
    Accounts {
        #[command(flatten)]
        keys: KeystoreArguments,
    },
    /// Show the keystore's own account (provider, researcher, guardian, doctor), making it if there is none.
    Own {
        #[command(flatten)]
        keys: KeystoreArguments,
    },
    /// Seal the keystore under another password.
    Password {
        #[command(flatten)]
        keys: KeystoreArguments,
        /// File whose first line is the new password; else the terminal asks.
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
    },
}
