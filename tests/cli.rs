//! The executable: the command line without Node.

#![expect(clippy::unwrap_used, reason = "what a test cannot do, it fails at")]

use std::path::Path;
use std::process::{Command, Output};

use uv_lambda_cdk::archive::{Contents, Entry, write};

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_uv-lambda-cdk")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn zip(folder: &Path, name: &str, contents: &str) -> String {
    let path = folder.join(name);
    let entry = Entry { path: "app.py".to_owned(), contents: Contents::Bytes(contents.into()) };
    write(vec![entry], &path).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn help_and_version_are_asked_for_and_go_to_stdout() {
    let (code, stdout, stderr) = run(&["--version"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(stdout.trim(), format!("uv-lambda-cdk {}", env!("CARGO_PKG_VERSION")));
    for verb in ["bundle", "verify", "diff"] {
        let (code, stdout, _) = run(&[verb, "--help"]);
        assert_eq!(code, 0, "{verb}");
        assert!(stdout.contains("Exit codes:"), "{stdout}");
    }
}

#[test]
fn wrong_usage_is_told_on_stderr() {
    let (code, stdout, stderr) = run(&["bundel"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.starts_with("error[INVALID_OPTIONS]: unrecognized subcommand 'bundel'"), "{stderr}");
    let (code, stdout, stderr) = run(&[]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.starts_with("Builds byte-reproducible"), "{stderr}");
}

#[test]
fn diff_says_what_changed_and_its_exit_code_that_something_did() {
    let folder = tempfile::tempdir().unwrap();
    let (one, same, other) = (
        zip(folder.path(), "one.zip", "x = 1"),
        zip(folder.path(), "same.zip", "x = 1"),
        zip(folder.path(), "other.zip", "x = 22"),
    );
    let (code, stdout, _) = run(&["diff", &one, &same]);
    assert_eq!(code, 0);
    assert!(stdout.starts_with("identical: the same bytes\n"), "{stdout}");
    let (code, stdout, _) = run(&["diff", &one, &other]);
    assert_eq!(code, 1);
    assert!(stdout.starts_with("files\n  ~ app.py  5 B -> 6 B\nbefore  "), "{stdout}");
    let (code, stdout, stderr) = run(&["diff", &one, "missing.zip"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.starts_with("error[IO]: failed to read the zip `missing.zip`: "), "{stderr}");
}
