//! The rooms of the workspace as tables: who may look at whom, and who may know which outside crate.
//!
//! docs/ARCHITECTURE.md tells the same in prose. A new room is a line here before it is a folder.

/// A room: a top-level folder with one package.
pub(crate) struct Room {
    /// The folder.
    pub(crate) folder: &'static str,
    /// Its floor. A room depends on rooms of lower floors only.
    pub(crate) floor: u8,
    /// Outside crates that the room may not depend on, not even in tests. A name that ends with `*` stands for all that
    /// begin so.
    pub(crate) never: &'static [&'static str],
}

const CHAIN_CLIENTS: &str = "alloy-provider";

/// Every room there is or will be.
pub(crate) const ROOMS: [Room; 20] = [
    Room {
        folder: "domain",
        floor: 1,
        never: &[
            "tokio*",
            "axum*",
            "hyper*",
            "reqwest",
            "sqlx*",
            "polars*",
            "rayon",
            "revm*",
            CHAIN_CLIENTS,
            "memmap2",
            "redb",
        ],
    },
    Room {
        folder: "kernels",
        floor: 1,
        never: &["tokio*", "axum*", "hyper*", "reqwest", "sqlx*", "polars*", "alloy*", "revm*", "jsonrpsee*"],
    },
    Room {
        folder: "transport",
        floor: 1,
        never: &["alloy*", "serde*", "redb", "sqlx*", "polars*", "revm*", "opendp", "opencl3", "arrow*"],
    },
    Room {
        folder: "store",
        floor: 1,
        never: &[
            "alloy*", "serde*", "tokio*", "axum*", "hyper*", "sqlx*", "polars*", "revm*", "opendp",
            "opencl3", "arrow*",
        ],
    },
    Room {
        folder: "contracts",
        floor: 2,
        never: &["tokio*", "axum*", "hyper*", "reqwest", "jsonrpsee*", "revm*", CHAIN_CLIENTS],
    },
    Room { folder: "datasets", floor: 2, never: &["alloy*", "revm*", "opendp", "axum*", "jsonrpsee*"] },
    Room {
        folder: "anonymizer",
        floor: 2,
        never: &["alloy*", "revm*", "tokio*", "axum*", "hyper*", "reqwest", "jsonrpsee*"],
    },
    // It stands in for an outside crate; see STAND_INS.
    Room {
        folder: "anonymizer/generator",
        floor: 1,
        never: &["tokio*", "axum*", "hyper*", "reqwest", "alloy*", "redb", "opendp", "arrow*"],
    },
    Room { folder: "node", floor: 3, never: &["polars*", "sqlx*", "opendp"] },
    Room { folder: "chain", floor: 3, never: &["polars*", "sqlx*", "opendp", "opencl3"] },
    Room {
        folder: "protocol",
        floor: 3,
        never: &["tokio*", "axum*", "hyper*", "reqwest", "sqlx*", "polars*", "redb", "opendp"],
    },
    Room { folder: "wallet", floor: 4, never: &["sqlx*", "polars*", "opendp", "revm*", "opencl3"] },
    Room { folder: "miner", floor: 4, never: &["polars*", "sqlx*", "opendp"] },
    Room { folder: "gatekeeper", floor: 4, never: &["opencl3"] },
    Room { folder: "portal", floor: 4, never: &["sqlx*", "polars*", "opendp"] },
    // The binary measures with the harness. The peers are a room of their own, so that no product code can
    // come to depend on a rival.
    Room { folder: "benches", floor: 4, never: &["sha3", "keccak", "tiny-keccak", "keccak-asm", "ethash"] },
    Room { folder: "benches/peers", floor: 5, never: &[] },
    Room { folder: "medrec", floor: 5, never: &[] },
    Room { folder: "e2e", floor: 6, never: &[] },
    // The chores stand apart: floor 0 means that no room can be below them.
    Room { folder: "xtask", floor: 0, never: &["tokio*", "alloy*", "polars*"] },
];

/// Rooms of lower floors that a room still may not know.
pub(crate) const STRANGERS: [(&str, &[&str]); 9] = [
    ("node", &["datasets", "anonymizer"]),
    ("chain", &["kernels", "datasets", "anonymizer"]),
    ("protocol", &["kernels", "datasets", "anonymizer", "transport"]),
    ("wallet", &["kernels", "datasets", "node"]),
    ("miner", &["datasets", "anonymizer"]),
    ("gatekeeper", &["kernels", "node"]),
    ("portal", &["kernels", "datasets", "anonymizer", "node"]),
    ("contracts", &["kernels", "transport"]),
    ("datasets", &["transport"]),
];

/// Heavy outside crates and the one room whose product code knows each. Tests and `benches` may use
/// them as oracles and peers.
pub(crate) const OWNED: [(&str, &str); 10] = [
    ("revm*", "node"),
    ("alloy-evm", "node"),
    ("alloy-provider", "chain"),
    ("alloy-rpc-client", "chain"),
    ("alloy-transport*", "chain"),
    ("alloy-contract", "chain"),
    ("hyper*", "transport"),
    ("opendp", "anonymizer"),
    ("opencl3", "kernels"),
    ("sqlx", "datasets"),
];

/// Packages that stand in for an outside crate under its name: the folder, the name, the one room that may know it.
pub(crate) const STAND_INS: [(&str, &str, &str); 1] = [("anonymizer/generator", "openssl", "anonymizer")];

/// Outside crates that no room depends on, each with the reason.
pub(crate) const NOBODY: [(&str, &str); 4] = [
    ("ocl", "it links OpenCL at build time; use opencl3"),
    ("ethers*", "its authors declared it deprecated in favour of alloy"),
    ("alloy", "it is the umbrella crate; name the parts that are used"),
    ("lazy_static", "std::sync::LazyLock does the same"),
];

/// The only room with `unsafe` code.
pub(crate) const UNSAFE_ROOM: &str = "kernels";

/// The room of a folder.
pub(crate) fn room_of(folder: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.folder == folder)
}

/// Whether a crate's name is meant by a pattern of these tables.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_the_rest_of_a_name() {
        assert!(matches("revm*", "revm-inspectors") && matches("revm*", "revm"));
        assert!(!matches("ocl", "ocl-core") && matches("ocl", "ocl"));
    }

    #[test]
    fn every_room_that_a_table_names_exists() {
        let strangers = STRANGERS.iter().flat_map(|(room, others)| others.iter().chain([room]));
        for folder in strangers.copied().chain(OWNED.iter().map(|(_, room)| *room)).chain([UNSAFE_ROOM]) {
            assert!(room_of(folder).is_some(), "{folder}");
        }
    }
}
