//! docs/TUTORIAL.md, command by command: what a newcomer types is what is run here, in the page's order.
//!
//! Four things differ, and nothing else: the ports are free ones, services run in the background, `0x…` and `block-N` get the value that
//! the reader sees on the screen, and the release build is this one.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Adds to a command what a free port takes: the node's options stand in no line of the page, since 8545 is the default.
const PRELUDE: &str = r#"
set -eux
medrec() {
    case "$1 ${2-}" in
        *\ keys|*\ candidate|synth*|gatekeeper*|verify*) "$MEDREC" "$@" ;;
        node*) "$MEDREC" "$@" --http-port "$NODE_PORT" ;;
        *) "$MEDREC" "$@" --node "http://127.0.0.1:$NODE_PORT" ;;
    esac
}
reached() {
    for _ in $(seq 600); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        sleep 0.1
    done
    echo "nobody listens on $1" >&2
    exit 1
}
refused() {
    if "$@"; then
        echo "not refused: $*" >&2
        exit 1
    fi
}
"#;

/// The lines of the page's blocks, continued ones joined.
fn commands(page: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            assert_eq!(line, "```", "the page's blocks are all commands");
            is_inside = !is_inside;
        } else if is_inside {
            match lines.last_mut().filter(|last| last.ends_with('\\')) {
                Some(last) => {
                    last.pop();
                    last.push_str(line);
                }
                None => lines.push(line.to_owned()),
            }
        }
    }
    lines
}

/// One line as the script has it.
fn scripted(line: &str) -> String {
    let line = line
        .replace("127.0.0.1:8545", "127.0.0.1:$NODE_PORT")
        .replace("127.0.0.1:7001", "127.0.0.1:$GATEKEEPER_PORT")
        .replace("revoke 0x…", "revoke $COMMITMENT")
        .replace("rewards/0x…/epoch-1/block-N.tar.zst", "$BUNDLE");
    let command = line.split(" #").next().unwrap_or_default().trim().to_owned();
    if line.starts_with("cargo build") {
        return String::new();
    }
    if command.starts_with("medrec node") {
        return format!("{command} > node.log 2>&1 &\nreached $NODE_PORT");
    }
    if command.starts_with("medrec gatekeeper") {
        return format!("{command} > gatekeeper.log 2>&1 &\nreached $GATEKEEPER_PORT");
    }
    if command.starts_with("medrec patient consents") {
        let whom = r"jq -r '.documents[] | select(.document.yearly_cap == null) | .commitment'";
        return format!("{command}\nCOMMITMENT=$({command} --json | {whom})");
    }
    if command.starts_with("medrec researcher collect") {
        // What Ctrl-C does, once it has stored a few.
        return format!(
            "\"$MEDREC\" {} --node http://127.0.0.1:$NODE_PORT 2> collect.log &\nCOLLECTOR=$!\n\
             until [ \"$(ls rewards/0x*/epoch-1/*.tar.zst 2>/dev/null | wc -l)\" -ge 2 ]; do kill -0 $COLLECTOR; sleep 0.2; done\n\
             kill -INT $COLLECTOR\nwait $COLLECTOR\nBUNDLE=$(ls rewards/0x*/epoch-1/*.tar.zst | head -1)",
            command.trim_start_matches("medrec ")
        );
    }
    if line.trim_end().ends_with("# refused") {
        return format!("refused {command}");
    }
    command
}

#[test]
fn the_tutorial_works_as_it_is_written() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/TUTORIAL.md");
    let commands = commands(&fs::read_to_string(page).unwrap());
    assert!(commands.iter().filter(|line| line.contains("medrec ")).count() >= 30, "{commands:#?}");
    let script: Vec<String> = commands.iter().map(|line| scripted(line)).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tutorial.sh");
    fs::write(&file, format!("{PRELUDE}{}\ntest -s opened/medrec-bundle/report.html\n", script.join("\n")))
        .unwrap();
    let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let running = Command::new("bash")
        .arg(&file)
        .current_dir(folder.path())
        .env("MEDREC", env!("CARGO_BIN_EXE_medrec"))
        .env("NODE_PORT", port())
        .env("GATEKEEPER_PORT", port())
        // Ctrl-C has a meaning for what runs in the background, as in a terminal of its own.
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Node and gatekeeper are of its group and end with it.
    let group = format!("-{}", running.id());
    let output = running.wait_with_output().unwrap();
    Command::new("kill").args(["-TERM", "--", &group]).status().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let logs = ["node.log", "gatekeeper.log", "collect.log"]
        .map(|name| fs::read_to_string(folder.path().join("try").join(name)).unwrap_or_default());
    assert!(output.status.success(), "{said}\n{}\n{logs:#?}", String::from_utf8_lossy(&output.stdout));
    assert!(logs[2].contains("stored: shard of epoch 1"), "{}", logs[2]);
}
