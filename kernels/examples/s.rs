use medrec_kernels::{ethash::*, isa::Isa, memory::Pages, progress::Progress};
use std::sync::atomic::*;
use std::time::Instant;
fn main() {
    let p = Parameters::of_epoch(Schedule::Ethash, 0).unwrap();
    let t = Instant::now();
    let c = LightCache::build(&p, &Progress::new()).unwrap();
    println!("cache {:?}", t.elapsed());
    for _ in 0..3 {
        let t = Instant::now();
        let c = LightCache::build(&p, &Progress::new()).unwrap();
        println!("cache {:?} {}", t.elapsed(), c.rows()[5][0]);
    }
    let n = 400000;
    let mut out = vec![[0u32; 16]; n];
    for _ in 0..2 {
        let t = Instant::now();
        c.fill_items(12345, &mut out);
        let e = t.elapsed().as_secs_f64();
        println!(
            "items 1 thread {:.0} ns/item -> dag on 2: {:.1}s",
            e / n as f64 * 1e9,
            e / n as f64 * p.dataset_items as f64 / 2.
        );
    }
    let t = Instant::now();
    let mut k = 0;
    while t.elapsed().as_secs_f64() < 0.5 {
        c.hashimoto(&[1; 32], k);
        k += 1;
    }
    println!("light single {:.0} H/s", k as f64 / t.elapsed().as_secs_f64());
    let inp: Vec<_> = (0..2000u64).map(|i| ([1; 32], i)).collect();
    let t = Instant::now();
    c.hashimoto_batch(&inp);
    println!("light batch {:.0} H/s", 2000. / t.elapsed().as_secs_f64());
    let t = Instant::now();
    let d = Dataset::build(&c, Pages::Huge, 2, &Progress::new()).unwrap();
    println!("dag 2 threads {:?} {:?}", t.elapsed(), d.huge_page_use());
    let b = Boundary::from_difficulty_u128(1 << 40).unwrap();
    let never = AtomicBool::new(false);
    let isas = if std::env::args().nth(1).is_some() { vec![Isa::Avx512] } else { Isa::available() };
    for _ in 0..2 {
        for isa in &isas {
            let e = Engine::new(*isa).unwrap();
            for threads in [1, 2] {
                let mut best = 0f64;
                let mut all = vec![];
                for r in 0..5 {
                    let n = 200_000u64;
                    let t = Instant::now();
                    std::thread::scope(|s| {
                        for i in 0..threads {
                            let (d, b, never) = (&d, &b, &never);
                            s.spawn(move || {
                                e.search(
                                    d,
                                    &SearchJob {
                                        header: &[7; 32],
                                        boundary: b,
                                        first_nonce: (r * 10 + i) << 40,
                                        count: n,
                                    },
                                    never,
                                )
                            });
                        }
                    });
                    let x = (n * threads) as f64 / t.elapsed().as_secs_f64() / 1e3;
                    best = best.max(x);
                    all.push(x as u32);
                }
                println!("{} x{threads} best {best:.0} kH/s {all:?}", e.name());
            }
        }
    }
}
