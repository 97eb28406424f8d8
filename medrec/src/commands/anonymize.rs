//! `medrec anonymize`: from a folder of records to a verified bundle, without a chain.
//!
//! The arguments become a plan, the plan a price, and only what the ledger can afford is read. A run that
//! was killed goes on where it was when it is started again with the same arguments: nothing is charged
//! twice and no noise is drawn twice.

mod consents;
mod forecast;
mod home;
mod question;
mod source;
mod wording;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use indicatif::ProgressBar;
use medrec_anonymizer::aggregate::Options;
use medrec_anonymizer::bundle::{self, BundleInput, QueryDocument, WriteOptions};
use medrec_anonymizer::consent::Consents;
use medrec_anonymizer::ledger::{Ledger, Statement};
use medrec_anonymizer::plan::Plan;
use medrec_anonymizer::release::{self, Accounting, Outcome, Request};
use medrec_domain::digest::keccak256_of;
use medrec_domain::manifest::{BudgetStatement, Charging, License, Manifest, Occasion, Software};
use medrec_domain::workload::cells::Window;
use medrec_domain::{Digest, Rho};
use medrec_gatekeeper::rewards::{self, FolderRecords};
use serde::Serialize;

use self::home::{Home, Secrets};
use self::source::Source;
use self::wording::short;
use crate::args::AnonymizeArguments;
use crate::exit::Usage;
use crate::interrupt;
use crate::shell::Shell;

/// What was released, as `--json` prints it.
#[derive(Serialize)]
struct Released<'a> {
    out: &'a Path,
    report: PathBuf,
    manifest: Digest,
    rho: Rho,
    epsilon: Vec<medrec_domain::manifest::EpsilonAtDelta>,
    tables: usize,
    withheld: u64,
    rows_skipped: u64,
    ledger: &'a Path,
    cap: Rho,
    spent: Rho,
    left: Rho,
}

pub(super) fn run(arguments: &AnonymizeArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let document = question::document(&arguments.workload)?;
    let workload = document.workload();
    let window = question::window(arguments)?;
    let home = Home::of(&arguments.data, arguments.ledger.as_deref())?;
    let Some(out) = arguments.out.as_deref().filter(|_| !arguments.dry_run) else {
        let source = Source::new(arguments, window, home::passing_secrets()?.pseudonyms())?;
        let plan = question::plan(&workload, &arguments.budget, &source.organisations()?, window)?;
        let left = if home.has_ledger() {
            home.ledger(&arguments.cap)?.statement()?.left
        } else {
            arguments.cap.clone()
        };
        return forecast::tell(&plan, left, shell);
    };
    let out = absolute(out)?;
    // The price follows from the budget alone: a plan without organisations costs the same. What is wrong with the
    // arguments shows here, before a ledger is made.
    let price = question::plan(&workload, &arguments.budget, &[], window)?.rho();
    let ledger = home.ledger(&arguments.cap)?;
    let secrets = home.secrets()?;
    let job = Job { arguments, document, home: &home, ledger: &ledger, secrets: &secrets, out: &out };
    job.run(window, &price, shell)
}

/// One release on its way.
struct Job<'a> {
    arguments: &'a AnonymizeArguments,
    document: QueryDocument,
    home: &'a Home,
    ledger: &'a Ledger,
    secrets: &'a Secrets,
    out: &'a Path,
}

impl Job<'_> {
    fn run(&self, window: Window, price: &Rho, shell: &mut Shell) -> anyhow::Result<()> {
        let workload = self.document.workload();
        let staging = staging(self.out)?;
        let left = self.ledger.statement()?.left;
        if self.out.exists() && !staging.exists() {
            let text = format!(
                "{} exists already\n\nhint: a release is published once; a new one needs another --out and costs rho {} again (left: {})",
                self.out.display(),
                short(price),
                short(&left)
            );
            return Err(Usage(text).into());
        }
        let stop = interrupt::flag()?;
        let bar = shell.bar("records", 0, "units");
        let watch = Watch { bar: &bar, stop };
        let scratch = Scratch::in_folder(self.home.folder())?;
        let source = Source::new(self.arguments, window, self.secrets.pseudonyms())?;
        if self.pending(price)? {
            self.ledger.affordable(price)?;
        }
        let (folder, report) = source.open(&scratch.0, &watch)?;
        let organisations = rewards::organisations(&folder)?;
        let plan = question::plan(&workload, &self.arguments.budget, &organisations, window)?;
        let consents = match &self.arguments.consents {
            None => Consents::everybody(),
            Some(path) => consents::read(
                path,
                &source.format,
                &self.secrets.pseudonyms(),
                self.secrets.salt_key(),
                &workload.value_sets,
            )?,
        };
        let records = FolderRecords::open(&folder)?;
        let id = self.id(&plan)?;
        let mut options = Options::new(self.secrets.bounding());
        options.memory_bytes = self.arguments.memory.max(1) << 20;
        let request = Request {
            id,
            plan: &plan,
            records: &records,
            consents: &consents,
            options,
            accounting: Accounting::Uniform,
        };
        let before = self.ledger.statement()?;
        let outcome = release::prepare(&request, self.ledger, &watch)?;
        bar.finish_and_clear();
        let manifest = match outcome {
            Outcome::Prepared(tables) => self.publish(&plan, &consents, &tables, id, &before, &staging)?,
            Outcome::Committed { answer, .. } => self.finish(answer, &staging)?,
        };
        let skipped = report.map_or(0, |report| report.rows_skipped.values().sum());
        self.tell(&manifest, skipped, shell)
    }

    /// Whether this release was not charged yet, as far as the price tells.
    fn pending(&self, price: &Rho) -> anyhow::Result<bool> {
        let staged = staging(self.out)?.exists();
        let resumable = self
            .ledger
            .statement()?
            .releases
            .iter()
            .any(|line| line.answer.is_none() && line.price == *price);
        Ok(!staged && !resumable)
    }

    /// A release is named by what it holds and where it goes: the same command goes on with the same release.
    fn id(&self, plan: &Plan) -> anyhow::Result<Digest> {
        let out = self.out.as_os_str().as_encoded_bytes();
        Ok(keccak256_of(&[b"medrec anonymize", &plan.digest()?.0, out]))
    }

    /// Writes the bundle beside its place, commits, and moves it there.
    fn publish(
        &self,
        plan: &Plan,
        consents: &Consents,
        tables: &[medrec_anonymizer::figures::TableFigures],
        id: Digest,
        before: &Statement,
        staging: &Path,
    ) -> anyhow::Result<Manifest> {
        let needs_consent = consents.root().is_some();
        let after = self.ledger.statement()?;
        // A release that goes on after a kill was charged by the earlier process.
        let spent_before = if after.spent == before.spent {
            without(&after.spent, &plan.rho())
        } else {
            before.spent.clone()
        };
        let input = BundleInput {
            title: plan.workload.title.clone(),
            license: License {
                name: "CC-BY-4.0".into(),
                url: "https://creativecommons.org/licenses/by/4.0/".into(),
            },
            occasion: Occasion::StandAlone { publisher: self.arguments.publisher.clone() },
            window: plan.window,
            query: self.document.clone(),
            privacy: release::privacy(plan, needs_consent)?,
            assurance: release::assurance(needs_consent),
            budget: BudgetStatement {
                cap: after.cap,
                spent_before,
                spent_after: after.spent,
                charging: Charging::Everybody,
            },
            consent_root: consents.root(),
            software: Software { name: "medrec".into(), version: env!("CARGO_PKG_VERSION").into() },
            tables,
            signer: None,
        };
        let manifest = bundle::write(staging, &input, WriteOptions { replace: true })?;
        self.ledger.commit(id, manifest.digest()?, b"")?;
        self.place(staging)?;
        Ok(manifest)
    }

    /// The release was committed by an earlier run: its bundle only has to be in its place.
    fn finish(&self, answer: Digest, staging: &Path) -> anyhow::Result<Manifest> {
        let manifest = staging.join("manifest.json");
        let gone = || {
            Usage(format!(
                "this release was published before, as the bundle with manifest {answer}\n\nhint: its noise is erased, so it cannot be made again; a new release needs another --out and costs again"
            ))
        };
        let bytes = fs::read(&manifest).map_err(|_| gone())?;
        let manifest = Manifest::from_canonical_bytes(&bytes)?;
        // Another release may have been killed on its way to the same place; that one is not committed.
        if manifest.digest()? != answer {
            return Err(gone().into());
        }
        self.place(staging)?;
        Ok(manifest)
    }

    fn place(&self, staging: &Path) -> anyhow::Result<()> {
        fs::rename(staging, self.out)
            .with_context(|| format!("cannot move {} to {}", staging.display(), self.out.display()))
    }

    fn tell(&self, manifest: &Manifest, rows_skipped: u64, shell: &mut Shell) -> anyhow::Result<()> {
        let Statement { cap, spent, left, .. } = self.ledger.statement()?;
        let report = self.out.join("report.html");
        let withheld = manifest.tables.iter().map(|table| table.withheld).sum();
        let released = Released {
            out: self.out,
            report,
            manifest: manifest.digest()?,
            rho: manifest.privacy.rho.clone(),
            epsilon: manifest.privacy.epsilon.clone(),
            tables: manifest.tables.len(),
            withheld,
            rows_skipped,
            ledger: self.home.folder(),
            cap,
            spent,
            left,
        };
        if shell.wants_json() {
            return shell.json(&released);
        }
        let epsilon: Vec<String> =
            released.epsilon.iter().map(|at| format!("{} at delta {}", at.epsilon, at.delta)).collect();
        shell.result(&format!(
            "{}: {} tables, {} figures withheld as small cells\nreport       {}\nmanifest     {}\n\
             privacy      rho {} = epsilon {}\nledger       {}: spent rho {} of {}, left {}\n",
            self.out.display(),
            released.tables,
            released.withheld,
            released.report.display(),
            released.manifest,
            short(&released.rho),
            epsilon.join(", "),
            released.ledger.display(),
            short(&released.spent),
            short(&released.cap),
            short(&released.left),
        ))
    }
}

fn without(sum: &Rho, part: &Rho) -> Rho {
    sum.checked_sub(part).unwrap_or_else(Rho::zero)
}

/// The path from the root, although the folder is not there yet.
fn absolute(out: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(out).with_context(|| format!("cannot tell where {} is", out.display()))
}

/// Where a bundle waits for its commit.
fn staging(out: &Path) -> anyhow::Result<PathBuf> {
    let name = out.file_name().ok_or_else(|| Usage(format!("--out {} names no folder", out.display())))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".unpublished");
    Ok(out.with_file_name(hidden))
}

/// Converted tables, deleted at the end: they hold records of persons.
struct Scratch(PathBuf);

impl Scratch {
    fn in_folder(home: &Path) -> anyhow::Result<Self> {
        // Tables of a run that was killed lie under the same name.
        let path = home.join("converted");
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("cannot delete {}", path.display()))?;
        }
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody is left to tell; the next run deletes it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The progress bar and the signals, as both libraries ask for them.
struct Watch<'b> {
    bar: &'b ProgressBar,
    stop: &'static AtomicBool,
}

impl Watch<'_> {
    fn begin(&self, name: &str, total: Option<u64>) {
        self.bar.set_position(0);
        self.bar.set_length(total.unwrap_or(0));
        self.bar.set_message(name.to_owned());
    }
}

impl medrec_datasets::Progress for Watch<'_> {
    fn stage(&self, name: &str, total: Option<u64>) {
        self.begin(name, total);
    }

    fn advance(&self, units: u64) {
        self.bar.inc(units);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl medrec_anonymizer::records::Progress for Watch<'_> {
    fn stage(&self, name: &str, total: Option<u64>) {
        self.begin(name, total);
    }

    fn advance(&self, units: u64) {
        self.bar.inc(units);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
