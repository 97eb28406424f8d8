//! Tunings remembered between runs: one small JSON file for all devices of a machine.
//!
//! A tuning holds for one device, driver version and set of kernel sources. A file that cannot be understood
//! is as good as none: it is ignored, and replaced at the next save.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::device::Device;
use super::error::OpenClError;
use super::source::sources_hash;
use super::tuning::Tuning;

/// Raised whenever the meaning of a field changes; files of other versions are ignored.
const VERSION: u32 = 1;

/// The file of tunings.
#[derive(Debug, Clone)]
pub struct TuningFile {
    path: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    version: u32,
    tunings: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    device: String,
    driver_version: String,
    sources_hash: String,
    hashrate_hps: f64,
    tuning: Tuning,
}

impl Entry {
    fn is_of(&self, device: &Device) -> bool {
        self.device == device.name && self.driver_version == device.driver_version
    }
}

impl TuningFile {
    /// The file at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tuning remembered for `device` with this driver and these kernels, if the device can run it.
    pub fn load(&self, device: &Device) -> Option<Tuning> {
        let sources_hash = sources_hash();
        let entry = self
            .read()?
            .tunings
            .into_iter()
            .find(|entry| entry.is_of(device) && entry.sources_hash == sources_hash)?;
        entry.tuning.check(device).is_ok().then_some(entry.tuning)
    }

    /// Remembers `tuning` for `device`; what is remembered for other devices stays.
    ///
    /// The file is replaced whole: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// [`OpenClError::TuningFile`] when it cannot be written.
    pub fn save(&self, device: &Device, tuning: Tuning, hashrate_hps: f64) -> Result<(), OpenClError> {
        let mut contents = self.read().unwrap_or(Contents { version: VERSION, tunings: Vec::new() });
        contents.tunings.retain(|entry| !entry.is_of(device));
        contents.tunings.push(Entry {
            device: device.name.clone(),
            driver_version: device.driver_version.clone(),
            sources_hash: sources_hash(),
            hashrate_hps,
            tuning,
        });
        self.replace(&contents).map_err(|source| OpenClError::TuningFile { path: self.path.clone(), source })
    }

    fn read(&self) -> Option<Contents> {
        let contents: Contents = serde_json::from_slice(&fs::read(&self.path).ok()?).ok()?;
        (contents.version == VERSION).then_some(contents)
    }

    fn replace(&self, contents: &Contents) -> std::io::Result<()> {
        let directory = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(directory)?;
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        // Two processes that save at once must not write into one file.
        name.push(format!(".{}.new", std::process::id()));
        let new = directory.join(name);
        let written = (|| {
            let mut file = fs::File::create(&new)?;
            file.write_all(&serde_json::to_vec_pretty(contents)?)?;
            file.sync_all()?;
            fs::rename(&new, &self.path)
        })();
        if written.is_err() {
            // Nothing more can be done about a leftover than about the failure itself.
            let _ = fs::remove_file(&new);
        }
        written
    }
}
