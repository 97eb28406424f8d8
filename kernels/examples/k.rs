use medrec_kernels::keccak::Engine;
use std::time::Instant;
fn main() {
    let m = vec![7u8; 40 * 1024];
    let mut d = vec![[0u8; 32]; 1024];
    for e in Engine::all() {
        let mut best = 1e9f64;
        for _ in 0..40 {
            let t = Instant::now();
            for _ in 0..5 {
                e.keccak256_batch(&m, 40, &mut d);
            }
            best = best.min(t.elapsed().as_secs_f64() / 5. / 1024. * 1e9);
        }
        println!("{} {best:.1} ns", e.name());
    }
    let e = Engine::best();
    let mut x = [0u8; 64];
    let mut best = 1e9f64;
    for _ in 0..10 {
        let t = Instant::now();
        for _ in 0..10000 {
            x = e.keccak512(&x);
        }
        best = best.min(t.elapsed().as_secs_f64() / 1e4 * 1e9);
    }
    println!("chain {best:.1}");
}
