//! Where Ethash's light caches, datasets and tunings are kept between runs.

use std::path::{Path, PathBuf};

use crate::exit::Usage;

/// The folder of stored datasets and tunings: as given, else `MEDREC_CACHE_DIR`, else `medrec/ethash` in the
/// user's cache folder.
pub(crate) fn cache_folder(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    given
        .map(Path::to_owned)
        .or_else(|| variable("MEDREC_CACHE_DIR"))
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("medrec/ethash")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/medrec/ethash")))
        .ok_or_else(|| {
            Usage("no folder for datasets: give --cache-dir, or set MEDREC_CACHE_DIR".to_owned()).into()
        })
}
