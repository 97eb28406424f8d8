//! `medrec bench ethash --device` and `medrec bench dag --device`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use medrec_benches::BenchError;
use medrec_benches::definition::device::{DeviceDatasetBuild, DeviceLimit, DeviceSearch};
use medrec_benches::harness::Entry;
use medrec_kernels::ethash::{LightCache, Parameters};
use medrec_kernels::opencl::autotune::autotune;
use medrec_kernels::opencl::{
    Device, DeviceDataset, DeviceSelector, OpenClError, OpenClSearcher, SearcherOptions, Tuning, TuningFile,
    Verify, devices, select,
};
use medrec_kernels::progress::Progress;

use super::measure::{About, measure};
use super::plan::Sampling;
use super::{dataset, epoch};
use crate::args::{DagArguments, EthashArguments};
use crate::cache_folder::cache_folder;
use crate::exit::Unavailable;
use crate::shell::Shell;

/// No new tuning is tried after this long.
const TUNING_BUDGET: Duration = Duration::from_secs(20);

/// Full search on a device.
pub(super) fn search(
    sampling: &Sampling,
    arguments: &EthashArguments,
    parameters: &Parameters,
    selector: &str,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let device = open(selector)?;
    let cache = Arc::new(dataset::light_cache(parameters, shell)?);
    shell.status(&format!("generating the dataset on {}", device.name));
    let on_device = dataset::with_bar(shell, "dataset", "items", |progress| {
        DeviceDataset::generate(&device, parameters, cache.rows(), progress).map_err(stopped)
    })?;
    let on_device = Arc::new(on_device);
    let verify: Verify = {
        let cache = Arc::clone(&cache);
        Arc::new(move |header, nonce| cache.hashimoto(header, nonce))
    };
    let tuning = tuning(&device, &on_device, &verify, arguments, shell)?;
    let options = SearcherOptions::default();
    let searcher = OpenClSearcher::over(Arc::clone(&on_device), tuning, verify, options)?;
    let entry = Entry { contender: Box::new(DeviceSearch::new(searcher, &cache)), limit: Some(0) };
    let about = About {
        benchmark: "ethash",
        headline: "search",
        title: format!("Ethash search, {}", epoch::title(parameters, &arguments.epoch)),
        workload: epoch::workload(parameters, &arguments.epoch),
        device: Some(device.name.clone()),
        missing: Vec::new(),
    };
    measure(sampling, about, vec![Box::new(DeviceLimit::new(on_device))], vec![entry], shell)
}

/// Generating the dataset on a device.
pub(super) fn dag(
    sampling: &Sampling,
    arguments: &DagArguments,
    parameters: &Parameters,
    selector: &str,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let device = open(selector)?;
    let cache: LightCache = dataset::light_cache(parameters, shell)?;
    let build = DeviceDatasetBuild { device: device.clone(), cache: &cache };
    let entry = Entry { contender: Box::new(build), limit: None };
    let about = About {
        benchmark: "dag",
        headline: "dataset",
        title: format!("whole datasets, {}", epoch::title(parameters, &arguments.epoch)),
        workload: epoch::workload(parameters, &arguments.epoch),
        device: Some(device.name),
        missing: Vec::new(),
    };
    measure(sampling, about, Vec::new(), vec![entry], shell)
}

/// The one device that `selector` means.
fn open(selector: &str) -> anyhow::Result<Device> {
    let selector = match selector.parse::<DeviceSelector>() {
        Ok(selector) => selector,
        Err(never) => match never {},
    };
    let found = devices().and_then(|all| select(&all, &selector).cloned());
    found.map_err(|error| Unavailable(error.to_string()).into())
}

/// The tuning remembered for the device, else the best of a short trial, which is remembered.
fn tuning(
    device: &Device,
    dataset: &Arc<DeviceDataset>,
    verify: &Verify,
    arguments: &EthashArguments,
    shell: &mut Shell,
) -> anyhow::Result<Tuning> {
    let file = TuningFile::new(cache_folder(arguments.cache_dir.as_deref())?.join("opencl-tuning.json"));
    if let Some(tuning) = file.load(device) {
        shell.detail(&format!("tuning remembered in {}: {tuning:?}", file.path().display()));
        return Ok(tuning);
    }
    shell.status(&format!("trying tunings for {} (at most {} s)", device.name, TUNING_BUDGET.as_secs()));
    let best = autotune(dataset, verify, TUNING_BUDGET, &Progress::new())?;
    for trial in &best.trials {
        shell.detail(&match &trial.hashrate_hps {
            Ok(rate) => format!("{:?}: {}", trial.tuning, crate::table::rate(*rate, "hash")),
            Err(error) => format!("{:?}: {error}", trial.tuning),
        });
    }
    if let Some(folder) = file.path().parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    file.save(device, best.tuning, best.hashrate_hps)?;
    Ok(best.tuning)
}

fn stopped(error: OpenClError) -> anyhow::Error {
    match error {
        OpenClError::Stopped => BenchError::Stopped.into(),
        other => other.into(),
    }
}
