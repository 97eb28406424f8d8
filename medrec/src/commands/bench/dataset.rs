//! The light cache and dataset that a benchmark needs: built when there are none yet, with a progress bar.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;
use medrec_benches::BenchError;
use medrec_kernels::ethash::light::BuildError;
use medrec_kernels::ethash::{Dataset, LightCache, Parameters};
use medrec_kernels::memory::Pages;
use medrec_kernels::progress::Progress;
use medrec_kernels::store::{DatasetOptions, Origin, Store, StoreError, Stored};

use crate::args::EthashArguments;
use crate::cache_folder::cache_folder;
use crate::interrupt;
use crate::shell::Shell;

/// Builds the light cache of `parameters`.
pub(super) fn light_cache(parameters: &Parameters, shell: &mut Shell) -> anyhow::Result<LightCache> {
    shell.detail("building the light cache");
    with_bar(shell, "light cache", "rows", |progress| {
        LightCache::build(parameters, progress).map_err(build_error)
    })
}

/// The dataset of `parameters`: from the folder of datasets, or built by all processors and kept there. A
/// reduced one is built in memory: nobody will want it again.
pub(super) fn obtain(
    parameters: &Parameters,
    pages: Pages,
    arguments: &EthashArguments,
    shell: &mut Shell,
) -> anyhow::Result<Dataset> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if arguments.epoch.reduced {
        let cache = light_cache(parameters, shell)?;
        return with_bar(shell, "dataset", "items", |progress| {
            Dataset::build(&cache, pages, threads, progress).map_err(build_error)
        });
    }
    let store = Store::open(cache_folder(arguments.cache_dir.as_deref())?)?;
    let cache = with_bar(shell, "light cache", "rows", |progress| {
        store.light_cache(parameters, progress).map_err(store_error)
    })?;
    tell(&cache, "light cache", shell);
    let dataset = with_bar(shell, "dataset", "items", |progress| {
        store.dataset(&cache.value, DatasetOptions { pages, threads }, progress).map_err(store_error)
    })?;
    tell(&dataset, "dataset", shell);
    Ok(dataset.value)
}

/// Says where a table came from, and warns when its file was damaged.
fn tell<T>(stored: &Stored<T>, what: &str, shell: &mut Shell) {
    let path = stored.path.display();
    match &stored.origin {
        Origin::Loaded => shell.detail(&format!("loaded the {what} from {path}")),
        Origin::Built { damage: Some(damage), .. } => {
            shell.warning(&format!("{path}: {damage}; what was damaged was built again"));
        }
        Origin::Built { resumed_rows: 0, .. } => shell.status(&format!("built the {what}, kept in {path}")),
        Origin::Built { resumed_rows, .. } => {
            shell.status(&format!("went on with {resumed_rows} rows of the {what}, kept in {path}"));
        }
    }
}

fn build_error(error: BuildError) -> anyhow::Error {
    match error {
        BuildError::Stopped => BenchError::Stopped.into(),
        other => other.into(),
    }
}

fn store_error(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Build(error) => build_error(error),
        other => other.into(),
    }
}

/// Runs `work` while a bar follows its progress and Ctrl-C stops it.
pub(super) fn with_bar<T>(
    shell: &Shell,
    message: &'static str,
    unit: &str,
    work: impl FnOnce(&Progress) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let stop = interrupt::flag()?;
    let progress = Progress::new();
    let is_done = AtomicBool::new(false);
    let bar = shell.bar(message, 0, unit);
    let result = std::thread::scope(|scope| {
        scope.spawn(|| follow(&progress, &bar, stop, &is_done));
        let result = work(&progress);
        is_done.store(true, Ordering::Relaxed);
        result
    });
    bar.finish_and_clear();
    result
}

fn follow(progress: &Progress, bar: &ProgressBar, stop: &AtomicBool, is_done: &AtomicBool) {
    while !is_done.load(Ordering::Relaxed) {
        if stop.load(Ordering::Relaxed) {
            progress.request_stop();
        }
        bar.set_length(progress.total());
        bar.set_position(progress.done());
        std::thread::sleep(Duration::from_millis(20));
    }
}
