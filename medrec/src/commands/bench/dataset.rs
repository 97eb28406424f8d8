//! The light cache and dataset that a benchmark needs: built when there are none yet, with a progress bar.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;
use medrec_benches::BenchError;
use medrec_kernels::ethash::light::BuildError;
use medrec_kernels::ethash::{Dataset, LightCache, Parameters};
use medrec_kernels::memory::Pages;
use medrec_kernels::progress::Progress;

use crate::args::EthashArguments;
use crate::interrupt;
use crate::shell::Shell;

/// Builds the light cache of `parameters`.
pub(super) fn light_cache(parameters: &Parameters, shell: &mut Shell) -> anyhow::Result<LightCache> {
    shell.detail("building the light cache");
    with_bar(shell, "light cache", "rows", |progress| {
        LightCache::build(parameters, progress).map_err(stopped)
    })
}

/// Builds the dataset of `parameters` on all processors.
pub(super) fn obtain(
    parameters: &Parameters,
    pages: Pages,
    _arguments: &EthashArguments,
    shell: &mut Shell,
) -> anyhow::Result<Dataset> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let cache = light_cache(parameters, shell)?;
    shell.detail("building the dataset");
    with_bar(shell, "dataset", "items", |progress| {
        Dataset::build(&cache, pages, threads, progress).map_err(stopped)
    })
}

fn stopped(error: BuildError) -> anyhow::Error {
    match error {
        BuildError::Stopped => BenchError::Stopped.into(),
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
