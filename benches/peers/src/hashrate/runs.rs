//! The runs: who takes part in what, with which samples.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use medrec_benches::definition::dag::{DatasetBuild, LightCacheBuild, light_cache};
use medrec_benches::definition::ethash::{Search, Searcher, searchers};
use medrec_benches::definition::keccak::{Hasher, Hashing, Width, Workload, hashers};
use medrec_benches::definition::light::{CacheHasher, LightHasher, LightHashing};
use medrec_benches::definition::limit::ReadLimit;
use medrec_benches::harness::{self, Contender, Entry, Event, Plan};
use medrec_benches::machine::Machine;
use medrec_benches::record::{Context, Missing, Record};
use medrec_benches::utc::Utc;
use medrec_kernels::ethash::{Dataset, LightCache, Parameters, Schedule, reference};
use medrec_kernels::isa::Isa;
use medrec_kernels::memory::Pages;
use medrec_kernels::progress::Progress;
use serde_json::json;

use super::records::Records;
use crate::arguments::HashrateArguments;
use crate::driver::Driver;
use crate::geth::{Geth, Product};
use crate::progress::say;
use crate::sources::Absent;
use crate::{chfast, crates, ethash_crate, geth, sources, xkcp};

/// The message length that Ethash hashes: header hash and nonce.
const MESSAGE_BYTES: usize = 40;

/// What all runs share.
struct Session<'a> {
    arguments: &'a HashrateArguments,
    threads: Vec<usize>,
    stop: AtomicBool,
    cache: LightCache,
    chfast: Result<PathBuf, Absent>,
}

/// One run's part of its record.
struct Run<'c> {
    benchmark: &'static str,
    headline: &'static str,
    workload: serde_json::Value,
    plan: Plan,
    limits: Vec<Box<dyn Contender + 'c>>,
    entries: Vec<Entry<'c>>,
    missing: Vec<Missing>,
}

impl<'c> Run<'c> {
    fn add(&mut self, contender: impl Contender + 'c) {
        self.entries.push(Entry { contender: Box::new(contender), limit: None });
    }

    fn miss(&mut self, engine: &str, measure: &str, absent: Absent) {
        self.missing.push(Missing {
            engine: engine.to_owned(),
            measure: measure.to_owned(),
            reason: absent.reason,
            hint: absent.hint.to_owned(),
        });
    }
}

/// Runs everything.
pub(super) fn all(arguments: &HashrateArguments) -> anyhow::Result<Records> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let mut threads = vec![1, processors];
    threads.dedup();
    let parameters = Parameters::of_epoch(Schedule::Ethash, 0)?;
    say("building the light cache of epoch 0");
    let session = Session {
        arguments,
        threads,
        stop: AtomicBool::new(false),
        cache: light_cache(&parameters)?,
        chfast: chfast::build(),
    };
    let keccak = session.keccak()?;
    let light = session.light()?;
    let dag = session.dag()?;
    if arguments.quick {
        let search_huge = session.quick_search()?;
        let devices = Vec::new();
        return Ok(Records { keccak, light, dag, dataset: None, search_huge, search_4k: None, devices });
    }
    let dataset = Some(session.whole_dataset()?);
    let search_huge = session.search(Pages::Huge)?;
    let search_4k = Some(session.search(Pages::Base)?);
    let devices = device_records(&arguments.root.join("benches/record"))?;
    Ok(Records { keccak, light, dag, dataset, search_huge, search_4k, devices })
}

impl Session<'_> {
    fn plan(&self, samples: u32, sample_seconds: f64) -> Plan {
        if self.arguments.quick {
            return Plan { samples: 2, sample_seconds: 0.05, warm_up_seconds: 0.0 };
        }
        Plan { samples, sample_seconds, warm_up_seconds: sample_seconds.min(0.3) }
    }

    fn run_of<'c>(
        benchmark: &'static str,
        headline: &'static str,
        workload: serde_json::Value,
        plan: Plan,
    ) -> Run<'c> {
        let (limits, entries, missing) = (Vec::new(), Vec::new(), Vec::new());
        Run { benchmark, headline, workload, plan, limits, entries, missing }
    }

    fn epoch_0(&self) -> serde_json::Value {
        let parameters = self.cache.parameters();
        json!({
            "schedule": parameters.schedule.name(),
            "epoch": 0,
            "is_reduced": false,
            "cache_bytes": parameters.cache_bytes(),
            "dataset_bytes": parameters.dataset_bytes(),
        })
    }

    /// A driver of chfast's code, or the reason why there is none.
    fn chfast(&self) -> Result<Driver, Absent> {
        let binary = self.chfast.clone()?;
        Driver::start(chfast::NAME, &binary)
            .map_err(|error| Absent { reason: error.to_string(), hint: "rebuild the driver" })
    }

    fn keccak(&self) -> anyhow::Result<Record> {
        let workload = Workload { width: Width::Bits256, message_bytes: MESSAGE_BYTES };
        let (ours, theirs) = (hashers(), crates::hashers());
        let words = json!({ "digest_bits": 256, "message_bytes": MESSAGE_BYTES });
        let mut run = Self::run_of("keccak", "keccak-256", words, self.plan(9, 0.5));
        let all: Vec<&dyn Hasher> = ours.iter().chain(&theirs).map(AsRef::as_ref).collect();
        for hasher in all {
            run.add(Hashing { hasher, threads: 1, workload });
        }
        match self.chfast() {
            Ok(driver) => run.add(chfast::keccak256(&driver, 1, MESSAGE_BYTES)),
            Err(absent) => run.miss(chfast::NAME, "keccak-256", absent),
        }
        match xkcp::start() {
            Ok(driver) => run.add(xkcp::keccak256(&driver, 1, MESSAGE_BYTES)),
            Err(absent) => run.miss(xkcp::NAME, "keccak-256", absent),
        }
        self.record(run)
    }

    fn light(&self) -> anyhow::Result<Record> {
        let crate_hasher = ethash_crate::Light::new(&self.cache)?;
        let [single, batch] = [false, true].map(|is_batch| CacheHasher { cache: &self.cache, is_batch });
        let hashers: [&dyn LightHasher; 3] = [&single, &batch, &crate_hasher];
        let driver = self.chfast();
        let mut run = Self::run_of("ethash", "light-hash-batch", self.epoch_0(), self.plan(5, 1.0));
        for &threads in &self.threads {
            for hasher in hashers {
                run.add(LightHashing { hasher, cache: &self.cache, threads });
            }
            match &driver {
                Ok(driver) => run.add(chfast::light_hash(driver, threads)),
                Err(absent) => run.miss(chfast::NAME, "light-hash", absent.clone()),
            }
        }
        self.record(run)
    }

    fn dag(&self) -> anyhow::Result<Record> {
        let parameters = *self.cache.parameters();
        let driver = self.chfast();
        let mut run = Self::run_of("dag", "dataset-part", self.epoch_0(), self.plan(5, 2.0));
        run.add(LightCacheBuild { parameters });
        run.add(ethash_crate::LightCacheBuild { parameters });
        match geth::binary() {
            Ok(binary) => run.add(self.geth(binary, Product::LightCache)),
            Err(absent) => run.miss(geth::NAME, "light-cache", absent),
        }
        match &driver {
            Ok(driver) => run.add(chfast::light_cache(driver, 0)),
            Err(absent) => run.miss(chfast::NAME, "light-cache", absent.clone()),
        }
        for &threads in &self.threads {
            for isa in Isa::available() {
                run.add(self.dataset_build(isa, threads, false)?);
            }
            match &driver {
                Ok(driver) => run.add(chfast::items(driver, threads, &self.cache)),
                Err(absent) => run.miss(chfast::NAME, "dataset-part", absent.clone()),
            }
        }
        self.record(run)
    }

    fn whole_dataset(&self) -> anyhow::Result<Record> {
        let threads = self.threads.last().copied().unwrap_or(1);
        let plan = Plan { samples: 3, sample_seconds: 1.0, warm_up_seconds: 0.0 };
        let mut run = Self::run_of("dag", "dataset", self.epoch_0(), plan);
        run.add(self.dataset_build(Isa::best(), threads, true)?);
        let only_full =
            || Absent { reason: "left out: its whole dataset takes minutes".to_owned(), hint: "add --full" };
        if self.arguments.full {
            run.plan.samples = 1;
        }
        match (self.chfast(), self.arguments.full) {
            (Ok(driver), true) => run.add(chfast::dataset(&driver, threads)),
            (Ok(_), false) => run.miss(chfast::NAME, "dataset", only_full()),
            (Err(absent), _) => run.miss(chfast::NAME, "dataset", absent),
        }
        match (geth::binary(), self.arguments.full) {
            (Ok(binary), true) => run.add(self.geth(binary, Product::Dataset(threads))),
            (Ok(_), false) => run.miss(geth::NAME, "dataset", only_full()),
            (Err(absent), _) => run.miss(geth::NAME, "dataset", absent),
        }
        self.record(run)
    }

    fn geth(&self, binary: PathBuf, product: Product) -> Geth<'_> {
        Geth { binary, product, cache: &self.cache, folder: sources::folder().join("geth") }
    }

    fn dataset_build(&self, isa: Isa, threads: usize, is_whole: bool) -> anyhow::Result<DatasetBuild<'_>> {
        let cache = light_cache(self.cache.parameters())?;
        Ok(DatasetBuild::new(cache, isa, Pages::Huge, threads, is_whole, &self.stop)?)
    }

    /// Full search of epoch 0 on huge or small pages.
    fn search(&self, pages: Pages) -> anyhow::Result<Record> {
        let threads = self.threads.last().copied().unwrap_or(1);
        say("building the dataset of epoch 0");
        let dataset = Dataset::build(&self.cache, pages, threads, &Progress::new())?;
        let is_huge = pages == Pages::Huge && dataset.huge_page_use().is_complete();
        let name = if is_huge { "huge" } else { "4k" };
        let driver = self.chfast_with_dataset(&dataset, name)?;
        let ours = searchers(&dataset);
        let theirs = ethash_crate::Full { dataset: &dataset };
        let mut run = Self::run_of("ethash", "search", self.epoch_0(), self.plan(9, 1.0));
        self.add_searchers(&mut run, &ours, &theirs, &dataset, name);
        for (limit, &threads) in self.threads.iter().enumerate() {
            match &driver {
                Ok(driver) => {
                    let contender = Box::new(chfast::search(driver, threads, name));
                    run.entries.push(Entry { contender, limit: Some(limit) });
                }
                Err(absent) => run.miss(chfast::NAME, "search", absent.clone()),
            }
        }
        self.record(run)
    }

    /// The same path over a reduced dataset, without chfast, whose sizes are the specification's only.
    fn quick_search(&self) -> anyhow::Result<Record> {
        let cache = light_cache(&Parameters::reduced([0x5a; 32], 1_021, 8_198))?;
        let dataset = Dataset::build(&cache, Pages::Base, 1, &Progress::new())?;
        let words = json!({ "is_reduced": true, "dataset_bytes": cache.parameters().dataset_bytes() });
        let ours = searchers(&dataset);
        let theirs = ethash_crate::Full { dataset: &dataset };
        let mut run = Self::run_of("ethash", "search", words, self.plan(1, 0.05));
        self.add_searchers(&mut run, &ours, &theirs, &dataset, "4k");
        let reason = "a quick run has a reduced dataset, which it cannot take".to_owned();
        run.miss(chfast::NAME, "search", Absent { reason, hint: "leave --quick out" });
        self.record(run)
    }

    fn add_searchers<'c>(
        &self,
        run: &mut Run<'c>,
        ours: &'c [Box<dyn Searcher + 'c>],
        theirs: &'c dyn Searcher,
        dataset: &'c Dataset,
        pages: &'static str,
    ) {
        for (limit, &threads) in self.threads.iter().enumerate() {
            run.limits.push(Box::new(ReadLimit::new(dataset, threads, pages)));
            let ours = ours.iter().map(AsRef::as_ref).filter(|searcher| searcher.name() != "reference");
            for searcher in ours.chain([theirs]) {
                let contender = Box::new(Search::new(searcher, dataset, threads, pages));
                run.entries.push(Entry { contender, limit: Some(limit) });
            }
        }
    }

    /// A driver with the dataset in its memory. It goes there through a file: the driver would compute it
    /// for minutes otherwise, and what it computes is measured elsewhere.
    fn chfast_with_dataset(
        &self,
        dataset: &Dataset,
        pages: &'static str,
    ) -> anyhow::Result<Result<Driver, Absent>> {
        let driver = match self.chfast() {
            Ok(driver) => driver,
            Err(absent) => return Ok(Err(absent)),
        };
        let path = sources::folder().join("items.bin");
        write_items(dataset, &path).with_context(|| format!("cannot write {}", path.display()))?;
        let loaded = chfast::load(&driver, pages, &path.canonicalize()?);
        std::fs::remove_file(&path)?;
        loaded?;
        Ok(Ok(driver))
    }

    fn record(&self, run: Run<'_>) -> anyhow::Result<Record> {
        let started_at = Utc::now();
        say(&format!("measuring {} ({})", run.benchmark, run.headline));
        let outcome = harness::run(run.limits, run.entries, &run.plan, &self.stop, &mut |event| {
            if let Event::Sampled { identity, rate } = event {
                say(&format!("  {}: {rate:.0} {}/s", identity.label(), identity.unit));
            }
        })?;
        let full = if self.arguments.full { " --full" } else { "" };
        let context = Context {
            benchmark: run.benchmark.to_owned(),
            headline: run.headline.to_owned(),
            workload: run.workload,
            started_at,
            command: format!("cargo run --release -p medrec-peers -- hashrate{full}"),
            plan: run.plan,
            machine: Machine::describe(),
            missing: run.missing,
        };
        Ok(Record::new(context, outcome)?)
    }
}

fn write_items(dataset: &Dataset, path: &Path) -> std::io::Result<()> {
    let mut file = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    for item in dataset.items() {
        file.write_all(&reference::bytes_of(item))?;
    }
    file.flush()
}

/// The newest record of each benchmark on each graphics device under `folder`.
fn device_records(folder: &Path) -> anyhow::Result<Vec<Record>> {
    let Ok(devices) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut newest: Vec<Record> = Vec::new();
    for device in devices {
        let entries = std::fs::read_dir(device?.path())?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        // Names begin with the time, so the last names are the newest.
        paths.sort();
        for path in paths.into_iter().rev() {
            let record = Record::load(&path)?;
            let is_newer = newest.iter().all(|known| {
                (&known.machine.device, &known.benchmark) != (&record.machine.device, &record.benchmark)
            });
            if record.machine.device.is_some() && is_newer {
                newest.push(record);
            }
        }
    }
    Ok(newest)
}
