//! Charges, draws and their pace.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::statistics::{assert_uncorrelated, fisher_z, gaussian_of, laplace_of};
use super::*;

fn rho(text: &str) -> Rho {
    text.parse().unwrap()
}

#[test]
fn a_person_pays_for_what_she_is_in_rounded_up_and_never_more_than_the_vector_costs() {
    let spec = NoiseSpec::gaussian(100, &rho("1/3"), 5).unwrap();
    assert_eq!(spec.loss(0, 0), Rho::zero());
    assert_eq!(spec.loss(10, 100), spec.rho);
    let half = spec.loss(5, 50);
    let exact = Rho::from_integers(
        spec.scale.denominator() * spec.scale.denominator() * 50_u8,
        spec.scale.numerator() * spec.scale.numerator() * 2_u8,
    )
    .unwrap();
    assert!(half >= exact && half <= &exact + &Rho::from_ratio(1, 1 << 40).unwrap());
    assert!(spec.loss(9, 99) <= spec.rho);
    assert!(spec.loss(0, 101) > spec.rho, "who passes the sensitivity pays in full");
    let spec = NoiseSpec::laplace_at_rho(10, &rho("0.02"), 5).unwrap();
    assert_eq!(spec.loss(10, 1), spec.rho);
    assert!(spec.loss(5, 25) <= rho("0.005") && spec.loss(5, 25) > rho("0.00499"));
    assert!(spec.loss(u128::MAX, u128::MAX) > rho("1000000000"), "no overflow");
}

#[test]
fn sums_of_a_thousand_charges_keep_small_denominators() {
    let losses = (1..1000_u128).map(|l2| NoiseSpec::gaussian(l2 * 1000, &rho("1/7"), 1).unwrap().loss(0, l2));
    assert!(losses.sum::<Rho>().denominator().bits() <= 41);
}

#[test]
fn what_cannot_be_drawn_is_refused_with_constant_words() {
    for spec in [
        NoiseSpec::gaussian(0, &rho("1"), 1),
        NoiseSpec::gaussian(1, &Rho::zero(), 1),
        NoiseSpec::laplace(1, &Rho::zero(), 1),
        NoiseSpec::laplace_at_rho(0, &rho("1"), 1),
        NoiseSpec::gaussian(u128::MAX, &rho("1"), 1),
        NoiseSpec::laplace(u128::MAX, &rho("1"), 1),
    ] {
        let message = spec.unwrap_err().to_string();
        assert!(message.starts_with("the noise could not be drawn: "), "{message}");
        assert!(message.chars().filter(char::is_ascii_digit).all(|digit| "064".contains(digit)), "{message}");
    }
}

#[test]
fn a_spec_that_charges_less_than_the_library_says_is_not_drawn() {
    for honest in [gaussian_of(3.0, 4), laplace_of(3.0, 4)] {
        let cheap = NoiseSpec { rho: honest.rho.scaled(999_999, 1_000_000).unwrap(), ..honest.clone() };
        let error = draw(&[honest, cheap], &|| false).unwrap_err().to_string();
        assert_eq!(error, "the noise could not be drawn: the noise library puts the loss above the charge");
    }
}

/// A vector of 2,000 integers of scale 2^20 comes twice with a probability below 2^-40000.
#[test]
fn vectors_have_their_lengths_and_no_draw_repeats_another() {
    let specs = [gaussian_of(1_048_576.0, 2000), laplace_of(1_048_576.0, 700), gaussian_of(1_048_576.0, 0)];
    let first = draw(&specs, &|| false).unwrap();
    let second = draw(&specs, &|| false).unwrap();
    let lengths: Vec<usize> = first.iter().map(Vec::len).collect();
    assert_eq!(lengths, [2000, 700, 0]);
    let windows: BTreeSet<&[i64]> =
        first.iter().chain(&second).flat_map(|vector| vector.windows(8)).collect();
    assert_eq!(windows.len(), 2 * (2000 - 7 + 700 - 7), "eight integers came twice");
}

#[test]
fn a_stopped_draw_returns_nothing() {
    let error = draw(&[gaussian_of(3.0, 1000)], &|| true).unwrap_err();
    assert!(matches!(error, AnonymizerError::Stopped), "{error}");
}

#[test]
fn an_answer_waits_for_a_whole_number_of_quanta() {
    let quantum = Duration::from_millis(20);
    let waits = [(0, 20), (1, 19), (20, 0), (21, 19), (59, 1)];
    for (elapsed, rest) in waits {
        assert_eq!(pace::rest(Duration::from_millis(elapsed), quantum), Duration::from_millis(rest));
    }
    let start = std::time::Instant::now();
    draw(&[laplace_of(1.0, 1)], &|| false).unwrap();
    assert!(start.elapsed() >= quantum);
}

/// Time is counted in random bytes taken, so that the machine's load plays no part; a byte stands for so
/// many nanoseconds that an average draw takes half a quantum. Seeded; false-alarm rate below 1e-6.
#[test]
fn the_time_of_an_answer_tells_nothing_about_the_size_of_its_noise() {
    let spec = laplace_of(8.0, 100);
    let taken = Arc::new(AtomicU64::new(0));
    let (counter, mut source) = (Arc::clone(&taken), ChaCha20Rng::seed_from_u64(5));
    let count = move |bytes: &mut [u8]| {
        counter.fetch_add(bytes.len().try_into().unwrap(), Ordering::Relaxed);
        source.fill_bytes(bytes);
    };
    let (mut sizes, mut times) = (Vec::new(), Vec::new());
    generator::door::with_source(count, || {
        for _ in 0..600 {
            let before = taken.load(Ordering::Relaxed);
            let noise = draw::sample(&spec, 100).unwrap();
            sizes.push(noise.iter().map(|x| f64::from(i32::try_from(x.abs()).unwrap())).sum::<f64>());
            times.push(f64::from(u32::try_from(taken.load(Ordering::Relaxed) - before).unwrap()));
        }
    });
    assert!(
        fisher_z(&sizes, &times) > 10.0,
        "the raw time should betray the size, or this test sees nothing"
    );
    let mean = times.iter().sum::<f64>() / 600.0;
    let quantum = Duration::from_millis(20);
    let answers: Vec<f64> = times
        .iter()
        .map(|time| {
            let elapsed = quantum.mul_f64(time / mean / 2.0);
            (elapsed + pace::rest(elapsed, quantum)).as_secs_f64()
        })
        .collect();
    assert_uncorrelated(&sizes, &answers);
}

/// By the clock: of 200 draws from known seeds the one that makes most noise and the one that makes least take the same number
/// of quanta, one. A busy machine can make a single try late, so the best of up to fifty counts; nothing makes a try early.
#[test]
fn the_largest_and_the_smallest_noise_are_answered_after_the_same_quantum() {
    let spec = laplace_of(8.0, 100);
    let drawn = |seed: u64, work: &mut dyn FnMut() -> Vec<i64>| {
        let mut source = ChaCha20Rng::seed_from_u64(seed);
        generator::door::with_source(move |bytes| source.fill_bytes(bytes), work)
    };
    let size = |noise: &[i64]| noise.iter().map(|integer| integer.unsigned_abs()).sum::<u64>();
    let sizes: Vec<(u64, u64)> =
        (0..200).map(|seed| (size(&drawn(seed, &mut || draw::sample(&spec, 100).unwrap())), seed)).collect();
    let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(5 * least.0 < 4 * most.0, "the seeds make no difference");
    let quantum = pace::quantum(std::slice::from_ref(&spec), std::num::NonZero::<u64>::MIN);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().unwrap();
    for (expected, seed) in [least, most] {
        let quanta = (0..50).map(|_| {
            let start = std::time::Instant::now();
            let noise = drawn(*seed, &mut || {
                pool.install(|| draw(std::slice::from_ref(&spec), &|| false).unwrap().remove(0))
            });
            assert_eq!(size(&noise), *expected, "the door was not used");
            start.elapsed().as_nanos() / quantum.as_nanos()
        });
        let mut quanta = quanta.inspect(|&quanta| assert!(quanta >= 1, "an answer came before its time"));
        assert!(
            quanta.any(|quanta| quanta == 1),
            "noise of size {expected} is never answered after one quantum"
        );
    }
}
