//! What the two researchers mine with: graphics devices where there are any, else the processor.
//!
//! A device hashes from the light cache, as the processor does beside it: its dataset would be a gigabyte that is made for
//! eighty easy blocks. It is tried before anything is built on it, and what fails is told and replaced by the processor. Since
//! even so a device may be a hundred times as fast as the other researcher's threads, nobody is let be faster than the slower
//! of the two: both are to earn something in a demo. `medrec mine` knows no such restraint.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use medrec_benches::definition::light::thread_hashrate_hps;
use medrec_kernels::ethash::light::BuildError;
use medrec_kernels::ethash::{Engine, LightCache, Parameters, Schedule};
use medrec_kernels::opencl::{Device, DeviceKind, LightSearcher, OpenClError, devices};
use medrec_kernels::progress::Progress;

use crate::args::DemoArguments;
use crate::commands::equipment;
use crate::exit::Usage;
use crate::table::rate;

/// Who mines.
pub(super) const RESEARCHERS: usize = 2;
/// What `--device` takes for the processor alone.
const NONE: &str = "none";
/// How long a hashrate is measured.
const MEASURED: Duration = Duration::from_millis(250);
/// A device whose driver has not built the kernel, hashed and answered by then is left alone.
const TRIAL: Duration = Duration::from_mins(1);

/// What is asked for, before anything is tried.
pub(super) struct Wish {
    engine: Engine,
    devices: Vec<Device>,
    /// Whether the user named them: then they are used even where the processor is faster.
    are_named: bool,
    /// Why there are no more devices, when that is worth a word.
    remark: Option<String>,
}

/// Where a researcher's hashes come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source<D> {
    /// Its threads of the processor.
    Processor,
    /// A device of its own.
    Device(D),
}

/// What a researcher mines with, and how fast that is when it is not held back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rig<D = Device> {
    pub(super) source: Source<D>,
    pub(super) hashrate_hps: f64,
}

/// What both mine with.
pub(super) struct Rigs {
    pub(super) engine: Engine,
    /// Threads of a researcher on the processor.
    pub(super) threads: usize,
    pub(super) each: Vec<Rig>,
    /// What was tried and not taken.
    pub(super) remarks: Vec<String>,
}

impl Wish {
    /// From the arguments; nothing is started.
    pub(super) fn of(arguments: &DemoArguments) -> anyhow::Result<Self> {
        let engine = equipment::engine(arguments.engine.as_deref())?;
        let (devices, remark) = match arguments.devices.as_slice() {
            [] => found_by_themselves(devices()),
            [only] if only == NONE => (Vec::new(), None),
            named if named.len() > RESEARCHERS => {
                let problem = format!("--device names {} devices", named.len());
                let hint = format!("hint: {RESEARCHERS} researchers take one each");
                return Err(Usage(format!("{problem}\n\n{hint}")).into());
            }
            named => (equipment::named_devices(named)?, None),
        };
        Ok(Self { engine, devices, are_named: !arguments.devices.is_empty(), remark })
    }

    /// What will be tried, in a sentence each.
    pub(super) fn in_words(&self) -> Vec<String> {
        let trial =
            |device: &Device| format!("trying {}: some hashes of it, and how fast it is", device.name);
        self.devices.iter().map(trial).collect()
    }

    /// Tries the devices and measures everything.
    pub(super) async fn fulfil(self) -> anyhow::Result<Rigs> {
        let Self { engine, devices, are_named, remark } = self;
        let threads = threads(RESEARCHERS);
        let cache = Arc::new(tokio::task::spawn_blocking(move || light_cache(engine)).await??);
        let measured = Arc::clone(&cache);
        let thread_hps =
            tokio::task::spawn_blocking(move || thread_hashrate_hps(&measured, MEASURED)).await?;
        let processor_hps = thread_hps * f64::from(u32::try_from(threads)?);
        let mut tried = Vec::new();
        for device in devices {
            let outcome = tried_out(&device, &cache).await;
            let outcome =
                if are_named { outcome } else { outcome.and_then(|hps| worth_it(hps, processor_hps)) };
            let name = device.name.clone();
            tried.push((device, outcome.map_err(|why| format!("{name} is not used: {why}"))));
        }
        let (rigs, failures) = shared_out(tried, processor_hps, RESEARCHERS);
        Ok(Rigs { engine, threads, each: rigs, remarks: remark.into_iter().chain(failures).collect() })
    }
}

/// Graphics devices, one for each researcher at the most. A processor that OpenCL offers as a device is none: the engines
/// are faster on it.
fn found_by_themselves(listed: Result<Vec<Device>, OpenClError>) -> (Vec<Device>, Option<String>) {
    match listed {
        Ok(all) => {
            let graphics =
                all.into_iter().filter(|device| device.kind == DeviceKind::Gpu && device.is_available);
            (graphics.take(RESEARCHERS).collect(), None)
        }
        Err(OpenClError::LoaderMissing | OpenClError::NoPlatform) => (Vec::new(), None),
        Err(error) => (Vec::new(), Some(format!("no graphics device is used: {error}"))),
    }
}

/// A device that is slower than the threads that it would replace is not worth it.
fn worth_it(device_hps: f64, processor_hps: f64) -> Result<f64, String> {
    if device_hps >= processor_hps {
        return Ok(device_hps);
    }
    let [device, processor] = [device_hps, processor_hps].map(|hps| rate(hps, "hash"));
    Err(format!("it does {device}, and the processor {processor}"))
}

/// The devices that work go to the researchers in their order, the processor to the others; what failed is told.
fn shared_out<D>(
    tried: Vec<(D, Result<f64, String>)>,
    processor_hps: f64,
    researchers: usize,
) -> (Vec<Rig<D>>, Vec<String>) {
    let mut failures = Vec::new();
    let mut rigs = Vec::new();
    for (device, outcome) in tried {
        match outcome {
            Ok(hashrate_hps) => rigs.push(Rig { source: Source::Device(device), hashrate_hps }),
            Err(why) => failures.push(why),
        }
    }
    while rigs.len() < researchers {
        rigs.push(Rig { source: Source::Processor, hashrate_hps: processor_hps });
    }
    (rigs, failures)
}

impl Rigs {
    /// The hashrate above which a device is held back.
    pub(super) fn device_limit_hps(&self) -> anyhow::Result<u64> {
        format!("{:.0}", slowest(&self.each).max(1.0)).parse().context("a hashrate is no whole number")
    }

    /// What all of them together hash a second.
    pub(super) fn hashrate_hps(&self) -> f64 {
        let slowest = slowest(&self.each);
        let used = |rig: &Rig| match rig.source {
            Source::Device(_) => rig.hashrate_hps.min(slowest),
            Source::Processor => rig.hashrate_hps,
        };
        self.each.iter().map(used).sum()
    }

    /// What a rig is called.
    pub(super) fn name(&self, rig: &Rig) -> String {
        match &rig.source {
            Source::Device(device) => device.name.clone(),
            Source::Processor => {
                let plural = if self.threads == 1 { "" } else { "s" };
                format!("processor, {} thread{plural} of {}", self.threads, self.engine.name())
            }
        }
    }

    /// What those of these names mine on, in a line each.
    pub(super) fn in_words(&self, names: &[&str]) -> Vec<String> {
        let slowest = slowest(&self.each);
        let line = |(name, rig): (&&str, &Rig)| {
            let full = rate(rig.hashrate_hps, "hash");
            let held_back = matches!(rig.source, Source::Device(_)) && rig.hashrate_hps > slowest;
            let rest = if held_back {
                format!(
                    "held back to {}, so that both find blocks; it could do {full}",
                    rate(slowest, "hash")
                )
            } else {
                full
            };
            format!("{name} mines on {}: {rest}", self.name(rig))
        };
        names.iter().zip(&self.each).map(line).collect()
    }
}

fn slowest<D>(rigs: &[Rig<D>]) -> f64 {
    rigs.iter().map(|rig| rig.hashrate_hps).fold(f64::INFINITY, f64::min)
}

/// Threads of each of `miners` on this machine.
fn threads(miners: usize) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors / miners.max(1)).max(1)
}

fn light_cache(engine: Engine) -> anyhow::Result<LightCache> {
    let parameters = Parameters::of_epoch(Schedule::Ethash, 0)?;
    let cache = LightCache::build(&parameters, &Progress::new())
        .map_err(|error: BuildError| anyhow::anyhow!(error))?;
    cache.with_isa(engine.isa()).context("the engine does not run here")
}

/// Builds the kernel for a device, holds some of its hashes against the processor's and measures it; why not, in words.
async fn tried_out(device: &Device, cache: &Arc<LightCache>) -> Result<f64, String> {
    let (device, cache) = (device.clone(), Arc::clone(cache));
    let trial = tokio::task::spawn_blocking(move || {
        LightSearcher::new(&device, &cache)?.measure_hashrate_hps(MEASURED.as_secs_f64())
    });
    match tokio::time::timeout(TRIAL, trial).await {
        Ok(Ok(measured)) => measured.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(format!("its trial ended: {error}")),
        // The thread in the driver cannot be ended; it goes with the process.
        Err(_) => Err(format!("it gave no answer within {} s", TRIAL.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_that_opencl_offers_is_not_taken_for_a_graphics_device() {
        let all = devices().expect("an OpenCL driver: `cargo xtask setup` installs one");
        assert!(all.iter().any(|device| device.kind == DeviceKind::Cpu), "PoCL is there");
        let (found, remark) = found_by_themselves(Ok(all));
        assert!(found.iter().all(|device| device.kind == DeviceKind::Gpu), "{found:?}");
        assert_eq!(remark, None);
        let (found, remark) = found_by_themselves(Err(OpenClError::NoPlatform));
        assert_eq!((found.len(), remark), (0, None), "nobody asked for a device");
    }

    #[test]
    fn a_device_that_fails_its_trial_is_told_and_replaced_by_the_processor() {
        let fails = |why: &str| Err(why.to_owned());
        let (rigs, told) = shared_out(vec![("one", fails("wrong")), ("two", Ok(900.0))], 100.0, 2);
        let device = Rig { source: Source::Device("two"), hashrate_hps: 900.0 };
        let processor = Rig { source: Source::Processor, hashrate_hps: 100.0 };
        assert_eq!((rigs, told), (vec![device, processor.clone()], vec!["wrong".to_owned()]));
        assert_eq!(worth_it(100.0, 100.0), Ok(100.0));
        assert!(worth_it(99.0, 100.0).unwrap_err().contains("it does 99.000 H/s"));
        let (rigs, told) = shared_out(vec![("one", fails("a")), ("two", fails("b"))], 100.0, 2);
        assert_eq!((rigs, told.len()), (vec![processor.clone(), processor], 2));
    }

    #[tokio::test]
    async fn a_trial_measures_a_device_or_says_why_it_cannot_be_used() {
        let device = devices().unwrap().remove(0);
        let cache = |items| {
            let parameters = Parameters::reduced([1; 32], 1_021, items);
            Arc::new(LightCache::build(&parameters, &Progress::new()).unwrap())
        };
        assert!(tried_out(&device, &cache(8_198)).await.unwrap() > 1.0);
        let why = tried_out(&device, &cache(1)).await.unwrap_err();
        assert!(why.contains("at least 2 items"), "{why}");
    }

    #[test]
    fn a_fast_device_is_held_back_to_the_slower_researcher_and_a_processor_never_is() {
        let device = devices().unwrap().remove(0);
        let rigs = |device_hps: f64| Rigs {
            engine: Engine::best(),
            threads: 1,
            each: vec![
                Rig { source: Source::Device(device.clone()), hashrate_hps: device_hps },
                Rig { source: Source::Processor, hashrate_hps: 100.0 },
            ],
            remarks: Vec::new(),
        };
        let fast = rigs(5_000.0);
        assert_eq!(fast.device_limit_hps().unwrap(), 100);
        assert!((fast.hashrate_hps() - 200.0).abs() < 1e-9);
        let told = fast.in_words(&["One", "Two"]);
        assert!(
            told[0].starts_with("One mines on ") && told[0].contains("held back to 100.000 H/s"),
            "{told:?}"
        );
        assert!(told[1].starts_with("Two mines on processor, 1 thread of"), "{told:?}");
        let slow = rigs(40.0);
        assert!((slow.hashrate_hps() - 140.0).abs() < 1e-9);
        assert!(!slow.in_words(&["One"])[0].contains("held back"));
    }
}
