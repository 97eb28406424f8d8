//! The configuration file of a gatekeeper. Paths in it are relative to the file.
//!
//! Whatever is wrong with it is told with file, line, key and what to do, before anything is opened or made.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};

use alloy_primitives::Address;
use medrec_chain::{Client, Network};
use medrec_datasets::{DatabaseUrl, Format, Location, Mapping, SqlMapping};
use medrec_domain::{CalendarDate, Rho};
use serde::Deserialize;
use toml::Spanned;

use super::bounds::{Connections, Rates};
use crate::exit::Usage;

/// What helps with a key that is missing, unknown or of another form.
const FORM: &str = "`medrec gatekeeper --help` shows a whole file; docs/CLI.md lists every key";

/// Everything that an operator says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Config {
    /// Where to listen.
    #[serde(default = "loopback")]
    pub(super) listen: SocketAddr,
    /// URLs of nodes, the preferred one first.
    nodes: Spanned<Vec<String>>,
    /// The network file.
    network: Spanned<PathBuf>,
    /// The provider's account; the keystore's own account when absent.
    pub(super) account: Option<Address>,
    /// The provider's keystore.
    keystore: Spanned<PathBuf>,
    /// File whose first line is the keystore's password.
    password_file: Option<PathBuf>,
    /// Folder of everything that the gatekeeper keeps.
    state: PathBuf,
    /// Origins of web pages that may call.
    #[serde(default)]
    pub(super) allow_origins: Vec<String>,
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub(super) trusted_proxies: Vec<IpAddr>,
    /// How often may be asked.
    #[serde(default)]
    pub(super) rates: Rates,
    /// Where the records are.
    records: Spanned<Records>,
    /// What may be released.
    #[serde(default)]
    pub(super) privacy: Privacy,
    /// What clients' connections may take up.
    #[serde(default)]
    pub(super) connections: Connections,
}

/// Where the records are: a folder or a database.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Records {
    /// `synthea-csv`, `fhir-ndjson`, `omop`, `parquet`, `table`; for a folder.
    format: Option<Spanned<String>>,
    /// The folder.
    path: Option<Spanned<PathBuf>>,
    /// `sqlite:`, `postgres:` or `mysql:` URL; for a database.
    url: Option<Spanned<String>>,
    /// Mapping of a flat table or a database.
    mapping: Option<Spanned<PathBuf>>,
}

/// What may be released.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Privacy {
    /// Most that anybody may ever lose here; fixed when the ledger is made.
    pub(super) cap: Spanned<Rho>,
    /// Cost of one epoch's census.
    pub(super) census_rho: Spanned<Rho>,
    /// End of bounties' windows, for records that end before today.
    pub(super) bounty_until: Option<CalendarDate>,
    /// Memory for records under way, in MiB.
    pub(super) memory_mib: u64,
}

impl Default for Privacy {
    fn default() -> Self {
        let fraction = |parts: u32| {
            let rho = Rho::from_integers(1_u8.into(), parts.into()).unwrap_or_else(|_| Rho::zero());
            Spanned::new(0..0, rho)
        };
        Self { cap: fraction(1), census_rho: fraction(4), bounty_until: None, memory_mib: 512 }
    }
}

const fn loopback() -> SocketAddr {
    SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 7_000))
}

/// A configuration beside its text.
#[derive(Debug)]
pub(super) struct ConfigFile {
    path: PathBuf,
    text: String,
    pub(super) config: Config,
}

impl ConfigFile {
    /// Reads the file and checks what can be checked without opening anything.
    ///
    /// # Errors
    /// [`Usage`] with file, line, key, what is wrong there and a hint.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| {
            Usage(format!(
                "{}: {error}\n\nhint: `medrec gatekeeper --help` shows a file to start from",
                path.display()
            ))
        })?;
        let parsed = toml::from_str(&text);
        let config = parsed.map_err(|error| refusal(path, &text, error.span(), error.message(), FORM))?;
        let file = Self { path: path.to_owned(), text, config };
        file.check()?;
        Ok(file)
    }

    fn check(&self) -> anyhow::Result<()> {
        let Config { nodes, keystore, privacy, .. } = &self.config;
        if nodes.get_ref().is_empty() {
            let hint = "name the URL of a node, such as http://127.0.0.1:8545";
            return Err(self.refuse(nodes, "names no node", hint));
        }
        if !self.beside(keystore.get_ref()).exists() {
            let problem = format!("there is no {}", self.beside(keystore.get_ref()).display());
            return Err(self.refuse(keystore, problem, "`medrec provider keys create` makes a keystore"));
        }
        for rho in [&privacy.cap, &privacy.census_rho] {
            if rho.get_ref().is_zero() {
                return Err(self.refuse(rho, "with 0 nothing can be released", "a fraction such as \"1/4\""));
            }
        }
        if privacy.census_rho.get_ref() > privacy.cap.get_ref() {
            let problem = format!("a census costs more than the cap, {}", privacy.cap.get_ref());
            return Err(self.refuse(&privacy.census_rho, problem, "set census-rho below cap"));
        }
        Ok(())
    }

    /// A path of the file, seen from where the process stands.
    fn beside(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or_else(|| Path::new("")).join(path)
    }

    /// The folder of everything that the gatekeeper keeps.
    pub(super) fn state(&self) -> PathBuf {
        self.beside(&self.config.state)
    }

    /// The provider's keystore.
    pub(super) fn keystore(&self) -> PathBuf {
        self.beside(self.config.keystore.get_ref())
    }

    /// The file of its password.
    pub(super) fn password_file(&self) -> Option<PathBuf> {
        self.config.password_file.as_deref().map(|path| self.beside(path))
    }

    /// The nodes' URLs, and the network that they have to belong to. Nobody is asked.
    ///
    /// # Errors
    /// [`Usage`] for a network file that cannot be read, and URLs that cannot be used.
    pub(super) fn network(&self) -> anyhow::Result<(Network, Vec<String>)> {
        let Config { nodes, network: file, .. } = &self.config;
        let hint = "`medrec provider deploy` writes this file; ask the network's operator for it";
        let network = Network::read(&self.beside(file.get_ref()))
            .map_err(|error| self.refuse(file, first_line(&error.to_string()), hint))?;
        Client::new(network.client_options(nodes.get_ref().iter().cloned())).map_err(|error| {
            let hint = "a node is http://HOST:PORT; reach others through a tunnel";
            self.refuse(nodes, first_line(&error.to_string()), hint)
        })?;
        Ok((network, nodes.get_ref().clone()))
    }

    /// Where the records are, with their mapping read.
    ///
    /// # Errors
    /// [`Usage`] for keys that do not go together and folders that are not there; mappings with file and line.
    pub(super) fn records(&self) -> anyhow::Result<Location> {
        let Records { format, path, url, mapping: named } = self.config.records.get_ref();
        let mapping = |missing: Range<usize>| -> anyhow::Result<(String, String)> {
            let Some(named) = named else {
                return Err(self.refuse_at(
                    missing,
                    "needs a mapping file",
                    "add mapping = \"FILE\" to [records]",
                ));
            };
            let path = self.beside(named.get_ref());
            let text = fs::read_to_string(&path).map_err(|error| {
                let problem = format!("{}: {error}", path.display());
                self.refuse(named, problem, "docs/DATA.md shows mappings")
            })?;
            Ok((path.display().to_string(), text))
        };
        match (format, path, url) {
            (None, None, Some(url)) => {
                let (file, text) = mapping(url.span())?;
                let mapping = Box::new(SqlMapping::parse(&file, &text)?);
                let parsed = DatabaseUrl::parse(url.get_ref()).map_err(|error| {
                    self.refuse(url, first_line(&error.to_string()), "a sqlite:, postgres: or mysql: URL")
                })?;
                Ok(Location::Database { url: parsed, mapping })
            }
            (Some(format), Some(path), None) => {
                let found = match format.get_ref().as_str() {
                    "synthea-csv" => Format::SyntheaCsv,
                    "fhir-ndjson" => Format::FhirNdjson,
                    "omop" => Format::Omop,
                    "parquet" => Format::Parquet,
                    "table" => {
                        let (file, text) = mapping(format.span())?;
                        Format::Table(Box::new(Mapping::parse(&file, &text)?))
                    }
                    other => {
                        let known = "one of synthea-csv, fhir-ndjson, omop, parquet and table";
                        return Err(self.refuse(format, format!("{other:?} is no format"), known));
                    }
                };
                let folder = self.beside(path.get_ref());
                if !folder.exists() {
                    let problem = format!("there is no {}", folder.display());
                    return Err(self.refuse(path, problem, "paths are relative to the configuration file"));
                }
                Ok(Location::Folder { path: folder, format: found })
            }
            _ => {
                let hint = "a folder has format and path, a database has url and mapping";
                let records = self.config.records.span();
                Err(self.refuse_at(
                    records,
                    "[records] needs either format and path, or url and mapping",
                    hint,
                ))
            }
        }
    }

    fn refuse<T>(&self, value: &Spanned<T>, problem: impl AsRef<str>, hint: &str) -> anyhow::Error {
        self.refuse_at(value.span(), problem, hint)
    }

    fn refuse_at(&self, span: Range<usize>, problem: impl AsRef<str>, hint: &str) -> anyhow::Error {
        refusal(&self.path, &self.text, Some(span), problem.as_ref(), hint)
    }
}

/// Without the hint that the error has for somebody who sees no configuration.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// A mistake with its file, its line, the key of that line, and what to do.
fn refusal(path: &Path, text: &str, span: Option<Range<usize>>, problem: &str, hint: &str) -> anyhow::Error {
    let file = path.display();
    // A key that is missing is missing in no line, and a default stands in none.
    let span = span.filter(|span| span.end > 0 && span.end <= text.len() && *span != (0..text.len()));
    let place = span.map_or_else(String::new, |span| {
        let before = &text[..span.start];
        let line = 1 + before.matches('\n').count();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let key = text[start..].lines().next().unwrap_or_default().split_once('=').map(|(key, _)| key.trim());
        let key = key.filter(|key| !problem.contains(*key)).map(|key| format!("{key}: ")).unwrap_or_default();
        format!(":{line}: {key}")
    });
    let place = if place.is_empty() { ": ".to_owned() } else { place };
    Usage(format!("{file}{place}{problem}\n\nhint: {hint}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "nodes = [\"http://127.0.0.1:8545\"]\nnetwork = \"network.json\"\nkeystore = \"provider.json\"\n\
        state = \"state\"\n[records]\nformat = \"fhir-ndjson\"\npath = \"records\"\n[privacy]\ncap = \"2\"\n";

    fn read(text: &str) -> anyhow::Result<(tempfile::TempDir, ConfigFile)> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("records")).unwrap();
        fs::write(folder.path().join("provider.json"), "").unwrap();
        let path = folder.path().join("gatekeeper.toml");
        fs::write(&path, text).unwrap();
        let file = ConfigFile::read(&path)?;
        Ok((folder, file))
    }

    #[test]
    fn a_configuration_is_read_with_its_defaults_and_paths_beside_it() {
        let (folder, file) = read(WHOLE).unwrap();
        assert_eq!(file.config.listen, loopback());
        assert_eq!(file.state(), folder.path().join("state"));
        assert_eq!(file.keystore(), folder.path().join("provider.json"));
        assert_eq!(*file.config.privacy.cap.get_ref(), "2".parse().unwrap());
        assert_eq!(*file.config.privacy.census_rho.get_ref(), "1/4".parse().unwrap());
        assert!(matches!(file.records().unwrap(), Location::Folder { .. }));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let error = read(&WHOLE.replace("cap = ", "cpa = ")).unwrap_err().to_string();
        assert!(error.contains("gatekeeper.toml:9: ") && error.contains("cpa"), "{error}");
        let error = read(&WHOLE.replace("state = \"state\"", "state = 7")).unwrap_err().to_string();
        assert!(error.contains("gatekeeper.toml:4: state: "), "{error}");
        let error = read(&WHOLE.replace("[\"http://127.0.0.1:8545\"]", "[]")).unwrap_err().to_string();
        assert!(error.contains("gatekeeper.toml:1: nodes: names no node"), "{error}");
        let error = read(&WHOLE.replace("cap = \"2\"", "cap = \"1/5\"")).unwrap_err().to_string();
        assert!(error.contains("costs more than the cap, 1/5"), "{error}");
        let (_folder, file) = read(&WHOLE.replace("fhir-ndjson", "hl7")).unwrap();
        let error = file.records().unwrap_err().to_string();
        assert!(error.contains("gatekeeper.toml:6: \"hl7\" is no format"), "{error}");
        let (_folder, file) = read(&WHOLE.replace("path = \"records\"", "url = \"sqlite:x\"")).unwrap();
        let error = file.records().unwrap_err().to_string();
        assert!(error.contains("gatekeeper.toml:5: ") && error.contains("either"), "{error}");
    }
}
