//! Whether disk and memory have room, asked before anything is written.

use super::error::StoreError;
use std::fs::File;
use std::path::Path;

/// Refuses a file of `needed_bytes` at `path` if its disk has less free.
///
/// A system that does not tell is no reason to refuse.
pub(super) fn check_disk(path: &Path, directory: &Path, needed_bytes: u64) -> Result<(), StoreError> {
    let Ok(disk) = rustix::fs::statvfs(directory) else { return Ok(()) };
    let available_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    if available_bytes >= needed_bytes {
        return Ok(());
    }
    Err(StoreError::DiskFull { path: path.to_owned(), needed_bytes, available_bytes: Some(available_bytes) })
}

/// Reserves `bytes` on disk for `file`, so that a full disk shows before the work and not after it.
pub(super) fn reserve(file: &File, bytes: u64) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) => return Ok(()),
        // Some file systems cannot reserve; the length is set below.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
        Err(error) => return Err(error.into()),
    }
    file.set_len(bytes)
}

/// Memory that a table may take without pushing other things out, in bytes; `None` where the system
/// does not tell. Limits of the process's control group count.
pub fn available_memory_bytes() -> Option<u64> {
    let system = meminfo_bytes(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    let limit = read_number("/sys/fs/cgroup/memory.max");
    let used = read_number("/sys/fs/cgroup/memory.current");
    match (limit, used) {
        (Some(limit), Some(used)) => Some(system.min(limit.saturating_sub(used))),
        _ => Some(system),
    }
}

fn meminfo_bytes(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn read_number(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_systems_own_words() {
        let text = "MemTotal:  24000 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(meminfo_bytes(text, "MemAvailable:"), Some(2 << 20));
        assert_eq!(meminfo_bytes("MemAvailable: many kB", "MemAvailable:"), None);
        assert_eq!(meminfo_bytes("", "MemAvailable:"), None);
    }

    #[test]
    fn more_than_any_disk_has_is_refused_with_both_numbers() {
        let directory = std::env::temp_dir();
        let error = check_disk(&directory.join("dataset"), &directory, u64::MAX).unwrap_err().to_string();
        assert!(error.contains(&u64::MAX.to_string()) && error.contains("are free"), "{error}");
    }
}
