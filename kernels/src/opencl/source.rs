//! The kernels' sources and how they are compiled.
//!
//! Size constants go from `parameters.rs` to the `.cl` files by `-D`, so that each is written once. What the
//! kernels do is told in the `.cl` files.

use opencl3::error_codes::CL_BUILD_PROGRAM_FAILURE;
use opencl3::kernel::Kernel;
use opencl3::program::Program;

use super::context::DeviceContext;
use super::error::OpenClError;
use crate::ethash::parameters::{ACCESSES, DATASET_PARENTS, FNV_PRIME, PAGE_BYTES};
use crate::keccak::reference::keccak256;

const ETHASH: &str = include_str!("cl/ethash.cl");
const KECCAK: &str = include_str!("cl/keccak.cl");
const RESULTS: &str = include_str!("cl/results.cl");
const SEARCH_GROUP: &str = include_str!("cl/search_group.cl");
const SEARCH_VECTOR: &str = include_str!("cl/search_vector.cl");
const SEARCH_LIGHT: &str = include_str!("cl/search_light.cl");
const ITEM: &str = include_str!("cl/item.cl");
const DATASET_ITEM: &str = include_str!("cl/dataset_item.cl");
const DATASET_VECTOR: &str = include_str!("cl/dataset_vector.cl");
const LIMIT: &str = include_str!("cl/limit.cl");

/// Words of the result buffer before its slots; `results.cl`.
pub(super) const RESULT_HEADER_WORDS: usize = 4;
/// Words of one slot: nonce offset, mix hash, final hash.
pub(super) const RESULT_SLOT_WORDS: usize = 17;
/// Bytes of an OpenCL `uint4`.
const QUAD_BYTES: u64 = 16;

/// The programs, one kernel each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramKind {
    /// Search with several work-items a hash, for GPUs.
    SearchGroup,
    /// Search with eight hashes a work-item, for CPU devices.
    SearchVector,
    /// Search from the light cache alone, with one hash a work-item.
    SearchLight,
    /// Dataset with one item a work-item, for GPUs.
    DatasetItem,
    /// Dataset with eight items a work-item, for CPU devices.
    DatasetVector,
    /// Random reads.
    Limit,
}

impl ProgramKind {
    /// Every program.
    pub const ALL: [Self; 6] = [
        Self::SearchGroup,
        Self::SearchVector,
        Self::SearchLight,
        Self::DatasetItem,
        Self::DatasetVector,
        Self::Limit,
    ];

    /// The program's sources, to be compiled as one text in this order.
    pub const fn parts(self) -> &'static [&'static str] {
        match self {
            Self::SearchGroup => &[ETHASH, KECCAK, RESULTS, SEARCH_GROUP],
            Self::SearchVector => &[ETHASH, KECCAK, RESULTS, SEARCH_VECTOR],
            Self::SearchLight => &[ETHASH, KECCAK, RESULTS, ITEM, SEARCH_LIGHT],
            Self::DatasetItem => &[ETHASH, KECCAK, ITEM, DATASET_ITEM],
            Self::DatasetVector => &[ETHASH, KECCAK, DATASET_VECTOR],
            Self::Limit => &[ETHASH, LIMIT],
        }
    }

    const fn kernel(self) -> &'static str {
        match self {
            Self::SearchGroup => "search_group",
            Self::SearchVector => "search_vector",
            Self::SearchLight => "search_light",
            Self::DatasetItem | Self::DatasetVector => "dataset_items",
            Self::Limit => "random_reads",
        }
    }

    const fn lane(self) -> &'static str {
        match self {
            Self::SearchGroup | Self::SearchLight | Self::DatasetItem | Self::Limit => "ulong",
            Self::SearchVector | Self::DatasetVector => "ulong8",
        }
    }
}

/// Keccak-256 of every kernel source, in hexadecimal: a tuning is worth nothing for other kernels.
pub fn sources_hash() -> String {
    use std::fmt::Write as _;
    let all: String = ProgramKind::ALL.iter().flat_map(|kind| kind.parts()).copied().collect();
    keccak256(all.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The build options of a program over a dataset in `buffers` buffers, with `extra` definitions and flags.
pub fn options(kind: ProgramKind, buffers: usize, extra: &str) -> String {
    let standard = if extra.contains("EXCHANGE=EXCHANGE_SHUFFLE") { "CL3.0" } else { "CL1.2" };
    format!(
        "-cl-std={standard} -DFNV_PRIME={FNV_PRIME}u -DACCESSES={ACCESSES}u -DDATASET_PARENTS={DATASET_PARENTS}u \
         -DPAGE_QUADS={}u -DDATASET_BUFFERS={buffers} -DLANE={} -DEXCHANGE_LOCAL=0 -DEXCHANGE_SHUFFLE=1 \
         -DEXCHANGE_PTX=2 -DRESULT_COUNT=0 -DRESULT_HASHES=1 -DRESULT_ABORT=2 \
         -DRESULT_HEADER_WORDS={RESULT_HEADER_WORDS} -DRESULT_SLOT_WORDS={RESULT_SLOT_WORDS} {extra}",
        PAGE_BYTES / QUAD_BYTES,
        kind.lane(),
    )
}

/// Compiles a program and takes its kernel.
///
/// # Errors
/// [`OpenClError::Build`] with the driver's log.
pub(super) fn build(
    context: &DeviceContext,
    kind: ProgramKind,
    buffers: usize,
    extra: &str,
) -> Result<Kernel, OpenClError> {
    let name = &context.device().name;
    // One text: the crate `cl3` 0.13.2 hands several to the driver with a wrong layout.
    let mut program = Program::create_from_source(context.context(), &kind.parts().concat())
        .map_err(|code| OpenClError::of_call(name, "clCreateProgramWithSource", code))?;
    let options = options(kind, buffers, extra);
    program.build(context.context().devices(), &options).map_err(|code| {
        if code.0 != CL_BUILD_PROGRAM_FAILURE {
            return OpenClError::of_call(name, "clBuildProgram", code);
        }
        let log = program
            .get_build_log(context.device().handle().id())
            .unwrap_or_else(|code| format!("(the driver keeps no log: {code})"));
        OpenClError::Build { device: name.clone(), options: options.clone(), log }
    })?;
    Kernel::create(&program, kind.kernel()).map_err(|code| OpenClError::of_call(name, "clCreateKernel", code))
}
