//! Random bytes from the operating system. The module's name and its first function are OpenSSL's.

use std::cell::RefCell;

use zeroize::Zeroizing;

/// Bytes that a buffered thread takes from the system at once: a hundred calls' worth, small enough to
/// stay in the nearest cache.
const PAGE_BYTES: usize = 4096;

/// The operating system gave no random bytes.
#[derive(Debug)]
pub struct GeneratorError {
    /// The system's words.
    pub source: getrandom::Error,
}

/// Fills `buffer` with random bytes that must stay private: each bit is fair and independent.
///
/// # Errors
/// [`GeneratorError`] when the system has none; then `buffer` must not be used.
pub fn rand_priv_bytes(buffer: &mut [u8]) -> Result<(), GeneratorError> {
    #[cfg(debug_assertions)]
    if crate::door::fill(buffer) {
        return Ok(());
    }
    PAGE.with_borrow_mut(|page| match page {
        Some(page) => page.fill(buffer),
        None => system(buffer),
    })
}

/// Runs `work` while this thread takes its random bytes by the page.
///
/// `work` draws and does nothing else; in particular it starts no process.
pub fn buffered<T>(work: impl FnOnce() -> T) -> T {
    let outermost = PAGE.with_borrow_mut(|page| {
        let outermost = page.is_none();
        if outermost {
            *page = Some(Page { bytes: Zeroizing::new([0; PAGE_BYTES]), used: PAGE_BYTES });
        }
        outermost
    });
    let _wipe = Wipe { outermost };
    work()
}

fn system(buffer: &mut [u8]) -> Result<(), GeneratorError> {
    getrandom::fill(buffer).map_err(|source| GeneratorError { source })
}

thread_local! {
    static PAGE: RefCell<Option<Page>> = const { RefCell::new(None) };
}

/// Random bytes of one thread that are not used yet, after those that are and have been wiped.
struct Page {
    bytes: Zeroizing<[u8; PAGE_BYTES]>,
    used: usize,
}

impl Page {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), GeneratorError> {
        if buffer.len() > PAGE_BYTES {
            return system(buffer);
        }
        if buffer.len() > PAGE_BYTES - self.used {
            // What was left is dropped: a request never mixes two pages.
            system(self.bytes.as_mut_slice())?;
            self.used = 0;
        }
        let taken = &mut self.bytes[self.used..self.used + buffer.len()];
        buffer.copy_from_slice(taken);
        taken.fill(0);
        self.used += buffer.len();
        Ok(())
    }
}

/// Drops the page at the end of the outermost scope, also when `work` panics.
struct Wipe {
    outermost: bool,
}

impl Drop for Wipe {
    fn drop(&mut self) {
        if self.outermost {
            PAGE.with_borrow_mut(|page| *page = None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits set, of so many bytes: 4 a byte give or take; 7 standard deviations fail once in 4e11 runs.
    fn assert_fair(bytes: &[u8]) {
        let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
        let bits = f64::from(u32::try_from(8 * bytes.len()).unwrap());
        let distance = (f64::from(ones) - bits / 2.0).abs() / (bits / 4.0).sqrt();
        assert!(distance < 7.0, "{ones} of {bits} bits are set");
    }

    #[test]
    fn bits_are_fair_with_and_without_a_page_and_across_its_end() {
        let mut direct = vec![0; 100_000];
        rand_priv_bytes(&mut direct).unwrap();
        assert_fair(&direct);
        let taken = buffered(|| {
            let mut taken = Vec::new();
            while taken.len() < 100_000 {
                let mut bytes = [0; 7];
                rand_priv_bytes(&mut bytes).unwrap();
                taken.extend(bytes);
            }
            taken
        });
        assert_fair(&taken);
        // Words of 56 bits: two equal ones among 14,286 happen once in 7e8 runs.
        let mut words: Vec<&[u8]> = taken.chunks_exact(7).collect();
        words.sort_unstable();
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "bytes came twice");
    }

    #[test]
    fn used_bytes_are_wiped_and_the_page_ends_with_its_scope_even_in_a_panic() {
        buffered(|| {
            let mut bytes = [0; 40];
            rand_priv_bytes(&mut bytes).unwrap();
            PAGE.with_borrow(|page| {
                let page = page.as_ref().unwrap();
                assert_eq!(page.used, 40);
                assert_eq!(page.bytes[..40], [0; 40]);
                assert_ne!(page.bytes[40..80], [0; 40]);
            });
            buffered(|| rand_priv_bytes(&mut bytes).unwrap());
            PAGE.with_borrow(|page| {
                assert_eq!(page.as_ref().unwrap().used, 80, "the inner scope is the outer one");
            });
        });
        assert!(PAGE.with_borrow(Option::is_none));
        let panicked = std::panic::catch_unwind(|| buffered(|| panic!("on purpose")));
        assert!(panicked.is_err() && PAGE.with_borrow(Option::is_none));
    }

    #[test]
    fn a_request_larger_than_a_page_is_filled_whole() {
        let mut bytes = vec![0; 3 * PAGE_BYTES];
        buffered(|| rand_priv_bytes(&mut bytes).unwrap());
        assert_fair(&bytes);
    }
}
