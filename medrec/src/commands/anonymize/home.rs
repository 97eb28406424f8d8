//! The folder of the privacy ledger: `ledger.redb`, its key, and the secret of pseudonyms and bounding.
//!
//! It lies beside the data and outlives every release: whoever loses it no longer knows what was spent, and
//! whoever copies it next to other data charges the wrong persons. Both keys are as secret as the records.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use medrec_anonymizer::bounding::BoundingKey;
use medrec_anonymizer::ledger::Ledger;
use medrec_datasets::PseudonymKey;
use medrec_domain::Rho;

use crate::exit::Usage;

/// Bytes of the secret: 16 for pseudonyms, 16 for bounding.
const SECRET_BYTES: usize = 32;

/// The folder.
pub(super) struct Home {
    folder: PathBuf,
}

/// Secrets of the data holder.
pub(super) struct Secrets([u8; SECRET_BYTES]);

impl Secrets {
    pub(super) fn pseudonyms(&self) -> PseudonymKey {
        PseudonymKey::new(self.half(0))
    }

    pub(super) fn bounding(&self) -> BoundingKey {
        BoundingKey(self.half(16))
    }

    /// What salts are made from.
    pub(super) const fn salt_key(&self) -> &[u8] {
        &self.0
    }

    fn half(&self, from: usize) -> [u8; 16] {
        let mut half = [0; 16];
        half.copy_from_slice(&self.0[from..from + 16]);
        half
    }
}

impl Home {
    /// The folder of a data folder, or the one named.
    pub(super) fn of(data: &Path, named: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(named) = named {
            return Ok(Self { folder: named.to_path_buf() });
        }
        let data = fs::canonicalize(data).with_context(|| format!("cannot read {}", data.display()))?;
        let Some(name) = data.file_name() else {
            return Err(Usage("--data has no name for a ledger; name one with --ledger".into()).into());
        };
        let mut name = name.to_owned();
        name.push(".ledger");
        Ok(Self { folder: data.with_file_name(name) })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn ledger_file(&self) -> PathBuf {
        self.folder.join("ledger.redb")
    }

    /// Whether a ledger was made here.
    pub(super) fn has_ledger(&self) -> bool {
        self.ledger_file().exists()
    }

    /// Opens the ledger, or makes it with this cap.
    pub(super) fn ledger(&self, cap: &Rho) -> anyhow::Result<Ledger> {
        let key = self.folder.join("ledger.key");
        if self.has_ledger() {
            return Ok(Ledger::open(&self.ledger_file(), &key)?);
        }
        self.make_folder()?;
        Ok(Ledger::create(&self.ledger_file(), &key, cap)?)
    }

    fn make_folder(&self) -> anyhow::Result<()> {
        let hint =
            "\n\nhint: name a folder that this user may write with --ledger; keep it with the data for ever";
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot make the ledger's folder {}{hint}", self.folder.display()))
    }

    /// The secrets, made at the first use.
    pub(super) fn secrets(&self) -> anyhow::Result<Secrets> {
        let path = self.folder.join("secret.key");
        let cannot = || format!("cannot use {}", path.display());
        match fs::read(&path) {
            Ok(bytes) => {
                let secret = <[u8; SECRET_BYTES]>::try_from(bytes);
                let secret = secret.map_err(|_| {
                    Usage(format!(
                        "{} is not a secret of 32 bytes\n\nhint: restore it from a backup",
                        path.display()
                    ))
                })?;
                Ok(Secrets(secret))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_folder()?;
                let secret = random()?;
                let mut options = fs::OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut file = options.open(&path).with_context(cannot)?;
                file.write_all(&secret).and_then(|()| file.sync_all()).with_context(cannot)?;
                Ok(Secrets(secret))
            }
            Err(error) => Err(error).with_context(cannot),
        }
    }
}

/// Secrets that nobody keeps, for a dry run.
pub(super) fn passing_secrets() -> anyhow::Result<Secrets> {
    Ok(Secrets(random()?))
}

fn random() -> anyhow::Result<[u8; SECRET_BYTES]> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gave no random bytes: {error}"))?;
    Ok(bytes)
}
