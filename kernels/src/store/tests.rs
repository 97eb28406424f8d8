//! Stored tables: loaded, resumed, repaired; and every way in which disk and memory fail them.

use super::*;
use std::process::Command;

fn parameters() -> Parameters {
    // Three chunks and a bit of items.
    Parameters::reduced([0x33; 32], 1021, 3 * CHUNK_ROWS + 1000)
}

const OPTIONS: DatasetOptions = DatasetOptions { pages: Pages::Huge, threads: 2 };

fn cache() -> LightCache {
    LightCache::build(&parameters(), &Progress::new()).unwrap()
}

fn dataset(store: &Store) -> Stored<Dataset> {
    let stored = store.dataset(&cache(), OPTIONS, &Progress::new()).unwrap();
    let cache = cache();
    for index in [0, 1, CHUNK_ROWS - 1, CHUNK_ROWS, 2 * CHUNK_ROWS + 77, parameters().dataset_items - 1] {
        assert_eq!(stored.value.items()[index as usize], cache.item(index), "item {index}");
    }
    stored
}

fn built(resumed_chunks: u64, damage: Option<Damage>) -> Origin {
    Origin::Built { resumed_rows: resumed_chunks * u64::from(CHUNK_ROWS), damage }
}

fn change_byte(path: &Path, at: u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn a_dataset_is_built_once_and_then_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("new/folder")).unwrap();
    assert_eq!(dataset(&store).origin, built(0, None));
    let progress = Progress::new();
    let stored = store.dataset(&cache(), OPTIONS, &progress).unwrap();
    assert_eq!(stored.origin, Origin::Loaded);
    assert_eq!(progress.done(), progress.total());
    assert!(stored.path.exists() && !partial_path(&stored.path).exists());
}

#[test]
fn a_light_cache_is_built_once_and_then_loaded_and_a_damaged_one_is_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let load = || store.light_cache(&parameters(), &Progress::new()).unwrap();
    assert_eq!(load().origin, built(0, None));
    let stored = load();
    assert_eq!((&stored.origin, stored.value.rows()), (&Origin::Loaded, cache().rows()));
    change_byte(&stored.path, 8192 + 500);
    let repaired = load();
    assert_eq!(repaired.origin, built(0, Some(Damage::Chunks { chunks: 1 })));
    assert_eq!(repaired.value.rows(), cache().rows());
    assert_eq!(load().origin, Origin::Loaded);
}

#[test]
fn only_the_damaged_chunk_of_a_dataset_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let path = dataset(&store).path;
    let header = Header::new(Kind::Dataset, &parameters());
    change_byte(&path, header.rows_start() + u64::from(CHUNK_ROWS) * 64 + 5);
    let stored = dataset(&store);
    let Origin::Built { resumed_rows, damage } = stored.origin else { panic!("it was loaded") };
    assert_eq!(damage, Some(Damage::Chunks { chunks: 1 }));
    assert_eq!(resumed_rows, u64::from(parameters().dataset_items - CHUNK_ROWS));
    assert_eq!(dataset(&store).origin, Origin::Loaded);
}

#[test]
fn a_file_with_any_damage_to_header_table_or_length_is_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let path = dataset(&store).path;
    let whole = fs::read(&path).unwrap();
    change_byte(&path, 40);
    assert!(matches!(
        dataset(&store).origin,
        Origin::Built { damage: Some(Damage::Header(HeaderError::Digest)), .. }
    ));
    change_byte(&path, 4096 + 32);
    assert!(matches!(dataset(&store).origin, Origin::Built { damage: Some(Damage::Table), .. }));
    for length in [0, 100, 5000, 9000, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(
            matches!(dataset(&store).origin, Origin::Built { damage: Some(_), .. }),
            "cut to {length} bytes"
        );
        assert_eq!(fs::read(&path).unwrap(), whole, "cut to {length} bytes");
    }
}

#[test]
fn a_second_builder_is_told_and_does_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let partial = partial_path(&store.path(Kind::Dataset, &parameters()));
    let other = File::create(&partial).unwrap();
    other.lock().unwrap();
    let error = store.dataset(&cache(), OPTIONS, &Progress::new()).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error}");
}

#[test]
fn a_stopped_build_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let progress = Progress::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while progress.done() < u64::from(CHUNK_ROWS) + 1 {
                std::thread::yield_now();
            }
            progress.request_stop();
        });
        let options = DatasetOptions { threads: 1, ..OPTIONS };
        let error = store.dataset(&cache(), options, &progress).unwrap_err();
        assert!(matches!(error, StoreError::Build(BuildError::Stopped)), "{error}");
    });
    let Origin::Built { resumed_rows, damage: None } = dataset(&store).origin else {
        panic!("nothing was built")
    };
    assert!(resumed_rows >= u64::from(CHUNK_ROWS));
}

#[test]
fn a_dataset_larger_than_any_disk_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let huge = Parameters::reduced([1; 32], 1021, u32::MAX - 1);
    let cache = LightCache::build(&huge, &Progress::new()).unwrap();
    let error = store.dataset(&cache, OPTIONS, &Progress::new()).unwrap_err();
    assert!(matches!(error, StoreError::MemoryShort { .. } | StoreError::DiskFull { .. }), "{error}");
    let left: u64 =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(left, 0);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(file.path().join("below")).unwrap_err().to_string();
    assert!(error.contains(file.path().to_str().unwrap()), "{error}");
}

/// Runs one of the `child_` tests below in a process of its own.
fn child(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([&format!("store::tests::child_{name}"), "--exact", "--nocapture"])
        .env("MEDREC_STORE_CHILD", folder);
    command
}

/// The folder that a child works in; nothing when the tests run by themselves.
fn child_folder() -> Option<PathBuf> {
    std::env::var_os("MEDREC_STORE_CHILD").map(PathBuf::from)
}

#[test]
fn child_builds_slowly() {
    let Some(folder) = child_folder() else { return };
    let store = Store::open(folder).unwrap();
    let options = DatasetOptions { threads: 1, ..OPTIONS };
    store.dataset(&cache(), options, &Progress::new()).unwrap();
}

#[test]
fn a_build_killed_at_any_moment_loses_no_finished_chunk_and_uses_no_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let path = store.path(Kind::Dataset, &parameters());
    let mut killed = 0;
    for delay in 0..6 {
        let mut child = child("builds_slowly", folder.path()).spawn().unwrap();
        while !partial_path(&path).exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(delay * 15));
        killed += u32::from(child.kill().is_ok() && !child.wait().unwrap().success());
        if path.exists() {
            break;
        }
    }
    assert!(killed > 0, "no child lived long enough to be killed");
    dataset(&store);
    assert_eq!(dataset(&store).origin, Origin::Loaded);
}

#[cfg(target_os = "linux")]
#[test]
fn child_has_little_memory() {
    let Some(_) = child_folder() else { return };
    let limit = rustix::process::Rlimit { current: Some(1 << 30), maximum: Some(1 << 30) };
    rustix::process::setrlimit(rustix::process::Resource::As, limit).unwrap();
    let parameters = Parameters::reduced([1; 32], 1021, 1 << 25);
    let cache = LightCache::build(&parameters, &Progress::new()).unwrap();
    let error = Dataset::build(&cache, Pages::Huge, 1, &Progress::new()).unwrap_err();
    assert!(matches!(error, BuildError::Memory { bytes: 0x8000_0000, .. }), "{error}");
    assert!(error.to_string().contains("2147483648 bytes"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_with_little_memory_gets_an_error_with_the_size_and_not_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    assert!(child("has_little_memory", folder.path()).status().unwrap().success());
}

#[test]
fn child_may_not_write() {
    let Some(folder) = child_folder() else { return };
    let store = Store::open(folder).unwrap();
    let error = store.dataset(&cache(), OPTIONS, &Progress::new()).unwrap_err().to_string();
    assert!(error.contains("cannot open") && error.contains("hint: make it readable"), "{error}");
}

#[test]
fn a_folder_without_permission_is_named_with_a_hint() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = child("may_not_write", &closed);
    if rustix::process::geteuid().is_root() {
        // Root may write anywhere: the child runs as nobody, from a copy that nobody may read.
        let copy = folder.path().join("child");
        fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut other = Command::new(copy);
        other.args(command.get_args()).env("MEDREC_STORE_CHILD", &closed).uid(65_534).current_dir("/");
        command = other;
    }
    assert!(command.status().unwrap().success());
}
