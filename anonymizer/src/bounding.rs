//! Which rows of a person count.
//!
//! A person contributes at most `rows_per_person` rows to a table, over all its cells together. Who
//! has fewer keeps them all; only of heavy persons some are chosen: those whose keyed hash is smallest.
//! `bounding/PROOF.md` says why the sensitivity then holds.
//!
//! 1. *By hash, not by order.* A row's hash covers the table, the person, its cell, its value and its number among equal rows
//!    of that person; the order in which rows come, files and threads do not enter.
//! 2. *Keyed.* Without the key nobody can craft records that push others out. The key is the
//!    provider's own and stays the same for a release, so a second pass chooses the same rows.
//! 3. *A limit over all cells* loses fewer rows at the same sensitivity than a limit of cells times a
//!    limit within a cell.

use std::hash::Hasher;

use siphasher::sip::SipHasher24;

/// A row that counts: its finest cell, and its value (NaN for none).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) cell: u32,
    pub(crate) value: f64,
}

/// Secret key of the choice.
#[derive(Clone)]
pub struct BoundingKey(pub [u8; 16]);

/// It is a secret: it does not show itself.
impl std::fmt::Debug for BoundingKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("BoundingKey(…)")
    }
}

/// Order that does not depend on where a row stood: cell, then the value's bits.
fn identity(row: &Row) -> (u32, u64) {
    let bits = if row.value.is_nan() { u64::MAX } else { row.value.to_bits() };
    (row.cell, bits)
}

fn hash(key: &BoundingKey, table: u32, person: u64, row: &Row, copy: u32) -> u64 {
    let (cell, bits) = identity(row);
    let mut hasher = SipHasher24::new_with_key(&key.0);
    hasher.write_u32(table);
    hasher.write_u64(person);
    hasher.write_u32(cell);
    hasher.write_u64(bits);
    hasher.write_u32(copy);
    hasher.finish()
}

/// Leaves at most `limit` rows of one person, the same ones whatever their order.
///
/// # Privacy
/// Looks at this person's rows only; what is left has at most `limit` rows.
pub(crate) fn bound(rows: &mut Vec<Row>, limit: usize, key: &BoundingKey, table: u32, person: u64) {
    if rows.len() <= limit {
        return;
    }
    rows.sort_unstable_by_key(identity);
    let mut copy = 0_u32;
    let mut hashed: Vec<(u64, Row)> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        copy = if index > 0 && identity(&rows[index - 1]) == identity(row) { copy + 1 } else { 0 };
        hashed.push((hash(key, table, person, row, copy), *row));
    }
    // Equal hashes of different rows are ordered by the rows, equal rows are interchangeable.
    hashed.select_nth_unstable_by_key(limit, |(hash, row)| (*hash, identity(row)));
    rows.clear();
    rows.extend(hashed[..limit].iter().map(|(_, row)| *row));
}

/// Leaves at most `limit` distinct cells of one person, sorted, the same ones whatever their order.
///
/// # Privacy
/// As [`bound`], for counts of persons: what is left has at most `limit` cells.
pub(crate) fn bound_cells(cells: &mut Vec<u32>, limit: usize, key: &BoundingKey, table: u32, person: u64) {
    cells.sort_unstable();
    cells.dedup();
    if cells.len() <= limit {
        return;
    }
    let order = |cell: &u32| (hash(key, table, person, &Row { cell: *cell, value: f64::NAN }, 0), *cell);
    cells.select_nth_unstable_by_key(limit, order);
    cells.truncate(limit);
    cells.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: BoundingKey = BoundingKey([7; 16]);

    fn kept(mut rows: Vec<Row>, limit: usize) -> Vec<(u32, u64)> {
        bound(&mut rows, limit, &KEY, 3, 42);
        let mut kept: Vec<_> = rows.iter().map(identity).collect();
        kept.sort_unstable();
        kept
    }

    fn many() -> Vec<Row> {
        (0..1467_u32).map(|index| Row { cell: index % 97, value: f64::from(index % 13) }).collect()
    }

    #[test]
    fn a_heavy_person_keeps_exactly_the_limit_and_a_light_one_everything() {
        assert_eq!(kept(many(), 32).len(), 32);
        assert_eq!(kept(many(), 1467).len(), 1467);
        assert_eq!(kept(many(), 2000).len(), 1467);
        assert_eq!(kept(many(), 1466).len(), 1466);
    }

    #[test]
    fn the_rows_kept_do_not_depend_on_their_order() {
        let forward = kept(many(), 100);
        let mut reversed = many();
        reversed.reverse();
        assert_eq!(kept(reversed, 100), forward);
        let mut turned = many();
        turned.rotate_left(500);
        assert_eq!(kept(turned, 100), forward);
    }

    #[test]
    fn the_choice_follows_the_key_the_person_and_the_table() {
        let choice = |key: u8, table, person| {
            let mut rows = many();
            bound(&mut rows, 50, &BoundingKey([key; 16]), table, person);
            let mut kept: Vec<_> = rows.iter().map(identity).collect();
            kept.sort_unstable();
            kept
        };
        let one = choice(1, 1, 1);
        assert_ne!(choice(2, 1, 1), one);
        assert_ne!(choice(1, 2, 1), one);
        assert_ne!(choice(1, 1, 2), one);
    }

    #[test]
    fn every_row_of_a_heavy_person_is_as_likely_to_be_kept() {
        // 2,000 keys keep 10 of 40 rows each: 500 a row, standard deviation 19.4. A bound of 6.5 standard
        // deviations is passed by one of 40 rows with a chance below 4e-9.
        let mut times = [0_u32; 40];
        for key in 0..2000_u32 {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&key.to_le_bytes());
            let mut rows: Vec<Row> = (0..40).map(|cell| Row { cell, value: 1.0 }).collect();
            bound(&mut rows, 10, &BoundingKey(bytes), 0, 9);
            for row in rows {
                times[row.cell as usize] += 1;
            }
        }
        assert!(times.iter().all(|count| (374..=626).contains(count)), "{times:?}");
    }

    #[test]
    fn cells_are_distinct_and_at_most_the_limit() {
        let mut cells: Vec<u32> = (0..300).map(|index| index % 60).collect();
        bound_cells(&mut cells, 32, &KEY, 0, 1);
        assert_eq!(cells.len(), 32);
        assert!(cells.is_sorted_by(|one, two| one < two));
        let mut few = vec![5, 3, 5, 3];
        bound_cells(&mut few, 32, &KEY, 0, 1);
        assert_eq!(few, [3, 5]);
    }
}
