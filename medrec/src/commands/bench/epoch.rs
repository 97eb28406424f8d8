//! Which dataset a benchmark works on.

use medrec_kernels::ethash::{Parameters, ParametersError, Schedule};
use serde_json::{Value, json};

use crate::args::EpochArguments;

/// The reduced dataset of `--reduced`: its seed is no network's.
const REDUCED: Parameters = Parameters::reduced([0x5a; 32], 1_021, 8_198);

pub(super) fn parameters(arguments: &EpochArguments) -> Result<Parameters, ParametersError> {
    if arguments.reduced {
        return Ok(REDUCED);
    }
    Parameters::of_epoch(Schedule::Ethash, arguments.epoch)
}

pub(super) fn title(parameters: &Parameters, arguments: &EpochArguments) -> String {
    let dataset = format!("{:.1} MiB", mebibytes(parameters.dataset_bytes()));
    if arguments.reduced {
        format!("reduced dataset ({dataset})")
    } else {
        format!("epoch {} ({dataset})", arguments.epoch)
    }
}

pub(super) fn workload(parameters: &Parameters, arguments: &EpochArguments) -> Value {
    json!({
        "schedule": parameters.schedule.name(),
        "epoch": if arguments.reduced { Value::Null } else { Value::from(arguments.epoch) },
        "is_reduced": arguments.reduced,
        "cache_bytes": parameters.cache_bytes(),
        "dataset_bytes": parameters.dataset_bytes(),
    })
}

fn mebibytes(bytes: u64) -> f64 {
    medrec_benches::statistics::as_f64(bytes) / 1_048_576.0
}
