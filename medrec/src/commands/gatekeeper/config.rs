//! The configuration file of a gatekeeper. Paths in it are relative to the file.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::Address;
use medrec_datasets::{DatabaseUrl, Format, Location, Mapping, SqlMapping};
use medrec_domain::{CalendarDate, Rho};
use medrec_gatekeeper::{Limits, Rate};
use serde::Deserialize;

use crate::exit::Usage;

/// Everything that an operator says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Config {
    /// Where to listen.
    #[serde(default = "loopback")]
    pub(super) listen: SocketAddr,
    /// URLs of nodes, the preferred one first.
    pub(super) nodes: Vec<String>,
    /// The network file.
    pub(super) network: PathBuf,
    /// The provider's account; the keystore's own account when absent.
    pub(super) account: Option<Address>,
    /// The provider's keystore.
    pub(super) keystore: PathBuf,
    /// File whose first line is the keystore's password.
    pub(super) password_file: Option<PathBuf>,
    /// Folder of everything that the gatekeeper keeps.
    pub(super) state: PathBuf,
    /// Origins of web pages that may call.
    #[serde(default)]
    pub(super) allow_origins: Vec<String>,
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub(super) trusted_proxies: Vec<IpAddr>,
    /// How often may be asked.
    #[serde(default)]
    pub(super) rates: RatesTable,
    /// Where the records are.
    pub(super) records: Records,
    /// What may be released.
    #[serde(default)]
    pub(super) privacy: Privacy,
    /// What clients' connections may take up.
    #[serde(default)]
    pub(super) connections: Connections,
}

/// Requests a second; what is not named stays as it is by default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RatesTable {
    /// Of one source.
    source: Option<u32>,
    /// Of all sources.
    all: Option<u32>,
    /// Of keys without an account, of one source.
    strangers_of_source: Option<u32>,
    /// Of keys without an account, all of them.
    strangers: Option<u32>,
}

impl RatesTable {
    /// Puts what is named in place of the defaults; bursts keep their share.
    pub(super) fn apply(&self, limits: &mut Limits) {
        let named = [
            (self.source, &mut limits.everybody.source),
            (self.all, &mut limits.everybody.all),
            (self.strangers_of_source, &mut limits.strangers.source),
            (self.strangers, &mut limits.strangers.all),
        ];
        for (per_second, rate) in named {
            if let Some(per_second) = per_second {
                let seconds = rate.burst / rate.per_second.max(1);
                *rate = Rate { per_second, burst: per_second.saturating_mul(seconds) };
            }
        }
    }
}

/// Where the records are: a folder or a database.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Records {
    /// `synthea-csv`, `fhir-ndjson`, `omop`, `parquet`, `table`; for a folder.
    format: Option<String>,
    /// The folder.
    path: Option<PathBuf>,
    /// `sqlite:`, `postgres:` or `mysql:` URL; for a database.
    url: Option<String>,
    /// Mapping of a flat table or a database.
    mapping: Option<PathBuf>,
}

/// What clients' connections may take up; the gatekeeper's own bounds when absent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Connections {
    /// Connections at once.
    most: Option<NonZero<usize>>,
    /// Of them, from one address.
    per_client: Option<NonZero<usize>>,
    /// Longest time for the head of a request.
    head_seconds: Option<NonZero<u32>>,
    /// Longest time between two requests.
    idle_seconds: Option<NonZero<u32>>,
    /// Longest time in which a client takes nothing of its answer.
    stall_seconds: Option<NonZero<u32>>,
}

/// What may be released.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Privacy {
    /// Most that anybody may ever lose here; fixed when the ledger is made.
    pub(super) cap: Rho,
    /// Cost of one epoch's census.
    pub(super) census_rho: Rho,
    /// End of bounties' windows, for records that end before today.
    pub(super) bounty_until: Option<CalendarDate>,
    /// Memory for records under way, in MiB.
    pub(super) memory_mib: u64,
}

impl Default for Privacy {
    fn default() -> Self {
        let fraction =
            |parts: u32| Rho::from_integers(1_u8.into(), parts.into()).unwrap_or_else(|_| Rho::zero());
        Self { cap: fraction(1), census_rho: fraction(4), bounty_until: None, memory_mib: 512 }
    }
}

const fn loopback() -> SocketAddr {
    SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 7_000))
}

impl Config {
    /// Reads the file; paths become absolute.
    ///
    /// # Errors
    /// [`Usage`] with file, line and what is wrong there.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| {
            Usage(format!(
                "{}: {error}\n\nhint: docs/GATEKEEPER.md has a configuration to start from",
                path.display()
            ))
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text[..start].matches('\n').count();
            Usage(format!("{}:{line}: {}", path.display(), error.message()))
        })?;
        if config.nodes.is_empty() {
            return Err(Usage(format!("{}: nodes names no node", path.display())).into());
        }
        let base = path.parent().unwrap_or_else(|| Path::new(""));
        let paths = [&mut config.network, &mut config.keystore, &mut config.state].into_iter();
        let optional = [&mut config.password_file, &mut config.records.path, &mut config.records.mapping];
        for path in paths.chain(optional.into_iter().flatten()) {
            *path = base.join(&*path);
        }
        Ok(config)
    }
}

impl Connections {
    /// Puts what the operator said in the place of the gatekeeper's own bounds.
    pub(super) fn apply(&self, limits: &mut Limits) {
        let seconds = |value: Option<NonZero<u32>>, bound: &mut Duration| {
            if let Some(seconds) = value {
                *bound = Duration::from_secs(seconds.get().into());
            }
        };
        let limits = &mut limits.connections;
        limits.most = self.most.map_or(limits.most, NonZero::get);
        limits.per_client = self.per_client.map_or(limits.per_client, NonZero::get);
        seconds(self.head_seconds, &mut limits.head);
        seconds(self.idle_seconds, &mut limits.idle);
        seconds(self.stall_seconds, &mut limits.stall);
    }
}

impl Records {
    /// The location, with its mapping read.
    ///
    /// # Errors
    /// [`Usage`] for keys that do not go together; mappings with file and line.
    pub(super) fn location(&self) -> anyhow::Result<Location> {
        let refuse = |problem: &str| -> anyhow::Error { Usage(format!("[records] {problem}")).into() };
        let mapping = || -> anyhow::Result<(String, String)> {
            let path = self
                .mapping
                .as_deref()
                .ok_or_else(|| refuse("needs a mapping file here: mapping = \"…\""))?;
            let text =
                fs::read_to_string(path).map_err(|error| Usage(format!("{}: {error}", path.display())))?;
            Ok((path.display().to_string(), text))
        };
        match (&self.format, &self.path, &self.url) {
            (None, None, Some(url)) => {
                let (file, text) = mapping()?;
                let mapping = Box::new(SqlMapping::parse(&file, &text)?);
                Ok(Location::Database { url: DatabaseUrl::parse(url)?, mapping })
            }
            (Some(format), Some(path), None) => {
                let format = match format.as_str() {
                    "synthea-csv" => Format::SyntheaCsv,
                    "fhir-ndjson" => Format::FhirNdjson,
                    "omop" => Format::Omop,
                    "parquet" => Format::Parquet,
                    "table" => {
                        let (file, text) = mapping()?;
                        Format::Table(Box::new(Mapping::parse(&file, &text)?))
                    }
                    other => {
                        let known = "synthea-csv, fhir-ndjson, omop, parquet and table";
                        return Err(refuse(&format!("format {other:?} is not one of {known}")));
                    }
                };
                Ok(Location::Folder { path: path.clone(), format })
            }
            _ => Err(refuse("needs either format and path, or url and mapping")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "nodes = [\"http://127.0.0.1:8545\"]\nnetwork = \"network.json\"\nkeystore = \"provider.json\"\n\
        state = \"state\"\n[records]\nformat = \"fhir-ndjson\"\npath = \"records\"\n[privacy]\ncap = \"2\"\n";

    fn read(text: &str) -> anyhow::Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gatekeeper.toml");
        fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    #[test]
    fn a_configuration_is_read_with_its_defaults_and_paths_beside_it() {
        let config = read(WHOLE).unwrap();
        assert_eq!(config.listen, loopback());
        assert!(config.network.is_absolute() && config.network.ends_with("network.json"));
        assert_eq!(config.privacy.cap, "2".parse().unwrap());
        assert_eq!(config.privacy.census_rho, "1/4".parse().unwrap());
        assert!(matches!(config.records.location().unwrap(), Location::Folder { .. }));
    }

    #[test]
    fn rates_that_are_named_take_the_place_of_the_defaults_and_the_others_stay() {
        let text = format!(
            "trusted-proxies = [\"127.0.0.1\", \"::1\"]\n{}\n[rates]\nstrangers-of-source = 2\n",
            WHOLE.trim_end()
        );
        let config = read(&text).unwrap();
        assert_eq!(config.trusted_proxies.len(), 2);
        let (mut limits, usual) = (Limits::default(), Limits::default());
        config.rates.apply(&mut limits);
        assert_eq!(limits.strangers.source, Rate { per_second: 2, burst: 24 });
        assert_eq!(limits.strangers.all, usual.strangers.all);
        assert_eq!(limits.everybody, usual.everybody);
    }

    #[test]
    fn bounds_on_connections_are_taken_from_the_file_and_the_others_stay() {
        let mut limits = Limits::default();
        let own = limits.connections;
        read(WHOLE).unwrap().connections.apply(&mut limits);
        assert_eq!(limits.connections, own);
        let table = "[connections]\nmost = 50\nper-client = 50\nidle-seconds = 5\n";
        read(&format!("{WHOLE}{table}")).unwrap().connections.apply(&mut limits);
        assert_eq!((limits.connections.most, limits.connections.per_client), (50, 50));
        assert_eq!(limits.connections.idle, Duration::from_secs(5));
        assert_eq!((limits.connections.head, limits.connections.stall), (own.head, own.stall));
    }

    #[test]
    fn a_gatekeeper_that_could_take_no_connection_is_refused_with_its_line() {
        for line in ["most = 0", "per-client = 0", "head-seconds = 0", "per-clients = 7"] {
            let error = read(&format!("{WHOLE}[connections]\n{line}\n")).unwrap_err().to_string();
            assert!(error.contains("gatekeeper.toml:11"), "{line}: {error}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let error = read(&WHOLE.replace("cap = ", "cpa = ")).unwrap_err().to_string();
        assert!(error.contains("gatekeeper.toml:9") && error.contains("cpa"), "{error}");
        let error = read(&WHOLE.replace("state = \"state\"", "state = 7")).unwrap_err().to_string();
        assert!(error.contains("gatekeeper.toml:4"), "{error}");
        let error = read(&WHOLE.replace("[\"http://127.0.0.1:8545\"]", "[]")).unwrap_err().to_string();
        assert!(error.contains("names no node"), "{error}");
        let config = read(&WHOLE.replace("fhir-ndjson", "hl7")).unwrap();
        assert!(config.records.location().unwrap_err().to_string().contains("is not one of"));
        let config = read(&WHOLE.replace("path = \"records\"", "url = \"sqlite:x\"")).unwrap();
        assert!(config.records.location().unwrap_err().to_string().contains("either"));
    }
}
