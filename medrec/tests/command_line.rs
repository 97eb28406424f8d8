//! The binary as a user meets it: what goes to which stream, exit codes, closed pipes, saved records.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it like the test itself")]

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn medrec(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_medrec"));
    command.args(arguments);
    command
}

fn output(arguments: &[&str]) -> Output {
    medrec(arguments).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Arguments of a benchmark that takes milliseconds.
const QUICK_KECCAK: [&str; 8] = ["bench", "keccak", "--seconds", "0.005", "--samples", "2", "--threads", "1"];
const QUICK_ETHASH: [&str; 9] =
    ["bench", "ethash", "--reduced", "--seconds", "0.01", "--samples", "2", "--threads", "1"];
const QUICK_DAG: [&str; 9] =
    ["bench", "dag", "--reduced", "--seconds", "0.01", "--samples", "2", "--threads", "1,2"];

fn errors_of_schema(document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(medrec_benches::record::SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn a_release_is_measured_with_its_memory_and_errors() {
    let document =
        json(&output(&["bench", "anonymize", "--rows", "100000", "--samples", "1", "--json", "--quiet"]));
    assert_eq!(errors_of_schema(&document), Vec::<String>::new());
    assert_eq!(document["benchmark"], "anonymize");
    let release = &document["results"][0];
    assert!(release["peak_memory_bytes"].as_u64().unwrap() > 1 << 20, "{release}");
    // Noise of scale 32 in both halves of a count: 48 on average, and 2,040 cells are never off that far.
    let error = release["accuracy"]["count_error"].as_f64().unwrap();
    assert!((15.0..80.0).contains(&error), "{release}");
    assert_eq!(release["accuracy"]["cells"], 2040);
}

#[test]
fn version_is_one_line_on_stdout_and_comes_at_once() {
    let start = Instant::now();
    let version = output(&["--version"]);
    let took = start.elapsed();
    assert_eq!(stdout(&version), format!("medrec {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(stderr(&version), "");
    // The goal is 20 ms on a quiet machine; the best of ten runs must reach it on any.
    let again = (0..10).map(|_| {
        let start = Instant::now();
        output(&["--version"]);
        start.elapsed()
    });
    let best = again.min().unwrap().min(took);
    assert!(best < Duration::from_millis(20), "{best:?}");
}

#[test]
fn json_of_every_benchmark_fits_the_schema_and_is_alone_on_stdout() {
    for (arguments, benchmark) in
        [(&QUICK_KECCAK[..], "keccak"), (&QUICK_ETHASH[..], "ethash"), (&QUICK_DAG[..], "dag")]
    {
        let document = json(&output(&[arguments, &["--json"]].concat()));
        assert_eq!(errors_of_schema(&document), Vec::<String>::new(), "{benchmark}");
        assert_eq!(document["benchmark"], benchmark);
        assert!(document["hashrate_hps"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn the_best_engine_of_a_search_is_held_against_a_limit_sampled_around_it() {
    let document = json(&output(&[&QUICK_ETHASH[..], &["--json"]].concat()));
    let results = document["results"].as_array().unwrap();
    let limit = results.iter().find(|result| result["origin"] == "limit").unwrap();
    let best = results
        .iter()
        .find(|result| result["origin"] == "medrec" && result["engine"] == document["best"]["engine"])
        .unwrap();
    assert_eq!(document["limit_hps"], limit["rate"]["median"]);
    assert_eq!(document["ratio_to_limit"], best["ratio_to_limit"]["median"]);
    let engines = results.len() - 1;
    assert_eq!(limit["samples"].as_array().unwrap().len(), 2 * (engines + 1), "limit, A, limit, B, limit");
}

#[test]
fn quiet_and_verbose_change_stderr_only() {
    let lines = |extra: &[&str]| {
        let output = output(&[&["bench", "compare"], &two_records()[..], extra].concat());
        (stdout(&output).to_owned(), stderr(&output).to_owned())
    };
    let (plain, _) = lines(&[]);
    let (quiet, silence) = lines(&["--quiet"]);
    let (verbose, _) = lines(&["-v"]);
    assert_eq!((&plain, &plain), (&quiet, &verbose));
    assert_eq!(silence, "");

    let verbose = output(&[&QUICK_KECCAK[..], &["-v"]].concat());
    assert!(stderr(&verbose).contains("checking answers"), "{}", stderr(&verbose));
    assert!(!stdout(&verbose).contains("checking answers"));
}

/// Paths of two records of this machine, written once.
fn two_records() -> [&'static str; 2] {
    static PATHS: std::sync::OnceLock<[String; 2]> = std::sync::OnceLock::new();
    let paths = PATHS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        ["first.json", "second.json"].map(|name| {
            let path = folder.join(name);
            let record = output(&[&QUICK_KECCAK[..], &["--json"]].concat());
            std::fs::write(&path, &record.stdout).unwrap();
            path.to_str().unwrap().to_owned()
        })
    });
    [&paths[0], &paths[1]]
}

#[test]
fn compare_tells_ratios_as_text_and_as_json() {
    let [first, second] = two_records();
    let text = output(&["bench", "compare", first, second]);
    assert!(stdout(&text).contains("ratio"), "{}", stdout(&text));
    let document = json(&output(&["bench", "compare", first, first, "--json"]));
    let rows = document["rows"].as_array().unwrap();
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row["ratio"] == 1.0 && row["is_clear"] == false));
}

#[test]
fn compare_of_a_missing_file_fails_and_names_it() {
    let result = output(&["bench", "compare", "no-such-record.json", "no-such-record.json"]);
    assert_eq!(result.status.code(), Some(1));
    assert_eq!(stdout(&result), "");
    assert!(stderr(&result).contains("no-such-record.json"));
}

#[test]
fn an_unknown_engine_exits_with_3_and_lists_those_that_run() {
    for benchmark in ["keccak", "ethash", "dag"] {
        let result = output(&["bench", benchmark, "--engine", "quantum"]);
        assert_eq!(result.status.code(), Some(3), "{benchmark}: {}", stderr(&result));
        assert_eq!(stdout(&result), "");
        let message = stderr(&result);
        assert!(message.contains("\"quantum\"") && message.contains("scalar"), "{message}");
        assert!(message.contains("\nhint: "), "{message}");
    }
}

#[test]
fn an_unknown_device_exits_with_3_and_says_what_there_is() {
    for benchmark in ["ethash", "dag"] {
        let result = output(&["bench", benchmark, "--reduced", "--device", "no such device"]);
        assert_eq!(result.status.code(), Some(3), "{benchmark}: {}", stderr(&result));
        assert_eq!(stdout(&result), "");
        let message = stderr(&result);
        assert!(message.contains("no such device") || message.contains("hint: "), "{message}");
    }
}

#[test]
fn arguments_without_sense_exit_with_2_before_anything_runs() {
    for arguments in [
        &["bench", "keccak", "--samples", "0"][..],
        &["bench", "keccak", "--seconds", "0"],
        &["bench", "keccak", "--seconds", "NaN"],
        &["bench", "keccak", "--threads", "0"],
        &["bench", "anonymize", "--rows", "5"],
        &["bench", "anonymize", "--samples", "0"],
        &["bench", "ethash", "--epoch", "minus one"],
        &["bench", "ethash", "--reduced", "--epoch", "3"],
        &["--quiet", "--verbose", "engines"],
        &["no-such-command"],
        &[],
    ] {
        let result = output(arguments);
        assert_eq!(result.status.code(), Some(2), "{arguments:?}: {}", stderr(&result));
        assert_eq!(stdout(&result), "", "{arguments:?}");
        assert_ne!(stderr(&result), "", "{arguments:?}");
    }
}

#[test]
fn a_closed_pipe_is_success_and_silent() {
    let mut child =
        medrec(&["engines", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let result = child.wait_with_output().unwrap();
    assert_eq!(result.status.code(), Some(0), "{}", stderr(&result));
    assert_eq!(stderr(&result), "");
}

#[test]
fn help_is_on_stdout_with_examples() {
    let commands: [&[&str]; 4] = [
        &["--help"],
        &["bench", "ethash", "--help"],
        &["bench", "compare", "--help"],
        &["engines", "--help"],
    ];
    for command in commands {
        let help = output(command);
        assert!(help.status.success());
        assert!(stdout(&help).contains("Example"), "{command:?}: {}", stdout(&help));
        assert_eq!(stderr(&help), "");
    }
}

#[test]
fn no_escape_codes_off_a_terminal_and_with_no_color() {
    for arguments in [&["engines"][..], &["bench", "keccak", "--engine", "quantum"], &["--help"]] {
        for set in [None, Some("1")] {
            let mut command = medrec(arguments);
            command.env_remove("NO_COLOR");
            if let Some(value) = set {
                command.env("NO_COLOR", value);
            }
            let result = command.output().unwrap();
            assert!(!result.stdout.contains(&0x1b) && !result.stderr.contains(&0x1b), "{arguments:?}");
        }
    }
}

#[test]
fn engines_lists_what_runs_and_which_is_used() {
    let text = output(&["engines"]);
    assert!(text.status.success());
    assert!(stdout(&text).contains("scalar"));
    // Devices, or why there are none: never silence.
    assert!(stdout(&text).contains("OpenCL: "));
    let document = json(&output(&["engines", "--json"]));
    let engines = document["engines"].as_array().unwrap();
    let used: Vec<&Value> = engines.iter().filter(|engine| engine["is_used"] == true).collect();
    assert_eq!(used.len(), 1);
    assert_eq!(used[0]["is_available"], true);
    assert!(engines.iter().all(|engine| !engine["reason"].as_str().unwrap().is_empty()));
}

#[test]
fn save_writes_a_record_that_is_the_json_document_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let save = ["--json", "--save", "--record-dir", folder.path().to_str().unwrap()];
    for _ in 0..2 {
        let result = output(&[&QUICK_KECCAK[..], &save].concat());
        let saved = newest_record(folder.path());
        assert_eq!(json(&result), serde_json::from_str::<Value>(&saved).unwrap());
        assert!(stderr(&result).contains("saved "), "{}", stderr(&result));
    }
    assert_eq!(records(folder.path()).len(), 2);
}

fn records(folder: &Path) -> Vec<std::path::PathBuf> {
    let device = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mut paths: Vec<_> = std::fs::read_dir(device).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    paths
}

fn newest_record(folder: &Path) -> String {
    std::fs::read_to_string(records(folder).pop().unwrap()).unwrap()
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_long_benchmark_with_130_and_no_result() {
    let mut child = medrec(&["bench", "keccak", "--seconds", "0.05", "--samples", "100000", "-v"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first line on stderr comes when the signals are listened for already.
    let mut first = [0; 1];
    child.stderr.as_mut().unwrap().read_exact(&mut first).unwrap();
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let result = child.wait_with_output().unwrap();
    assert_eq!(result.status.code(), Some(130), "{}", stderr(&result));
    assert_eq!(stdout(&result), "");
}
