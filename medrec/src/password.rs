//! Passwords of keystores: from a file or the environment, never from the command line.

use std::fs;
use std::path::Path;

use medrec_wallet::Password;
use zeroize::Zeroizing;

use crate::exit::Usage;

/// The variable that may hold a password.
const VARIABLE: &str = "MEDREC_PASSWORD";

/// The password of a keystore that exists.
pub(crate) fn existing(file: Option<&Path>, keystore: &Path) -> anyhow::Result<Password> {
    if let Some(file) = file {
        let bytes = fs::read(file).map_err(|error| Usage(format!("{}: {error}", file.display())))?;
        return Password::from_file_bytes(bytes).map_err(|why| Usage(format!("{}: {why}", file.display())).into());
    }
    let text = std::env::var(VARIABLE).map(Zeroizing::new).map_err(|_| {
        Usage(format!(
            "no password for {}\n\nhint: --password-file FILE, or {VARIABLE} in the environment",
            keystore.display()
        ))
    })?;
    Ok(Password::new(text.to_string()))
}
