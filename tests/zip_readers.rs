//! Our zips in other readers: Python, Java, Info-ZIP.

#![expect(clippy::unwrap_used, reason = "what a test cannot do, it fails at")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use uv_lambda_cdk::archive::{Contents, Entry, write};

/// Each kind of entry, in the order of the zip: stored, deflated and empty; with every character that has a special meaning on some
/// system.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("C:colon.py", b"C = 1\n".to_vec()),
        ("a.py", b"print('a')\n".repeat(40)),
        ("a\\b.py", b"backslash\n".to_vec()),
        ("a\\c/d.py", b"both\n".to_vec()),
        ("bin/run", b"#!/bin/sh\n".to_vec()),
        ("colon.py", b"colon = 1\n".to_vec()),
        ("d/C:e.py", b"inner colon\n".to_vec()),
        ("empty", Vec::new()),
        ("zeros.bin", vec![0; 300_000]),
        ("ü/日本.txt", "ü".as_bytes().to_vec()),
    ]
}

/// A zip of these files.
fn zip() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    let entries = files()
        .into_iter()
        .map(|(path, contents)| Entry { path: path.to_owned(), contents: Contents::Bytes(contents) });
    write(entries.collect(), &path).unwrap();
    (folder, path)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/archive").join(name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The output of a program, which must succeed.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a program is on this machine and runs. Otherwise prints that the test is skipped.
fn has(program: &str, argument: &str) -> bool {
    let runs = Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success());
    if !runs {
        eprintln!("skipped: no `{program}` on this machine");
    }
    runs
}

fn read_with_python(how: &str, zip: &Path) -> BTreeMap<String, Value> {
    let printed = output(Command::new("python3").arg(fixture("read.py")).arg(how).arg(zip));
    serde_json::from_str(&printed).unwrap()
}

#[test]
fn python_reads_by_the_directory() {
    let (_folder, zip) = zip();
    let expected: BTreeMap<String, Value> = files()
        .iter()
        .map(|(path, contents)| {
            let mode = if *path == "bin/run" { "0o100755" } else { "0o100644" };
            ((*path).to_owned(), json!([hex(contents), mode, [1980, 1, 1, 0, 0, 0]]))
        })
        .collect();
    assert_eq!(read_with_python("directory", &zip), expected);
}

#[test]
fn python_reads_as_a_stream() {
    let (_folder, zip) = zip();
    let expected: BTreeMap<String, Value> =
        files().iter().map(|(path, contents)| ((*path).to_owned(), json!(hex(contents)))).collect();
    assert_eq!(read_with_python("stream", &zip), expected);
}

#[test]
fn java_reads_as_a_stream() {
    if !has("javac", "-version") {
        return;
    }
    let (_folder, zip) = zip();
    let printed = output(Command::new("java").arg(fixture("ReadAsStream.java")).arg(&zip));
    let expected: Vec<String> =
        files().iter().map(|(path, contents)| format!("{path} {}", hex(contents))).collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}

#[test]
#[cfg(unix)]
fn python_unpacks_every_file_under_its_name() {
    let (folder, zip) = zip();
    let unpacked = folder.path().join("unpacked");
    output(Command::new("python3").arg(fixture("read.py")).arg("extract").args([&zip, &unpacked]));
    assert_unpacked(&unpacked);
}

#[test]
#[cfg(unix)]
fn info_zip_unpacks_every_file_under_its_name() {
    if !has("unzip", "-v") {
        return;
    }
    let (folder, zip) = zip();
    let unpacked = folder.path().join("unpacked");
    // In other locales, it may write letters that are not ASCII in another way.
    let mut unzip = Command::new("unzip");
    output(unzip.env("LC_ALL", "C.UTF-8").arg("-q").arg(&zip).arg("-d").arg(&unpacked));
    assert_unpacked(&unpacked);
    let mode = |path: &str| {
        let permissions = fs_err::metadata(unpacked.join(path)).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777
    };
    assert_eq!((mode("bin/run"), mode("a.py")), (0o755, 0o644));
}

#[cfg(unix)]
fn assert_unpacked(folder: &Path) {
    for (path, contents) in files() {
        assert_eq!(fs_err::read(folder.join(path)).unwrap(), contents, "{path}");
    }
    let tops: std::collections::BTreeSet<&str> =
        files().iter().map(|(path, _)| path.split('/').next().unwrap()).collect();
    assert_eq!(fs_err::read_dir(folder).unwrap().count(), tops.len());
}

/// A zip has more entries than its directory counts in two bytes.
#[test]
fn python_reads_seventy_thousand_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    let entries = (0..70_000)
        .map(|number| Entry { path: format!("folder/file{number}"), contents: Contents::Bytes(Vec::new()) });
    write(entries.collect(), &path).unwrap();
    let count = "import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))";
    assert_eq!(output(Command::new("python3").args(["-c", count]).arg(&path)), "70000\n");
}
