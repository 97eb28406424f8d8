//! Large tables in memory: 64-byte rows, on huge pages where the system gives them.
//!
//! Random reads over a table of a gigabyte miss the TLB every time on 4 KiB pages; on 2 MiB pages
//! they are two to three times as fast. A table is filled through exclusive references first and
//! only then shared, read-only.
//!
//! What this file does not know: what the rows mean.

use crate::ethash::{Page, Row};
use memmap2::{Advice, Mmap, MmapMut, MmapOptions};
use std::fs::File;
use std::io;

/// Size and alignment of a huge page on x86-64 and on most aarch64 systems, in bytes.
pub const HUGE_PAGE_BYTES: usize = 2 << 20;

/// How a table's memory is to be paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pages {
    /// Transparent huge pages where the system gives them.
    #[default]
    Huge,
    /// The system's base pages (4 KiB), for comparison and where memory is fragmented.
    Base,
}

/// How much of a table really lies on huge pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HugePageUse {
    /// Bytes of the table.
    pub total_bytes: u64,
    /// Bytes of it on huge pages; `None` where the system does not tell.
    pub huge_bytes: Option<u64>,
}

impl HugePageUse {
    /// Whether (nearly) all of the table lies on huge pages: its last part may not fill one.
    pub fn is_complete(&self) -> bool {
        self.huge_bytes.is_some_and(|huge| huge + HUGE_PAGE_BYTES as u64 > self.total_bytes)
    }
}

/// A table under construction: zeroed, writable, owned by one.
#[derive(Debug)]
pub struct TableMut {
    map: MmapMut,
    start: usize,
    rows: usize,
}

impl TableMut {
    /// Room for `rows` rows of 64 bytes, all zero, aligned to a huge page.
    ///
    /// # Errors
    /// The system's, when it has no such room in the address space.
    pub fn new(rows: usize, pages: Pages) -> io::Result<Self> {
        let bytes = rows
            .checked_mul(size_of::<Row>())
            .and_then(|bytes| bytes.checked_add(HUGE_PAGE_BYTES))
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let map = MmapOptions::new().len(bytes).map_anon()?;
        let start = map.as_ptr().align_offset(HUGE_PAGE_BYTES);
        advise(&map, pages);
        Ok(Self { map, start, rows })
    }

    /// The rows, for filling.
    pub fn rows_mut(&mut self) -> &mut [Row] {
        // SAFETY: the map holds `rows` rows from `start` on, which is aligned far beyond a row; any
        // bit pattern is a row; the borrow of `self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().add(self.start).cast(), self.rows) }
    }

    /// Ends construction: from here on the table can only be read, which the system enforces.
    ///
    /// # Errors
    /// The system's, when it refuses to change the protection.
    pub fn seal(self) -> io::Result<Table> {
        Ok(Table { map: self.map.make_read_only()?, start: self.start, rows: self.rows })
    }
}

#[cfg(target_os = "linux")]
fn advise(map: &MmapMut, pages: Pages) {
    let advice = match pages {
        Pages::Huge => Advice::HugePage,
        Pages::Base => Advice::NoHugePage,
    };
    // Advice is only advice: a kernel without huge pages refuses it, and `huge_page_use` tells.
    let _ = map.advise(advice);
}

#[cfg(not(target_os = "linux"))]
fn advise(_map: &MmapMut, _pages: Pages) {}

/// A finished table, shared read-only.
#[derive(Debug)]
pub struct Table {
    map: Mmap,
    start: usize,
    rows: usize,
}

impl Table {
    /// Maps `rows` rows of `file`, from byte `start` on (a multiple of 4,096), read-only.
    ///
    /// # Errors
    /// The system's; `InvalidInput` when the file is shorter than that.
    ///
    /// # Safety
    /// Nobody may change or cut the file while the table lives: the program would read other bytes
    /// than were checked, or be ended by the system.
    pub unsafe fn map_file(file: &File, start: usize, rows: usize) -> io::Result<Self> {
        let end = rows.checked_mul(size_of::<Row>()).and_then(|bytes| bytes.checked_add(start));
        let length = file.metadata()?.len();
        match end.and_then(|end| u64::try_from(end).ok()) {
            Some(end) if end <= length && start.is_multiple_of(4096) => {}
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        }
        // SAFETY: the caller promises that the file stays as it is.
        let map = unsafe { MmapOptions::new().map(file)? };
        Ok(Self { map, start, rows })
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        // SAFETY: the map holds `rows` rows from `start` on, page-aligned; any bit pattern is a row;
        // nobody writes to the map while it lives.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().add(self.start).cast(), self.rows) }
    }

    /// The rows, two by two.
    pub fn pages(&self) -> &[Page] {
        // SAFETY: a page is two adjacent rows, and the start is aligned to at least 4,096 bytes.
        unsafe { std::slice::from_raw_parts(self.rows().as_ptr().cast(), self.rows / 2) }
    }

    /// How much of the table lies on huge pages, as the system tells now.
    pub fn huge_page_use(&self) -> HugePageUse {
        let total_bytes = (self.rows * size_of::<Row>()) as u64;
        let address = self.map.as_ptr() as usize + self.start;
        HugePageUse { total_bytes, huge_bytes: huge_bytes_of_mapping(address) }
    }
}

/// Rows as bytes.
pub(crate) fn bytes_of_rows(rows: &[Row]) -> &[u8] {
    // SAFETY: a row is 64 bytes without padding, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(rows.as_ptr().cast(), size_of_val(rows)) }
}

/// Rows as writable bytes.
pub(crate) fn bytes_of_rows_mut(rows: &mut [Row]) -> &mut [u8] {
    // SAFETY: as above; any 64 bytes are a row.
    unsafe { std::slice::from_raw_parts_mut(rows.as_mut_ptr().cast(), size_of_val(rows)) }
}

/// Bytes on huge pages of the mapping that holds `address`, from `/proc/self/smaps`.
#[cfg(target_os = "linux")]
fn huge_bytes_of_mapping(address: usize) -> Option<u64> {
    let maps = std::fs::read_to_string("/proc/self/smaps").ok()?;
    let mut inside = false;
    for line in maps.lines() {
        let (first, rest) = line.split_once(' ')?;
        if let Some((from, to)) = first.split_once('-') {
            let bounds = (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16));
            inside = matches!(bounds, (Ok(from), Ok(to)) if (from..to).contains(&address));
        } else if inside && matches!(first, "AnonHugePages:" | "FilePmdMapped:") {
            let kibibytes: u64 = rest.trim().strip_suffix(" kB")?.parse().ok()?;
            if kibibytes > 0 || first == "FilePmdMapped:" {
                return Some(kibibytes << 10);
            }
        }
    }
    None
}

#[cfg(not(target_os = "linux"))]
fn huge_bytes_of_mapping(_address: usize) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_keeps_what_was_written_and_starts_on_a_huge_page() {
        let mut table = TableMut::new(100_000, Pages::Huge).unwrap();
        table.rows_mut()[99_999] = [7; 16];
        let table = table.seal().unwrap();
        assert_eq!(table.rows()[99_999], [7; 16]);
        assert_eq!(table.rows()[0], [0; 16]);
        assert_eq!(table.pages().len(), 50_000);
        assert_eq!(table.rows().as_ptr().align_offset(HUGE_PAGE_BYTES), 0);
        assert_eq!(table.huge_page_use().total_bytes, 6_400_000);
    }

    #[test]
    fn base_pages_are_not_reported_as_huge() {
        let mut table = TableMut::new(100_000, Pages::Base).unwrap();
        table.rows_mut().fill([1; 16]);
        assert!(!table.seal().unwrap().huge_page_use().is_complete());
    }

    #[test]
    fn more_memory_than_there_is_address_space_is_an_error() {
        assert!(TableMut::new(usize::MAX / 64, Pages::Huge).is_err());
        assert!(TableMut::new(usize::MAX / 100, Pages::Huge).is_err());
    }
}
