//! Named pipes, devices and folders in place of files of a project. Reading a pipe or a device would never end.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use uv_lambda_cdk::codes::ErrorCode;
use uv_lambda_cdk::workspace::source_files::source_files;
use uv_lambda_cdk::workspace::{Workspace, python_versions};

const LOCK: &str = "version = 1\n[[package]]\nname = 'app'\nsource = { virtual = '.' }";

/// A project with the files that every project has.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, contents) in [("uv.lock", LOCK), ("pyproject.toml", ""), ("main.py", "")] {
        fs::write(folder.path().join(name), contents).unwrap();
    }
    folder
}

fn make_pipe(path: &Path) {
    // An existing file of this name is removed.
    let _ = fs::remove_file(path);
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn make_device(path: &Path) {
    let _ = fs::remove_file(path);
    symlink("/dev/zero", path).unwrap();
}

/// Fails if `work` takes more than some seconds.
fn in_time<Made: Send + 'static>(work: impl FnOnce() -> Made + Send + 'static) -> Made {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(Duration::from_secs(5)).unwrap()
}

/// The error of opening a workspace, as its code and its text.
fn refusal(folder: &Path) -> (ErrorCode, String) {
    let folder = folder.to_path_buf();
    let error = in_time(move || Workspace::open(&folder)).unwrap_err();
    (error.code(), error.to_string())
}

#[test]
fn a_lock_a_manifest_and_settings_that_are_no_files_are_refused() {
    for name in ["uv.lock", "pyproject.toml", "uv.toml"] {
        for (make, kind) in [(make_pipe as fn(&Path), "a named pipe"), (make_device, "a device")] {
            let folder = project();
            let path = folder.path().join(name);
            make(&path);
            let (code, text) = refusal(folder.path());
            assert_eq!(code, ErrorCode::ProjectNotReadable, "{text}");
            let path = fs::canonicalize(folder.path()).unwrap().join(name);
            let expected = format!(
                "failed to read the project: `{}` is {kind}, not a file: replace it with a file, or remove it",
                path.display()
            );
            assert_eq!(text, expected);
        }
    }
}

#[test]
fn a_lock_of_more_than_64_mib_is_refused() {
    let folder = project();
    let lock = File::options().write(true).open(folder.path().join("uv.lock")).unwrap();
    lock.set_len(64 * 1024 * 1024 + 1).unwrap();
    let (code, text) = refusal(folder.path());
    assert_eq!(code, ErrorCode::ProjectNotReadable);
    assert!(
        text.contains("uv.lock` is larger than 64.0 MB, which no lock, manifest or file of settings is"),
        "{text}"
    );
}

#[test]
fn a_gitignore_that_is_no_file_is_refused_wherever_the_walk_meets_it() {
    // In the repository, in a folder on the way to the package, in the package, and inside of it.
    for place in ["", "packages", "packages/app", "packages/app/src"] {
        for make in [make_pipe as fn(&Path), make_device] {
            let folder = tempfile::tempdir().unwrap();
            let package = folder.path().join("packages/app");
            fs::create_dir_all(package.join("src")).unwrap();
            fs::create_dir_all(folder.path().join(".git")).unwrap();
            fs::write(package.join("src/main.py"), "").unwrap();
            let path = folder.path().join(place).join(".gitignore");
            make(&path);
            let error = in_time(move || source_files(&package, &[])).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{}` is a", path.display())), "{error}");
        }
    }
}

#[test]
fn a_gitignore_in_a_folder_that_is_passed_over_is_not_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_path_buf();
    for (name, rules) in [("generated", "generated/\n"), (".venv", "")] {
        fs::create_dir_all(root.join(name)).unwrap();
        fs::write(root.join(".gitignore"), rules).unwrap();
        make_pipe(&root.join(name).join(".gitignore"));
    }
    fs::write(root.join(".gitignore"), "generated/\n").unwrap();
    fs::write(root.join("main.py"), "").unwrap();
    let files = in_time(move || source_files(&root, &[])).unwrap().files;
    let names: Vec<&str> = files.iter().map(|file| file.relative.as_str()).collect();
    assert_eq!(names, [".gitignore", "main.py"]);
}

#[test]
fn pipes_and_devices_are_no_sources() {
    let folder = project();
    make_pipe(&folder.path().join("pipe.py"));
    make_device(&folder.path().join("device.py"));
    let root = folder.path().to_path_buf();
    let files = in_time(move || source_files(&root, &[])).unwrap().files;
    assert!(files.iter().all(|file| file.relative != "pipe.py" && file.relative != "device.py"), "{files:?}");
}

#[test]
fn a_python_version_that_is_no_file_asks_for_nothing() {
    let folder = project();
    make_device(&folder.path().join(".python-version"));
    let root = folder.path().to_path_buf();
    assert_eq!(in_time(move || python_versions::version_file(&root, &root)), None);
}

#[test]
fn git_history_in_pipes_has_no_digest() {
    let folder = project();
    fs::create_dir_all(folder.path().join(".git/refs/heads")).unwrap();
    make_pipe(&folder.path().join(".git/packed-refs"));
    let root = folder.path().to_path_buf();
    assert_eq!(in_time(move || uv_lambda_cdk::workspace::git_history::digest(&root)), None);
}
