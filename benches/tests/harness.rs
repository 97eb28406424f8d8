//! The harness with contenders whose behaviour is known: order, pairing, ratios, refusal.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

use medrec_benches::error::BenchError;
use medrec_benches::harness::{Contender, Entry, Identity, Origin, Plan, Sample, on_threads, run};

type Log = Rc<RefCell<Vec<String>>>;

struct Scripted {
    name: &'static str,
    origin: Origin,
    rates: Vec<u64>,
    turn: usize,
    log: Log,
    is_right: bool,
}

impl Scripted {
    fn new(name: &'static str, origin: Origin, rates: &[u64], log: &Log) -> Self {
        Self { name, origin, rates: rates.to_vec(), turn: 0, log: Rc::clone(log), is_right: true }
    }
}

impl Contender for Scripted {
    fn identity(&self) -> Identity {
        Identity {
            engine: self.name.to_owned(),
            origin: self.origin,
            measure: "script".to_owned(),
            unit: "hash".to_owned(),
            threads: 1,
            pages: None,
        }
    }

    fn check(&mut self) -> Result<String, BenchError> {
        self.log.borrow_mut().push(format!("check {}", self.name));
        let wrong = || BenchError::WrongAnswer {
            contender: self.name.to_owned(),
            case: "case".to_owned(),
            expected: "00".to_owned(),
            actual: "ff".to_owned(),
        };
        if self.is_right { Ok("a script".to_owned()) } else { Err(wrong()) }
    }

    fn sample(&mut self, _: f64) -> Result<Sample, BenchError> {
        self.log.borrow_mut().push(self.name.to_owned());
        let work = self.rates[self.turn % self.rates.len()];
        self.turn += 1;
        Ok(Sample { work, wall_seconds: 1.0, cpu_seconds: Some(0.5), ..Sample::default() })
    }
}

const PLAN: Plan = Plan { samples: 2, sample_seconds: 1.0, warm_up_seconds: 0.0 };

#[test]
fn limit_and_contenders_take_turns_and_ratios_are_paired() {
    let log = Log::default();
    let limit = Scripted::new("limit", Origin::Limit, &[100, 200, 100, 50, 100, 50], &log);
    let a = Scripted::new("a", Origin::Medrec, &[75, 30], &log);
    let b = Scripted::new("b", Origin::Medrec, &[30, 15], &log);
    let free = Scripted::new("free", Origin::Peer, &[1], &log);
    let entries = vec![
        Entry { contender: Box::new(a), limit: Some(0) },
        Entry { contender: Box::new(b), limit: Some(0) },
        Entry { contender: Box::new(free), limit: None },
    ];
    let outcome = run(vec![Box::new(limit)], entries, &PLAN, &AtomicBool::new(false), &mut |_| {}).unwrap();

    let order = log.borrow().join(" ");
    let one_round = "limit a limit b limit free";
    assert_eq!(order, format!("check limit check a check b check free {one_round} {one_round}"));

    let a = outcome.measurements.iter().find(|m| m.identity.engine == "a").unwrap();
    // Round 0: 75 between 100 and 200; round 1: 30 between 50 and 100.
    let ratios: Vec<f64> = a.samples.iter().map(|sample| sample.ratio_to_limit.unwrap()).collect();
    assert!((ratios[0] - 0.5).abs() < 1e-12 && (ratios[1] - 0.4).abs() < 1e-12, "{ratios:?}");
    assert!((a.ratio_to_limit.unwrap().median - 0.45).abs() < 1e-12);
    assert!((a.rate_per_cpu_second.unwrap().maximum - 150.0).abs() < 1e-12);
    let free = outcome.measurements.iter().find(|m| m.identity.engine == "free").unwrap();
    assert_eq!(free.ratio_to_limit, None);
    let limit = &outcome.measurements[0];
    assert_eq!((limit.identity.engine.as_str(), limit.samples.len()), ("limit", 6));
}

#[test]
fn a_wrong_answer_stops_the_run_before_anything_is_timed() {
    let log = Log::default();
    let mut wrong = Scripted::new("wrong", Origin::Medrec, &[1], &log);
    wrong.is_right = false;
    let entries = vec![Entry { contender: Box::new(wrong), limit: None }];
    let error = run(Vec::new(), entries, &PLAN, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
    assert!(matches!(error, BenchError::WrongAnswer { .. }), "{error}");
    assert_eq!(log.borrow().join(" "), "check wrong");
}

#[test]
fn spread_samples_are_called_noisy() {
    let log = Log::default();
    let entries = vec![Entry {
        contender: Box::new(Scripted::new("jumpy", Origin::Medrec, &[100, 150], &log)),
        limit: None,
    }];
    let outcome = run(Vec::new(), entries, &PLAN, &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert!(outcome.measurements[0].is_noisy);
    assert!(outcome.noise.warnings.iter().any(|warning| warning.contains("jumpy")), "{:?}", outcome.noise);
}

#[test]
fn a_stop_asked_for_ends_the_run() {
    let log = Log::default();
    let entries =
        vec![Entry { contender: Box::new(Scripted::new("a", Origin::Medrec, &[1], &log)), limit: None }];
    let error = run(Vec::new(), entries, &PLAN, &AtomicBool::new(true), &mut |_| {}).unwrap_err();
    assert!(matches!(error, BenchError::Stopped), "{error}");
    assert!(log.borrow().is_empty());
}

#[test]
fn a_plan_without_samples_or_time_is_refused() {
    for plan in [
        Plan { samples: 0, ..PLAN },
        Plan { sample_seconds: 0.0, ..PLAN },
        Plan { sample_seconds: f64::NAN, ..PLAN },
        Plan { warm_up_seconds: -1.0, ..PLAN },
    ] {
        let error = run(Vec::new(), Vec::new(), &plan, &AtomicBool::new(false), &mut |_| {}).unwrap_err();
        assert!(matches!(error, BenchError::Plan { .. }), "{error}");
    }
}

#[test]
fn threads_add_up_and_an_error_of_one_is_the_error_of_all() {
    let sample = on_threads(3, 0.01, |thread, deadline| {
        while std::time::Instant::now() < deadline {
            std::hint::spin_loop();
        }
        Ok(10 + thread as u64)
    })
    .unwrap();
    assert_eq!(sample.work, 33);
    assert!(sample.wall_seconds >= 0.01);
    assert!(sample.cpu_seconds.unwrap() > 0.0);

    let failed = on_threads(2, 0.01, |thread, _| if thread == 1 { Err(BenchError::Stopped) } else { Ok(1) });
    assert!(matches!(failed, Err(BenchError::Stopped)));
}
