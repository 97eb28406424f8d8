//! `medrec bench ethash`.

use medrec_benches::definition::dag::light_cache;
use medrec_benches::definition::ethash::{Search, Searcher, searchers};
use medrec_benches::definition::light::{CacheHasher, LightHashing};
use medrec_benches::definition::limit::ReadLimit;
use medrec_benches::harness::{Contender, Entry};
use medrec_kernels::ethash::{Dataset, Parameters};
use medrec_kernels::isa::Isa;
use medrec_kernels::memory::Pages;

use super::measure::{About, measure};
use super::plan::Sampling;
use super::{dataset, device, epoch};
use crate::args::{EthashArguments, PagesArgument};
use crate::exit::Unavailable;
use crate::shell::Shell;

pub(super) fn run(arguments: &EthashArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let sampling = Sampling::new(&arguments.sampling)?;
    let parameters = epoch::parameters(&arguments.epoch)?;
    if arguments.light {
        return light(&sampling, arguments, &parameters, shell);
    }
    if let Some(selector) = &arguments.device {
        return device::search(&sampling, arguments, &parameters, selector, shell);
    }
    full(&sampling, arguments, &parameters, shell)
}

/// Full search over a dataset in memory.
fn full(
    sampling: &Sampling,
    arguments: &EthashArguments,
    parameters: &Parameters,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    // Names are checked before a gigabyte is built.
    sampling.choose(engine_names(), String::clone)?;
    let pages = match arguments.pages {
        Some(PagesArgument::Small) => Pages::Base,
        Some(PagesArgument::Huge) | None => Pages::Huge,
    };
    let dataset = dataset::obtain(parameters, pages, arguments, shell)?;
    let pages = page_name(&dataset, arguments, shell)?;

    let chosen = sampling.choose(searchers(&dataset), |searcher| searcher.name())?;
    let limits: Vec<Box<dyn Contender + '_>> = sampling
        .threads
        .iter()
        .map(|&threads| Box::new(ReadLimit::new(&dataset, threads, pages)) as Box<dyn Contender + '_>)
        .collect();
    let entries = entries(&chosen, &dataset, &sampling.threads, pages);
    let about = About {
        benchmark: "ethash",
        headline: "search",
        title: format!("Ethash search, {}", epoch::title(parameters, &arguments.epoch)),
        workload: epoch::workload(parameters, &arguments.epoch),
        device: None,
        missing: Vec::new(),
    };
    measure(sampling, about, limits, entries, shell)
}

/// Every searcher with every number of threads, each held against the limit of that number.
fn entries<'d>(
    searchers: &'d [Box<dyn Searcher + 'd>],
    dataset: &'d Dataset,
    threads: &[usize],
    pages: &'static str,
) -> Vec<Entry<'d>> {
    let per_count = |(limit, &threads): (usize, &usize)| {
        searchers.iter().map(move |searcher| Entry {
            contender: Box::new(Search::new(searcher.as_ref(), dataset, threads, pages)),
            limit: Some(limit),
        })
    };
    threads.iter().enumerate().flat_map(per_count).collect()
}

fn engine_names() -> Vec<String> {
    let available = Isa::available().into_iter().map(|isa| isa.name().to_owned());
    std::iter::once("reference".to_owned()).chain(available).collect()
}

/// On which pages the dataset really lies. Huge ones that were asked for and not given are an error; those
/// that were only hoped for, a warning.
fn page_name(
    dataset: &Dataset,
    arguments: &EthashArguments,
    shell: &mut Shell,
) -> anyhow::Result<&'static str> {
    if arguments.pages == Some(PagesArgument::Small) {
        return Ok("4k");
    }
    let found = dataset.huge_page_use();
    // A dataset that does not fill one huge page cannot lie on them: the question does not arise.
    if found.is_complete() && found.huge_bytes != Some(0) {
        return Ok("huge");
    }
    let given =
        found.huge_bytes.map_or_else(|| "an unknown part".to_owned(), |bytes| format!("{bytes} bytes"));
    let problem = format!("the system put {given} of {} bytes on huge pages", found.total_bytes);
    let hint = "hint: write madvise or always to /sys/kernel/mm/transparent_hugepage/enabled, or free memory";
    if arguments.pages == Some(PagesArgument::Huge) {
        return Err(Unavailable(format!("{problem}\n\n{hint}")).into());
    }
    shell.warning(&format!("{problem}: measured as 4 KiB pages\n\n{hint}"));
    Ok("4k")
}

/// Hashing from the light cache alone, as verifiers do.
fn light(
    sampling: &Sampling,
    arguments: &EthashArguments,
    parameters: &Parameters,
    shell: &mut Shell,
) -> anyhow::Result<()> {
    let chosen = sampling.choose(Isa::available(), |isa| isa.name().to_owned())?;
    let mut caches = Vec::new();
    for isa in chosen {
        caches.extend(light_cache(parameters)?.with_isa(isa));
    }
    let hashers: Vec<CacheHasher<'_>> = caches
        .iter()
        .flat_map(|cache| [false, true].map(|is_batch| CacheHasher { cache, is_batch }))
        .collect();
    let hashers = &hashers;
    let per_count = |&threads: &usize| {
        hashers.iter().map(move |hasher| Entry {
            contender: Box::new(LightHashing { hasher, cache: hasher.cache, threads }),
            limit: None,
        })
    };
    let entries = sampling.threads.iter().flat_map(per_count).collect();
    let about = About {
        benchmark: "ethash",
        headline: "light-hash-batch",
        title: format!("Ethash light hashing, {}", epoch::title(parameters, &arguments.epoch)),
        workload: epoch::workload(parameters, &arguments.epoch),
        device: None,
        missing: Vec::new(),
    };
    measure(sampling, about, Vec::new(), entries, shell)
}
