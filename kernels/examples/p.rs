use medrec_kernels::{ethash::*, isa::Isa, limit::*, memory::Pages, progress::Progress};
use std::sync::atomic::*;
use std::time::*;
fn main() {
    let p = Parameters::of_epoch(Schedule::Ethash, 0).unwrap();
    let mut a = std::env::args().skip(1);
    let huge = a.next().map_or(1, |s| s.parse::<u32>().unwrap());
    let rounds: u64 = a.next().map_or(7, |s| s.parse().unwrap());
    // random content is enough to time
    let c = LightCache::build(&Parameters::reduced([1; 32], 1021, 16), &Progress::new()).unwrap();
    let mut t = medrec_kernels::memory::TableMut::new(
        p.dataset_items as usize,
        if huge == 1 { Pages::Huge } else { Pages::Base },
    )
    .unwrap();
    let mut x = 88172645463325252u64;
    for r in t.rows_mut() {
        for w in r.iter_mut() {
            x ^= x << 7;
            x ^= x >> 9;
            *w = x as u32;
        }
    }
    let d = Dataset::for_bench(&p, t.seal().unwrap());
    let _ = c;
    println!("{:?}", d.huge_page_use());
    let b = Boundary::from_difficulty_u128(1 << 60).unwrap();
    let never = AtomicBool::new(false);
    for threads in [1usize, 2] {
        let mut rows: Vec<(String, Vec<f64>, Vec<f64>)> = vec![];
        for r in 0..rounds {
            let mut lim = 0f64;
            for k in [8, 12, 16, 32] {
                let x = random_reads(d.pages(), threads, k, Duration::from_millis(150)).hashrate_hps() / 1e3;
                lim = lim.max(x);
                let n = format!("limit {k}");
                match rows.iter_mut().find(|q| q.0 == n) {
                    Some(q) => q.1.push(x),
                    None => rows.push((n, vec![x], vec![])),
                };
            }
            for isa in [Isa::Avx512] {
                let e = Engine::new(isa).unwrap();
                let n = 100_000u64;
                let t = Instant::now();
                std::thread::scope(|s| {
                    for i in 0..threads as u64 {
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
                let x = (n * threads as u64) as f64 / t.elapsed().as_secs_f64() / 1e3;
                let n = e.name().to_string();
                match rows.iter_mut().find(|q| q.0 == n) {
                    Some(q) => {
                        q.1.push(x);
                        q.2.push(x / lim)
                    }
                    None => rows.push((n, vec![x], vec![x / lim])),
                };
            }
        }
        for (n, mut v, mut w) in rows {
            v.sort_by(f64::total_cmp);
            w.sort_by(f64::total_cmp);
            println!(
                "{threads} {n:10} median {:.0} max {:.0} kH/s ratio {:.3}",
                v[v.len() / 2],
                v[v.len() - 1],
                w.get(w.len() / 2).unwrap_or(&0.)
            );
        }
    }
}
