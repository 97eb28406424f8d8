//! Where passwords come from: a file, the environment, a terminal. Never the command line, which every process can read.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;

use anyhow::Context as _;
use medrec_wallet::Password;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::exit::Usage;

/// Variable with the password of keystores.
const VARIABLE: &str = "MEDREC_PASSWORD";

/// The password of an existing keystore.
pub(crate) fn password(file: Option<&Path>) -> anyhow::Result<Password> {
    match given(file)? {
        Some(password) => Ok(password),
        None => ask("password: "),
    }
}

/// The password of a new keystore: a terminal asks for it twice.
pub(crate) fn new_password(file: Option<&Path>) -> anyhow::Result<Password> {
    if let Some(password) = given(file)? {
        return Ok(password);
    }
    let (first, second) = (ask("new password: ")?, ask("once more: ")?);
    if first == second { Ok(first) } else { Err(Usage("the two passwords differ".to_owned()).into()) }
}

/// From a file alone, or a terminal: for a second password beside the one in the environment.
pub(crate) fn other_password(file: Option<&Path>) -> anyhow::Result<Password> {
    if let Some(path) = file {
        return from_file(path);
    }
    let (first, second) = (ask("new password: ")?, ask("once more: ")?);
    if first == second { Ok(first) } else { Err(Usage("the two passwords differ".to_owned()).into()) }
}

fn given(file: Option<&Path>) -> anyhow::Result<Option<Password>> {
    if let Some(path) = file {
        return from_file(path).map(Some);
    }
    match std::env::var(VARIABLE) {
        Ok(text) => Ok(Some(Password::new(text))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Usage(format!("{VARIABLE} is no UTF-8 text")).into()),
    }
}

fn from_file(path: &Path) -> anyhow::Result<Password> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Password::from_file_bytes(bytes).map_err(|problem| Usage(format!("{}: {problem}", path.display())).into())
}

/// Asks the terminal, which shows nothing of the answer.
fn ask(prompt: &str) -> anyhow::Result<Password> {
    let terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|_| {
        Usage(format!(
            "there is no terminal to ask for the password\n\nhint: --password-file FILE, or the variable {VARIABLE}"
        ))
    })?;
    let quiet = Quiet::new(&terminal)?;
    (&terminal).write_all(prompt.as_bytes()).context("cannot write to the terminal")?;
    let mut line = String::new();
    BufReader::new(&terminal).read_line(&mut line).context("cannot read from the terminal")?;
    drop(quiet);
    (&terminal).write_all(b"\n").context("cannot write to the terminal")?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(Password::new(line))
}

/// A terminal that does not show what is typed, until this is dropped.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn new(terminal: &'a File) -> anyhow::Result<Self> {
        let before = tcgetattr(terminal).context("the terminal does not say how it is set")?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &quiet).context("the terminal cannot be silenced")?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // What a terminal that is gone shows does not matter.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
