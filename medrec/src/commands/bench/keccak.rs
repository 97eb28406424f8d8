//! `medrec bench keccak`.

use medrec_benches::definition::keccak::{Hasher, Hashing, Width, Workload, hashers};
use medrec_benches::harness::Entry;

use super::measure::{About, measure};
use super::plan::Sampling;
use crate::args::{Bits, KeccakArguments};
use crate::exit::Usage;
use crate::shell::Shell;

/// Longer messages measure memory, not Keccak.
const MAXIMUM_MESSAGE_BYTES: usize = 1 << 16;

pub(super) fn run(arguments: &KeccakArguments, shell: &mut Shell) -> anyhow::Result<()> {
    let sampling = Sampling::new(&arguments.sampling)?;
    let message_bytes = arguments.message_bytes;
    if message_bytes > MAXIMUM_MESSAGE_BYTES {
        let message = format!("--message-bytes {message_bytes}: at most {MAXIMUM_MESSAGE_BYTES} bytes");
        return Err(Usage(message).into());
    }
    let width = match arguments.bits {
        Bits::Bits256 => Width::Bits256,
        Bits::Bits512 => Width::Bits512,
    };
    let workload = Workload { width, message_bytes };
    let chosen = sampling.choose(hashers(), |hasher| hasher.name())?;
    let entries = entries(&chosen, &sampling.threads, workload);
    let about = About {
        benchmark: "keccak",
        headline: width.measure(),
        title: format!("{} of {message_bytes}-byte messages", width.measure()),
        workload: serde_json::json!({
            "digest_bits": 8 * width.digest_bytes(),
            "message_bytes": message_bytes,
        }),
        device: None,
        missing: Vec::new(),
    };
    measure(&sampling, about, Vec::new(), entries, shell)
}

fn entries<'h>(hashers: &'h [Box<dyn Hasher>], threads: &[usize], workload: Workload) -> Vec<Entry<'h>> {
    let per_count = |threads: usize| {
        hashers.iter().map(move |hasher| Entry {
            contender: Box::new(Hashing { hasher: hasher.as_ref(), threads, workload }),
            limit: None,
        })
    };
    threads.iter().copied().flat_map(per_count).collect()
}
