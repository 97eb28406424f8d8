//! The door for tests: one thread's random bytes from a source that the test brings.
//!
//! It exists where debug assertions do. A release build neither has it nor can be given it, since the
//! workspace's release profile leaves debug assertions off (`tests/release.rs`).

use std::cell::RefCell;

type Source = Box<dyn FnMut(&mut [u8])>;

thread_local! {
    static SOURCE: RefCell<Option<Source>> = const { RefCell::new(None) };
}

/// Runs `work` while this thread's random bytes come from `source`. Other threads are not touched.
pub fn with_source<T>(source: impl FnMut(&mut [u8]) + 'static, work: impl FnOnce() -> T) -> T {
    let _back = Back(SOURCE.replace(Some(Box::new(source))));
    work()
}

/// Fills `buffer` when a source stands in; otherwise says no.
pub(crate) fn fill(buffer: &mut [u8]) -> bool {
    SOURCE.with_borrow_mut(|source| source.as_mut().map(|source| source(buffer)).is_some())
}

/// Puts the outer source back, also when the work panics.
struct Back(Option<Source>);

impl Drop for Back {
    fn drop(&mut self) {
        SOURCE.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rand::rand_priv_bytes;

    #[test]
    fn a_source_stands_in_for_its_thread_and_scope_only() {
        let mut bytes = [0; 16];
        with_source(
            |buffer| buffer.fill(7),
            || {
                rand_priv_bytes(&mut bytes).unwrap();
                let elsewhere = std::thread::spawn(|| {
                    let mut bytes = [7; 16];
                    rand_priv_bytes(&mut bytes).unwrap();
                    bytes
                });
                assert_ne!(elsewhere.join().unwrap(), [7; 16]);
            },
        );
        assert_eq!(bytes, [7; 16]);
        rand_priv_bytes(&mut bytes).unwrap();
        assert_ne!(bytes, [7; 16]);
    }
}
