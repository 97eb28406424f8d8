use medrec_kernels::{ethash::*, isa::Isa, memory::Pages};
use std::sync::atomic::*;
fn main() {
    let p = Parameters::of_epoch(Schedule::Ethash, 0).unwrap();
    let mut t = medrec_kernels::memory::TableMut::new(p.dataset_items as usize, Pages::Huge).unwrap();
    let mut x = 88172645463325252u64;
    for r in t.rows_mut() {
        for w in r.iter_mut() {
            x ^= x << 7;
            x ^= x >> 9;
            *w = x as u32;
        }
    }
    let d = Dataset::for_bench(&p, t.seal().unwrap());
    let b = Boundary::from_difficulty_u128(1 << 60).unwrap();
    let never = AtomicBool::new(false);
    let e = Engine::new(Isa::Avx512).unwrap();
    let t = std::time::Instant::now();
    e.search(
        &d,
        &SearchJob { header: &[7; 32], boundary: &b, first_nonce: 7 << 40, count: 3_000_000 },
        &never,
    );
    println!("{:.0}", 3e3 / t.elapsed().as_secs_f64());
}
