//! Draws vectors of noise on all cores and hands them over at a time that tells nothing.
//!
//! Every chunk builds a measurement of its own, since OpenDP's cannot be shared; the order of chunks is fixed, and as each
//! integer is drawn independently it does not matter which worker draws it.

use std::num::NonZero;
use std::time::Instant;

use medrec_domain::manifest::Mechanism;
use rayon::prelude::*;

use super::problem::noise;
use super::{NoiseSpec, gaussian, laplace, pace};
use crate::error::AnonymizerError;

/// Integers of a chunk: some milliseconds of work.
const CHUNK: usize = 512;

/// Draws the noise of every spec, in their order.
///
/// `stop` is asked now and then; when it says yes, nothing is returned.
///
/// # Privacy
/// Before anything is drawn OpenDP's map is asked for the loss of every spec's sensitivity, which
/// must not pass its charge. The vectors are secret until they have been added to something. The call ends at a whole
/// multiple of a time computed from the specs' lengths and kinds, also when it fails.
///
/// # Errors
/// [`AnonymizerError::Noise`], with a constant text; [`AnonymizerError::Stopped`].
pub fn draw(specs: &[NoiseSpec], stop: &(dyn Fn() -> bool + Sync)) -> Result<Vec<Vec<i64>>, AnonymizerError> {
    let start = Instant::now();
    specs.iter().try_for_each(NoiseSpec::check)?;
    let workers = u64::try_from(rayon::current_num_threads()).unwrap_or(1);
    let quantum = pace::quantum(specs, NonZero::new(workers).unwrap_or(NonZero::<u64>::MIN));
    let drawn = specs.iter().map(|spec| draw_one(spec, stop)).collect();
    pace::wait(start, quantum, stop);
    drawn
}

fn draw_one(spec: &NoiseSpec, stop: &(dyn Fn() -> bool + Sync)) -> Result<Vec<i64>, AnonymizerError> {
    let mut drawn = vec![0; spec.length];
    drawn.par_chunks_mut(CHUNK).try_for_each(|chunk| {
        if stop() {
            return Err(AnonymizerError::Stopped);
        }
        chunk.copy_from_slice(&sample(spec, chunk.len())?);
        Ok(())
    })?;
    Ok(drawn)
}

/// Draws on this thread.
pub(super) fn sample(spec: &NoiseSpec, length: usize) -> Result<Vec<i64>, AnonymizerError> {
    let drawn = generator::rand::buffered(|| match spec.mechanism {
        Mechanism::DiscreteGaussian => gaussian::sample(&spec.scale, length),
        Mechanism::DiscreteLaplace => laplace::sample(&spec.scale, length),
        _ => Err(noise("its kind is not known here")),
    })?;
    let fits = |integer| i64::try_from(integer).map_err(|_| noise("it does not fit 64 bits"));
    drawn.into_iter().map(fits).collect()
}
