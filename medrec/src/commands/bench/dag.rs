//! `medrec bench dag`.

use medrec_benches::definition::dag::{DatasetBuild, LightCacheBuild, light_cache};
use medrec_benches::harness::{Contender, Entry};
use medrec_kernels::ethash::Parameters;
use medrec_kernels::isa::Isa;
use medrec_kernels::memory::Pages;

use super::measure::{About, measure};
use super::plan::Sampling;
use super::{device, epoch};
use crate::args::DagArguments;
use crate::interrupt;
use crate::shell::Shell;

pub(super) fn run(arguments: &DagArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let sampling = Sampling::new(&arguments.sampling)?;
    let parameters = epoch::parameters(&arguments.epoch)?;
    if let Some(selector) = &arguments.device {
        return device::dag(&sampling, arguments, &parameters, selector, shell);
    }
    let chosen = sampling.choose(Isa::available(), |isa| isa.name().to_owned())?;
    let entries = entries(&parameters, &chosen, &sampling.threads, arguments.whole)?;
    let headline = if arguments.whole { "dataset" } else { "dataset-part" };
    let extent = if arguments.whole { "whole datasets" } else { "parts of the dataset" };
    let about = About {
        benchmark: "dag",
        headline,
        title: format!("light cache and {extent}, {}", epoch::title(&parameters, &arguments.epoch)),
        workload: epoch::workload(&parameters, &arguments.epoch),
        device: None,
        missing: Vec::new(),
    };
    measure(&sampling, about, Vec::new(), entries, shell)
}

fn entries(
    parameters: &Parameters,
    chosen: &[Isa],
    threads: &[usize],
    is_whole: bool,
) -> anyhow::Result<Vec<Entry<'static>>> {
    let stop = interrupt::flag()?;
    let light = LightCacheBuild { parameters: *parameters };
    let mut contenders: Vec<Box<dyn Contender>> = vec![Box::new(light)];
    for &isa in chosen {
        for &threads in threads {
            // Each contender owns its cache: 16 MiB and half a second, before anything is timed.
            let cache = light_cache(parameters)?;
            contenders.push(Box::new(DatasetBuild::new(cache, isa, Pages::Huge, threads, is_whole, stop)?));
        }
    }
    Ok(contenders.into_iter().map(|contender| Entry { contender, limit: None }).collect())
}
