//! `medrec engines`: what this machine can hash with, what will be used, and why.

mod devices;

use medrec_benches::machine::Machine;
use medrec_kernels::isa::Isa;
use medrec_kernels::keccak::Engine;
use serde::Serialize;

use crate::shell::Shell;
use crate::table::aligned;

/// One engine, and whether this processor runs it.
#[derive(Debug, Serialize)]
struct EngineRow {
    name: &'static str,
    is_available: bool,
    is_used: bool,
    /// Keccak states side by side; absent for engines that do not run here.
    keccak_lanes: Option<usize>,
    reason: String,
}

/// What is known about huge pages before any memory is asked for.
#[derive(Debug, Serialize)]
struct HugePages {
    transparent: String,
    will_be_asked_for: bool,
    reason: String,
}

/// The whole answer.
#[derive(Debug, Serialize)]
struct Listing {
    machine: Machine,
    engines: Vec<EngineRow>,
    huge_pages: HugePages,
    opencl: devices::OpenCl,
}

pub(super) fn run(shell: &mut Shell) -> anyhow::Result<()> {
    let machine = Machine::describe();
    let huge_pages = huge_pages(&machine);
    let engines = Isa::ALL.into_iter().map(engine_row).collect();
    let listing = Listing { machine, engines, huge_pages, opencl: devices::list() };
    if shell.wants_json() {
        return shell.json(&listing);
    }
    shell.result(&text(&listing))
}

fn engine_row(isa: Isa) -> EngineRow {
    let best = Isa::best();
    let engine = Engine::new(isa);
    let reason = match (engine.is_some(), isa == best) {
        (true, true) => "the fastest that this processor runs".to_owned(),
        (true, false) => format!("{} is faster", best.name()),
        (false, _) if cfg!(target_arch = "x86_64") => {
            format!("this processor, or its system, lacks {}", isa.features().join(", "))
        }
        (false, _) => format!("needs x86-64, this is {}", std::env::consts::ARCH),
    };
    EngineRow {
        name: isa.name(),
        is_available: engine.is_some(),
        is_used: isa == best,
        keccak_lanes: engine.map(Engine::lanes),
        reason,
    }
}

fn huge_pages(machine: &Machine) -> HugePages {
    let transparent = machine.transparent_huge_pages.clone();
    let (will_be_asked_for, reason) = match transparent.as_str() {
        "always" | "madvise" => (true, "datasets are put on huge pages: 2 to 3 times the hashrate"),
        "never" => (
            false,
            "switched off: write madvise to /sys/kernel/mm/transparent_hugepage/enabled for 2 to 3 times the hashrate",
        ),
        _ => (true, "this system does not tell whether it has transparent huge pages"),
    };
    HugePages { transparent, will_be_asked_for, reason: reason.to_owned() }
}

fn text(listing: &Listing) -> String {
    let machine = &listing.machine;
    let mut text = format!(
        "processor   {} ({} processors)\nfeatures    {}\nhuge pages  {}: {}\n\n",
        machine.cpu_model,
        machine.logical_cpus,
        machine.cpu_features.join(" "),
        listing.huge_pages.transparent,
        listing.huge_pages.reason
    );
    text.push_str(&engine_table(&listing.engines));
    text.push('\n');
    text.push_str(&listing.opencl.text());
    text
}

fn engine_table(engines: &[EngineRow]) -> String {
    let header = ["engine", "Keccak lanes", "runs here", "used", "why"].map(str::to_owned);
    let yes_or_no = |is_so: bool| if is_so { "yes" } else { "no" }.to_owned();
    let rows: Vec<Vec<String>> = engines
        .iter()
        .map(|row| {
            vec![
                row.name.to_owned(),
                row.keccak_lanes.map_or_else(|| "-".to_owned(), |lanes| lanes.to_string()),
                yes_or_no(row.is_available),
                yes_or_no(row.is_used),
                row.reason.clone(),
            ]
        })
        .collect();
    aligned(&header, &rows)
}
