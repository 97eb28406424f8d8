//! What a GPU's compiler makes of the kernels, without a GPU: clang generates NVIDIA and AMD code, and the
//! test holds the budgets of registers and scratch memory.
//!
//! Scratch (registers spilled to memory) would share the bandwidth that the search lives on; registers decide
//! how many hashes are in flight. Nothing is run here: whether the kernels are right is tested on a driver.
//!
//! NVIDIA's own assembler decides its final counts. For `sm_90` (H200), ptxas 12.9 gave these registers and
//! no spills: search with 8 lanes and 4 in flight 90, with 8 in flight 91, with 4 lanes and 4 in flight 90; one
//! item of the dataset 86; random reads 30. Limited to 80 registers the search spills 20 bytes, to 64 108 bytes.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::process::Command;

use medrec_kernels::opencl::source::{ProgramKind, options};

const BUILTINS: &str = include_str!("builtins.cl");

/// Compiles a program to assembly for `target`.
fn assembly(kind: ProgramKind, extra: &str, target: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (source, output) = (folder.path().join("kernel.cl"), folder.path().join("kernel.s"));
    fs::write(&source, format!("{BUILTINS}\n{}", kind.parts().concat())).unwrap();
    let run = Command::new("clang-15")
        .args(["-x", "cl", "-Xclang", "-finclude-default-header", "-O3", "-S"])
        .args(target)
        .args(options(kind, 1, extra).split_ascii_whitespace())
        .arg(source)
        .arg("-o")
        .arg(&output)
        .output()
        .unwrap_or_else(|error| panic!("this test needs clang-15: apt-get install clang-15\n{error}"));
    let messages = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{kind:?} {extra} {target:?}:\n{messages}");
    fs::read_to_string(output).unwrap()
}

fn search(lanes: u32, in_flight: u32, work_group: u32, exchange: &str) -> String {
    format!("-DEXCHANGE={exchange} -DLANES={lanes}u -DIN_FLIGHT={in_flight}u -DWORK_GROUP={work_group}u")
}

/// The number behind `key` in AMD's kernel metadata.
fn metadata(assembly: &str, key: &str) -> u32 {
    let line = assembly.lines().find_map(|line| line.trim().strip_prefix(key));
    line.unwrap_or_else(|| panic!("the code generator says nothing about {key}")).trim().parse().unwrap()
}

fn assert_amd_budget(kind: ProgramKind, extra: &str, max_registers: u32) {
    for processor in ["gfx90a", "gfx1030"] {
        let target = ["-target", "amdgcn-amd-amdhsa", &format!("-mcpu={processor}"), "-nogpulib"];
        let assembly = assembly(kind, extra, &target);
        let registers = metadata(&assembly, ".vgpr_count:");
        assert_eq!(metadata(&assembly, ".private_segment_fixed_size:"), 0, "{kind:?} {extra} on {processor}");
        assert_eq!(metadata(&assembly, ".vgpr_spill_count:"), 0, "{kind:?} {extra} on {processor}");
        assert!(registers <= max_registers, "{kind:?} {extra} on {processor}: {registers} registers");
    }
}

fn assert_nvidia_without_stack(kind: ProgramKind, extra: &str) -> String {
    let target =
        ["-target", "nvptx64-nvidia-nvcl", "-march=sm_80", "-Xclang", "-target-feature", "-Xclang", "+ptx70"];
    let assembly = assembly(kind, extra, &target);
    assert!(!assembly.contains("__local_depot"), "{kind:?} {extra} keeps an array in memory");
    assembly
}

/// Registers spilled to memory, and bytes of memory that each work-item has for itself, on AMD.
fn spilled_and_private(kind: ProgramKind, processor: &str) -> (u32, u32) {
    let target = ["-target", "amdgcn-amd-amdhsa", &format!("-mcpu={processor}"), "-nogpulib"];
    let assembly = assembly(kind, "", &target);
    (metadata(&assembly, ".vgpr_spill_count:"), metadata(&assembly, ".private_segment_fixed_size:"))
}

/// Lanes and hashes in flight that autotuning tries first, and one without sharing.
const SHAPES: [(u32, u32); 5] = [(8, 8), (8, 4), (4, 4), (4, 2), (1, 1)];

#[test]
fn the_search_for_amd_stays_in_its_registers() {
    // Of 512 registers a SIMD lane of gfx90a: 5 waves with up to 102, 4 with up to 128. Measured 82 to
    // 99, and 117 to 128 where a lane reads several quads of a page for several hashes.
    for (lanes, in_flight) in SHAPES {
        let budget = if lanes < 8 && lanes == in_flight && lanes > 1 { 128 } else { 102 };
        assert_amd_budget(ProgramKind::SearchGroup, &search(lanes, in_flight, 64, "EXCHANGE_LOCAL"), budget);
    }
    assert_amd_budget(ProgramKind::SearchGroup, &search(8, 4, 64, "EXCHANGE_SHUFFLE"), 102);
}

#[test]
fn the_search_for_nvidia_keeps_nothing_on_a_stack() {
    for (lanes, in_flight) in SHAPES {
        let local = search(lanes, in_flight, 128, "EXCHANGE_LOCAL");
        assert_nvidia_without_stack(ProgramKind::SearchGroup, &local);
        let shuffled = assert_nvidia_without_stack(
            ProgramKind::SearchGroup,
            &search(lanes, in_flight, 128, "EXCHANGE_PTX"),
        );
        assert_eq!(shuffled.contains("shfl.sync.idx"), lanes > 1, "{lanes} lanes");
    }
}

#[test]
fn a_page_is_read_in_vectors_of_16_bytes() {
    let assembly =
        assert_nvidia_without_stack(ProgramKind::SearchGroup, &search(8, 4, 128, "EXCHANGE_LOCAL"));
    let vectors =
        assembly.matches("ld.global.nc.v4.u32").count() + assembly.matches("ld.global.v4.u32").count();
    // Four accesses are unrolled, of four hashes each.
    assert_eq!(vectors, 16);
}

#[test]
fn dataset_items_and_random_reads_stay_in_their_registers() {
    // Measured 74 and 81; 40 and 41.
    let reads = "-DREAD_LANES=8u -DREADS_IN_FLIGHT=8u";
    assert_amd_budget(ProgramKind::DatasetItem, "", 84);
    assert_amd_budget(ProgramKind::Limit, reads, 48);
    assert_nvidia_without_stack(ProgramKind::DatasetItem, "");
    assert_nvidia_without_stack(ProgramKind::Limit, reads);
}

#[test]
fn the_light_search_keeps_its_mix_alone_in_memory() {
    for processor in ["gfx90a", "gfx1030"] {
        let (spilled, private) = spilled_and_private(ProgramKind::SearchLight, processor);
        assert_eq!(spilled, 0, "{processor}");
        // 128 bytes of mix, and what keeps the stack aligned.
        assert!(private <= 144, "{processor}: {private} bytes");
    }
}
