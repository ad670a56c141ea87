//! Bytecode: the same bytes under all conditions, and the meaning that `CPython` gave them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use uv_lambda_cdk::bytecode::marshal::canonical;
use uv_lambda_cdk::bytecode::{BytecodeError, Compiled, Compiler, Source, pyc_path};
use uv_lambda_cdk::target::PythonVersion;
use uv_lambda_cdk::tools::interpreter::Interpreter;

/// The versions that the tests cover, if the machine has them.
const MINOR_VERSIONS: [u8; 7] = [9, 10, 11, 12, 13, 14, 15];

/// The modules of each standard library that are compiled: many features, few seconds.
const PACKAGES: [&str; 5] = ["json", "asyncio", "email", "unittest", "collections"];
const MODULES: [&str; 8] = [
    "dataclasses.py",
    "typing.py",
    "enum.py",
    "argparse.py",
    "_pydecimal.py",
    "tokenize.py",
    "opcode.py",
    "html/entities.py",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bytecode")
}

fn minor(interpreter: &Interpreter) -> u8 {
    interpreter.version.split('.').nth(1).unwrap().parse().unwrap()
}

/// The output of a short program.
fn ask(python: &Path, program: &str) -> Option<String> {
    let output = Command::new(python).args(["-I", "-S", "-c", program]).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// One `CPython` of every version that this machine has. Prints the missing versions.
fn interpreters() -> Vec<Interpreter> {
    let mut candidates: Vec<PathBuf> = Vec::new();
    if let Ok(versions) = std::env::home_dir().unwrap().join(".pyenv/versions").read_dir() {
        candidates.extend(versions.map(|version| version.unwrap().path().join("bin/python")));
    }
    candidates.sort();
    candidates.extend(MINOR_VERSIONS.map(|minor| PathBuf::from(format!("/usr/bin/python3.{minor}"))));
    candidates.extend(which::which("python3").ok());
    candidates.extend(which::which("python").ok());
    let found: Vec<Interpreter> = candidates
        .into_iter()
        .filter_map(|path| {
            let version = ask(&path, "import platform; print(platform.python_version())")?;
            Some(Interpreter { path, version })
        })
        .collect();
    let mut chosen = Vec::new();
    for wanted in MINOR_VERSIONS {
        match found.iter().find(|one| one.version.starts_with(&format!("3.{wanted}."))) {
            Some(interpreter) => chosen.push(interpreter.clone()),
            None => eprintln!("skipped: no CPython 3.{wanted} on this machine"),
        }
    }
    assert!(!chosen.is_empty(), "no CPython on this machine: bytecode is not tested at all");
    chosen
}

/// Some files of the interpreter's own standard library, and the features that the golden pairs show. With
/// `BYTECODE_TREE` set, every source below that folder instead, such as a real `site-packages`.
fn library(interpreter: &Interpreter) -> Vec<PathBuf> {
    if let Some(tree) = std::env::var_os("BYTECODE_TREE") {
        return sources_below(Path::new(&tree));
    }
    let folder =
        PathBuf::from(ask(&interpreter.path, "import os; print(os.path.dirname(os.__file__))").unwrap());
    let mut files: Vec<PathBuf> = MODULES.iter().map(|module| folder.join(module)).collect();
    for package in PACKAGES {
        let entries = folder.join(package).read_dir().unwrap().map(|entry| entry.unwrap().path());
        files.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "py")));
    }
    files.retain(|path| path.is_file());
    files.push(fixtures().join("features.py"));
    files.sort();
    files
}

fn sources_below(folder: &Path) -> Vec<PathBuf> {
    let files = ignore::WalkBuilder::new(folder).standard_filters(false).build();
    let mut files: Vec<PathBuf> = files
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no sources below {}", folder.display());
    files
}

/// The path in Lambda of a file.
fn runtime_path(path: &Path) -> String {
    format!("/var/task/{}", path.file_name().unwrap().to_str().unwrap())
}

/// Compiles files with `workers` Pythons. The results are in the order of `files`; an error is that of the first worker that failed.
fn compile(
    interpreter: &Interpreter,
    files: &[PathBuf],
    workers: usize,
) -> Result<Vec<Compiled>, BytecodeError> {
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut compiler, mut made) = (Compiler::new(interpreter), Vec::new());
        while let Some((index, path)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|index| Some((index, files.get(index)?)))
        {
            let content = std::fs::read(path).unwrap();
            let source = Source { path, runtime_path: runtime_path(path), content: &content };
            made.push((index, compiler.compile(&source, || ())?.0));
        }
        Ok(made)
    };
    let outcomes: Vec<Result<Vec<(usize, Compiled)>, BytecodeError>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut made = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    made.sort_by_key(|(index, _)| *index);
    Ok(made.into_iter().map(|(_, compiled)| compiled).collect())
}

fn bytecode(compiled: &Compiled) -> &[u8] {
    match compiled {
        Compiled::Bytecode(pyc) => pyc,
        Compiled::NotPython { reason } => panic!("{reason}"),
    }
}

#[test]
fn neither_order_nor_workers_change_a_byte() {
    for interpreter in interpreters() {
        let files = library(&interpreter);
        let forward = compile(&interpreter, &files, 1).unwrap();

        let mut reverse_files = files.clone();
        reverse_files.reverse();
        let mut reverse = compile(&interpreter, &reverse_files, 4).unwrap();
        reverse.reverse();
        assert!(forward == reverse, "{}: reverse order, 4 workers", interpreter.version);

        // A fixed shuffle: every seventh file of the list, round and round.
        let shuffle: Vec<usize> = (0..7).flat_map(|start| (start..files.len()).step_by(7)).collect();
        let shuffled_files: Vec<PathBuf> = shuffle.iter().map(|index| files[*index].clone()).collect();
        let shuffled = compile(&interpreter, &shuffled_files, 1).unwrap();
        for (index, compiled) in shuffle.iter().zip(&shuffled) {
            assert!(forward[*index] == *compiled, "{}: {}", interpreter.version, files[*index].display());
        }
    }
}

/// Writes each `.pyc` into a folder. Returns the input of `compare.py`, and the number of its lines.
fn write_for_comparison(folder: &Path, files: &[PathBuf], compiled: &[Compiled]) -> (String, usize) {
    let mut list = String::new();
    let mut listed = 0;
    for (index, (path, compiled)) in files.iter().zip(compiled).enumerate() {
        // A real tree has sources for newer Pythons, and templates.
        let Compiled::Bytecode(bytecode) = compiled else { continue };
        listed += 1;
        let pyc = folder.join(format!("{index}.pyc"));
        std::fs::write(&pyc, bytecode).unwrap();
        writeln!(list, "{}\t{}\t{}", path.display(), runtime_path(path), pyc.display()).unwrap();
    }
    assert!(listed * 10 > files.len() * 9, "{listed} of {}", files.len());
    (list, listed)
}

#[test]
fn cpython_finds_in_it_what_it_would_compile_itself() {
    for interpreter in interpreters() {
        let files = library(&interpreter);
        let compiled = compile(&interpreter, &files, 2).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (list, listed) = write_for_comparison(folder.path(), &files, &compiled);
        let mut python = Command::new(&interpreter.path)
            .args(["-I", "-S", "-B", "-W", "ignore"])
            .arg(fixtures().join("compare.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        python.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
        let output = python.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", interpreter.version);
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), listed.to_string());
    }
}

#[test]
fn import_takes_it_without_a_look_at_the_source() {
    for interpreter in interpreters() {
        let folder = tempfile::tempdir().unwrap();
        let module = folder.path().join("shipped.py");
        std::fs::write(&module, "def where():\n    return 'compiled before'\n").unwrap();
        let content = std::fs::read(&module).unwrap();
        let source =
            Source { path: &module, runtime_path: module.to_str().unwrap().to_owned(), content: &content };
        let (compiled, ()) = Compiler::new(&interpreter).compile(&source, || ()).unwrap();
        let python = PythonVersion { major: 3, minor: minor(&interpreter) };
        let pyc = folder.path().join(pyc_path("shipped.py", python));
        std::fs::create_dir(pyc.parent().unwrap()).unwrap();
        std::fs::write(&pyc, bytecode(&compiled)).unwrap();
        // Newer than the bytecode and longer: a time-based or checked `.pyc` would be compiled again.
        std::fs::write(&module, "def where():\n    return 'compiled again, from the source'\n").unwrap();

        let program = format!(
            "import sys; sys.path.insert(0, {:?}); import shipped; \
             print(shipped.where(), shipped.where.__code__.co_filename, shipped.__cached__)",
            folder.path()
        );
        let expected = format!("compiled before {} {}", module.display(), pyc.display());
        assert_eq!(ask(&interpreter.path, &program).unwrap(), expected, "{}", interpreter.version);
        assert_eq!(std::fs::read(&pyc).unwrap(), bytecode(&compiled), "{}", interpreter.version);
    }
}

/// The name that makes this program the child of the test below, and the folder it then works in.
const HOSTILE_FOLDER: &str = "UV_LAMBDA_CDK_TEST_HOSTILE_FOLDER";

#[test]
fn the_environment_of_the_caller_does_not_matter() {
    let interpreters = interpreters();
    let interpreter = &interpreters[interpreters.len() - 1];
    let files = [fixtures().join("features.py")];
    let compiled = compile(interpreter, &files, 1).unwrap();
    if let Some(folder) = std::env::var_os(HOSTILE_FOLDER) {
        std::fs::write(Path::new(&folder).join("found.pyc"), bytecode(&compiled[0])).unwrap();
        return;
    }

    let folder = tempfile::tempdir().unwrap();
    for module in ["marshal", "importlib", "types", "warnings", "functools", "contextlib", "encodings"] {
        std::fs::write(folder.path().join(format!("{module}.py")), "raise SystemExit('imported')").unwrap();
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_environment_of_the_caller_does_not_matter"])
        .env(HOSTILE_FOLDER, folder.path())
        .env("PYTHONPATH", folder.path())
        .env("PYTHONOPTIMIZE", "2")
        .env("PYTHONNODEBUGRANGES", "1")
        .env("PYTHONPYCACHEPREFIX", folder.path())
        .env("PYTHONHASHSEED", "7")
        .env("PYTHONINTMAXSTRDIGITS", "640")
        .env("PYTHONWARNINGS", "error")
        .env("LC_ALL", "C")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let found = std::fs::read(folder.path().join("found.pyc")).unwrap();
    assert!(found == bytecode(&compiled[0]));
    assert!(!folder.path().join("__pycache__").exists());
}

#[test]
fn what_does_not_compile_ships_as_source_alone() {
    let cases: [(&str, Vec<u8>); 7] = [
        ("SyntaxError", b"print 'for another Python'\n".to_vec()),
        ("SyntaxError", b"{{ template }} = 1 +\n".to_vec()),
        ("IndentationError", b"if True:\nprint()\n".to_vec()),
        ("SyntaxError", b"# coding: no-such-coding\n".to_vec()),
        ("SyntaxError", b"text = '\xff'\n".to_vec()),
        ("", b"null = '\0'\n".to_vec()),
        // Too deep for the parser, the compiler or marshal: which it is depends on the version.
        ("", [b"deep = ".to_vec(), b"-(".repeat(10_000), b"1".to_vec(), b")".repeat(10_000)].concat()),
    ];
    for interpreter in interpreters() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for (index, (_, content)) in cases.iter().enumerate() {
            files.push(folder.path().join(format!("{index}.py")));
            std::fs::write(&files[index], content).unwrap();
        }
        // The worker still works after all these errors.
        files.push(folder.path().join("empty.py"));
        std::fs::write(&files[cases.len()], "").unwrap();
        let compiled = compile(&interpreter, &files, 1).unwrap();
        for ((expected, content), compiled) in cases.iter().zip(&compiled) {
            let Compiled::NotPython { reason } = compiled else {
                panic!("{}: {} compiles", interpreter.version, String::from_utf8_lossy(content))
            };
            assert!(reason.starts_with(expected), "{}: {reason}", interpreter.version);
        }
        assert_eq!(&bytecode(&compiled[cases.len()])[4..8], [1, 0, 0, 0]);
    }
}

#[test]
fn no_sources_need_no_python() {
    let nowhere = Interpreter { path: "/nowhere/python".into(), version: "3.13.0".to_owned() };
    assert_eq!(compile(&nowhere, &[], 4).unwrap(), []);
}

#[test]
fn failures_name_what_failed() {
    let files = [fixtures().join("features.py")];
    let interpreter = interpreters().remove(0);

    let nowhere = Interpreter { path: "/nowhere/python".into(), ..interpreter.clone() };
    let error = compile(&nowhere, &files, 1).unwrap_err();
    assert!(
        error.to_string().starts_with("failed to start Python at `/nowhere/python`: No such file"),
        "{error}"
    );

    let other = Interpreter { version: "3.12.99".to_owned(), ..interpreter.clone() };
    let error = compile(&other, &files, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "expected `cpython 3.12.99` at `{}`, found `cpython {}`",
            interpreter.path.display(),
            interpreter.version
        )
    );
}

#[cfg(unix)]
#[test]
fn a_python_that_misbehaves_is_named_with_the_source_it_was_at() {
    let files = vec![fixtures().join("features.py"); 50];
    let source = files[0].display();
    let fails = |name: &str| {
        let path = fixtures().join("fake").join(name);
        let interpreter = Interpreter { path: path.clone(), version: "3.13.0".to_owned() };
        (compile(&interpreter, &files, 2).unwrap_err(), path.display().to_string())
    };

    let (error, python) = fails("absent");
    assert_eq!(
        error.to_string(),
        format!("failed to run a program with Python at `{python}`: no such version")
    );

    let (error, python) = fails("loud");
    assert!(error.to_string().starts_with(&format!("failed to run a program with Python at `{python}`: ")));
    assert!(matches!(error, BytecodeError::Unusable { complaint, .. } if complaint.len() < 3000));

    let (error, python) = fails("dying");
    assert_eq!(
        error.to_string(),
        format!("Python at `{python}` stopped while it compiled `{source}`: out of memory")
    );

    let (error, _) = fails("strange");
    let cause = "found unknown type code `0x5b` before byte `1`";
    assert_eq!(
        error.to_string(),
        format!("failed to read the bytecode that Python made of `{source}`: {cause}")
    );
}

#[cfg(unix)]
#[test]
fn a_python_that_ended_while_it_was_idle_is_replaced() {
    let interpreter = Interpreter { path: fixtures().join("fake/once"), version: "3.13.0".to_owned() };
    let source =
        Source { path: Path::new("any.py"), runtime_path: "/var/task/any.py".to_owned(), content: b"" };
    for _ in 0..3 {
        let (compiled, ()) = Compiler::new(&interpreter).compile(&source, || ()).unwrap();
        assert_eq!(compiled, Compiled::NotPython { reason: "once".to_owned() });
    }
}

/// The variable with the folder of the test below.
#[cfg(unix)]
const RECORDED: &str = "BYTECODE_RECORDED";

/// For interpreters that are no program of this machine, such as those in WebAssembly: `__test__/bytecode-wasm.long.mjs` runs
/// `compile.py` in them and records the answers. The folder has the version of the interpreter in `version`, and a folder for
/// each process: its sources in `files`, in the order in which they were compiled, and its `answers`. The test writes
/// the input of `compare.py` into `compare`, for that interpreter.
#[cfg(unix)]
#[test]
#[ignore = "`__test__/bytecode-wasm.long.mjs` runs it, and records what it needs"]
fn recorded_processes_give_the_same_bytes() {
    let folder = PathBuf::from(std::env::var_os(RECORDED).unwrap());
    let version = std::fs::read_to_string(folder.join("version")).unwrap();
    let processes = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let processes: Vec<PathBuf> = processes.filter(|path| path.join("answers").is_file()).collect();
    assert!(processes.len() > 1, "nothing to compare");
    let mut first: Option<Vec<(PathBuf, Compiled)>> = None;
    for process in processes {
        let python = process.join("python");
        std::os::unix::fs::symlink(fixtures().join("fake/recorded"), &python).unwrap();
        let interpreter = Interpreter { path: python, version: version.clone() };
        let files = std::fs::read_to_string(process.join("files")).unwrap();
        let files: Vec<PathBuf> = files.lines().map(PathBuf::from).collect();
        let compiled = compile(&interpreter, &files, 1).unwrap();
        let mut made: Vec<(PathBuf, Compiled)> = files.into_iter().zip(compiled).collect();
        made.sort_by(|(one, _), (other, _)| one.cmp(other));
        let first = first.get_or_insert_with(|| made.clone());
        assert_eq!(first.len(), made.len());
        for (one, other) in first.iter().zip(&made) {
            assert!(one == other, "{version}: {}: {}", process.display(), other.0.display());
        }
    }
    let (files, compiled): (Vec<PathBuf>, Vec<Compiled>) = first.unwrap().into_iter().unzip();
    let bytecode = folder.join("bytecode");
    std::fs::create_dir(&bytecode).unwrap();
    let (list, _) = write_for_comparison(&bytecode, &files, &compiled);
    std::fs::write(folder.join("compare"), list).unwrap();
}

/// The golden pairs: for every version, the bytecode of one source from two processes, and the canonical form of both.
fn golden(check: impl Fn(PythonVersion, &[Vec<u8>; 2], &Path)) {
    for minor in MINOR_VERSIONS {
        let folder = fixtures().join(format!("3.{minor}"));
        if folder.is_dir() {
            let before = ["alone", "crowded"]
                .map(|situation| std::fs::read(folder.join(format!("{situation}.before.marshal"))).unwrap());
            check(PythonVersion { major: 3, minor }, &before, &folder.join("after.marshal"));
        }
    }
}

/// With `WRITE_GOLDEN` set, the results are written first. Use it after a change that is meant to change them.
#[test]
fn golden_pairs() {
    golden(|version, before, after| {
        if std::env::var_os("WRITE_GOLDEN").is_some() {
            std::fs::write(after, canonical(&before[0], version).unwrap()).unwrap();
        }
        let after = std::fs::read(after).unwrap();
        for before in before {
            assert!(canonical(before, version).unwrap() == after, "{version}");
        }
        assert!(canonical(&after, version).unwrap() == after, "{version}: not stable");
        assert!(after.len() < before[0].len(), "{version}: larger than what CPython writes");
    });
}
