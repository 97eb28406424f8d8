//! Finding a tuning, remembering it, and surviving what may have happened to the file.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use medrec_kernels::opencl::autotune::autotune;
use medrec_kernels::opencl::{
    Exchange, GroupTuning, OpenClError, OpenClSearcher, SearcherOptions, Tuning, TuningFile, VectorTuning,
};
use medrec_kernels::progress::Progress;

use crate::support::{FIXTURE, Fixture, device};

const TUNING: Tuning = Tuning::Vector(VectorTuning { work_group: 7 });

fn group(change: impl FnOnce(&mut GroupTuning)) -> Tuning {
    let mut group = GroupTuning {
        lanes: 8,
        in_flight: 4,
        work_group: 64,
        exchange: Exchange::Local,
        max_registers: None,
    };
    change(&mut group);
    Tuning::Group(group)
}

fn names_in(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn autotuning_returns_a_tuning_that_works_and_measures_several() {
    let dataset = FIXTURE.on_device(u64::MAX);
    let found = autotune(&dataset, &Fixture::verify(), Duration::from_secs(3), &Progress::new()).unwrap();
    assert!(found.trials.len() >= 2, "{:?}", found.trials);
    assert!(found.trials.iter().any(|trial| trial.tuning == found.tuning));
    for trial in &found.trials {
        let hashrate_hps = *trial.hashrate_hps.as_ref().unwrap();
        assert!(hashrate_hps > 100.0 && hashrate_hps <= found.hashrate_hps, "{trial:?}");
    }
}

#[test]
fn a_tuning_is_remembered_for_its_device_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = TuningFile::new(folder.path().join("new folder/tuning.json"));
    let device = device();
    let mut other = device.clone();
    other.name = "another".to_owned();
    assert_eq!(file.load(&device), None);
    file.save(&device, TUNING, 1e6).unwrap();
    assert_eq!(file.load(&device), Some(TUNING));
    assert_eq!(file.load(&other), None);
    let mut updated = device.clone();
    updated.driver_version = "another".to_owned();
    assert_eq!(file.load(&updated), None);

    let second = group(|_| ());
    file.save(&other, second, 2e6).unwrap();
    assert_eq!((file.load(&device), file.load(&other)), (Some(TUNING), Some(second)));
    file.save(&device, second, 3e6).unwrap();
    assert_eq!((file.load(&device), file.load(&other)), (Some(second), Some(second)));
    assert_eq!(names_in(&folder.path().join("new folder")), ["tuning.json"], "no leftovers");
}

#[test]
fn a_corrupt_or_stale_file_is_ignored_and_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tuning.json");
    let file = TuningFile::new(&path);
    let device = device();
    file.save(&device, TUNING, 1e6).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let hash = medrec_kernels::opencl::source::sources_hash();
    let faulty = [
        String::new(),
        good[..good.len() / 2].to_owned(),
        "not json".to_owned(),
        "\u{0}\u{0}\u{0}\u{0}".to_owned(),
        good.replace("\"version\": 1", "\"version\": 2"),
        good.replace(&hash, &"0".repeat(64)),
        good.replace("\"vector\"", "\"unheard of\""),
        good.replace("\"work_group\": 7", "\"work_group\": 0"),
        good.replace("\"work_group\": 7", "\"work_group\": 4000000000"),
        good.replace("\"work_group\": 7", "\"work_group\": -1"),
    ];
    for text in faulty {
        assert_ne!(text, good);
        fs::write(&path, &text).unwrap();
        assert_eq!(file.load(&device), None, "{text}");
        file.save(&device, TUNING, 1e6).unwrap();
        assert_eq!(file.load(&device), Some(TUNING), "after {text}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let blocker = folder.path().join("a file");
    fs::write(&blocker, "").unwrap();
    let error = TuningFile::new(blocker.join("tuning.json")).save(&device(), TUNING, 1.0).unwrap_err();
    assert!(matches!(error, OpenClError::TuningFile { .. }));
    assert!(error.to_string().contains("a file/tuning.json"), "{error}");
}

#[test]
fn an_impossible_tuning_is_refused_with_the_reason() {
    let device = device();
    let cases = [
        (group(|group| group.lanes = 3), "lanes"),
        (group(|group| group.in_flight = 3), "in flight"),
        (group(|group| group.in_flight = 0), "in flight"),
        (group(|group| group.work_group = 12), "multiple"),
        (group(|group| group.work_group = 0), "work-group"),
        (group(|group| group.work_group = 1 << 20), "allows"),
        (group(|group| group.exchange = Exchange::Ptx), "Ptx"),
        (group(|group| group.exchange = Exchange::Shuffle), "Shuffle"),
        (group(|group| group.max_registers = Some(64)), "registers"),
    ];
    let dataset = FIXTURE.on_device(u64::MAX);
    for (tuning, reason) in cases {
        let options = SearcherOptions::default();
        let error =
            OpenClSearcher::over(Arc::clone(&dataset), tuning, Fixture::verify(), options).err().unwrap();
        let message = error.to_string();
        assert!(message.contains(&device.name) && message.contains(reason), "{message}");
    }
}
