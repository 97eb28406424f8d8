//! Chains that travel as block files.

use tempfile::tempdir;

use crate::process::{Running, json_of, output, stderr, stdout, text};

#[test]
fn an_exported_chain_is_imported_with_the_same_head() {
    let folder = tempdir().unwrap();
    let [source, copy, file] = ["source", "copy", "blocks.rlp"].map(|name| folder.path().join(name));
    let node = Running::start(&["--dev", "--datadir", text(&source)]);
    node.wait_for_block(3);
    let busy = output(&["node", "export", "--datadir", text(&source), text(&file)]);
    assert_eq!(busy.status.code(), Some(1));
    assert!(stderr(&busy).contains("in use by another process"), "{}", stderr(&busy));
    assert_eq!(node.stop().0, Some(0));

    // The folder remembers which chain it holds.
    let exported = json_of(&output(&["node", "export", "--datadir", text(&source), text(&file), "--json"]));
    let head = exported["head_number"].as_u64().unwrap();
    assert!(head >= 3);
    assert_eq!(exported["blocks"], head + 1, "the genesis is in the file");
    assert!(!folder.path().join("blocks.rlp.partial").exists());

    let import =
        |arguments: &[&str]| output(&[&["node", "import"], arguments, &[text(&file), "--json"]].concat());
    let imported = json_of(&import(&["--dev", "--datadir", text(&copy)]));
    assert_eq!(
        (&imported["head_hash"], &imported["head_number"]),
        (&exported["head_hash"], &exported["head_number"])
    );
    assert_eq!((imported["blocks"].as_u64(), imported["known"].as_u64()), (Some(head), Some(0)));
    let again = json_of(&import(&["--datadir", text(&copy)]));
    assert_eq!(again["known"].as_u64(), Some(head));

    let stranger = folder.path().join("stranger");
    let refused = import(&["--chain-id", "5", "--datadir", text(&stranger)]);
    assert_eq!((refused.status.code(), stdout(&refused).as_str()), (Some(1), ""));
    assert!(stderr(&refused).contains("genesis"), "{}", stderr(&refused));
}

#[test]
fn a_cut_file_is_named_with_its_place_and_what_came_before_stays() {
    let folder = tempdir().unwrap();
    let [source, copy, file] = ["source", "copy", "blocks.rlp"].map(|name| folder.path().join(name));
    let node = Running::start(&["--dev", "--datadir", text(&source)]);
    node.wait_for_block(2);
    assert_eq!(node.stop().0, Some(0));
    let exported = output(&["node", "export", "--datadir", text(&source), "--to", "2", text(&file)]);
    assert!(stdout(&exported).contains("3 blocks"), "{}", stdout(&exported));
    let again = output(&["node", "export", "--datadir", text(&source), text(&file)]);
    assert_eq!(again.status.code(), Some(2), "an existing file is not overwritten");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let refused = output(&["node", "import", "--dev", "--datadir", text(&copy), text(&file)]);
    assert_eq!(refused.status.code(), Some(1));
    let message = stderr(&refused);
    assert!(message.contains("blocks.rlp: byte ") && message.contains("the head is block 1"), "{message}");
}

#[test]
fn an_export_of_nothing_creates_no_chain() {
    let folder = tempdir().unwrap();
    let (datadir, file) = (folder.path().join("none"), folder.path().join("blocks.rlp"));
    let refused = output(&["node", "export", "--datadir", text(&datadir), text(&file)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("holds no chain"), "{}", stderr(&refused));
    assert!(!datadir.exists() && !file.exists());
    let temporary = output(&["node", "export", "--dev", text(&file)]);
    assert_eq!(temporary.status.code(), Some(2), "{}", stderr(&temporary));
}
