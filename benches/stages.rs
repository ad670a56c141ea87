//! How long the stages take that a bundle spends its time in: `cargo bench`. A slower stage is seen here before it is
//! felt in a bundle, which `npm run bench` measures.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use std::path::{Path, PathBuf};

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use tempfile::TempDir;
use uv_lambda_cdk::archive::{self, Contents, Entry};
use uv_lambda_cdk::bytecode::{Compiler, Source, marshal};
use uv_lambda_cdk::pack::{self, Pack, PackSettings};
use uv_lambda_cdk::select::Selection;
use uv_lambda_cdk::store::{Key, Store};
use uv_lambda_cdk::target::{BundleKind, PythonVersion};
use uv_lambda_cdk::tools::interpreter::Interpreter;
use uv_lambda_cdk::workshop::CompileOrder;
use uv_lambda_cdk::workspace::source_files::source_files;

fn main() {
    divan::main();
}

/// As many modules as a middling package has.
const MODULES: usize = 200;

/// Modules of about 5 kB, of which no two are alike.
fn package() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..MODULES {
        let functions = (0..40).map(|function| {
            format!("def function_{number}_{function}(value):\n    \"\"\"Adds {function}.\"\"\"\n    return value + {function}\n\n")
        });
        fs_err::write(folder.path().join(format!("module_{number}.py")), functions.collect::<String>())
            .unwrap();
    }
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    (0..MODULES).map(|number| folder.join(format!("module_{number}.py"))).collect()
}

/// The Python of this machine.
fn interpreter() -> Interpreter {
    let path = which::which("python3").unwrap();
    let question = "import platform; print(platform.python_version())";
    let answer = std::process::Command::new(&path).args(["-I", "-c", question]).output().unwrap();
    Interpreter { path, version: String::from_utf8(answer.stdout).unwrap().trim().to_owned() }
}

fn selection(folder: &Path) -> Selection {
    let entry = |path: &PathBuf| {
        let size = fs_err::metadata(path).unwrap().len();
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            Contents::File { path: path.clone(), size },
        )
    };
    Selection { entries: files(folder).iter().map(entry).collect(), packages: Vec::new() }
}

fn packed(folder: &Path, interpreter: &Interpreter, known: &[Pack]) -> Pack {
    let settings = PackSettings {
        interpreter,
        root: BundleKind::Function.root(),
        order: CompileOrder::Forward,
        earlier: known,
    };
    pack::make(vec![(selection(folder), folder.join("pack"))], settings).unwrap().remove(0)
}

fn entries(pack: &Pack) -> Vec<Entry> {
    let pieces = pack.files.iter().map(|file| (file.path.clone(), Contents::Piece(file.contents.clone())));
    pieces.map(|(path, contents)| Entry { path, contents }).collect()
}

/// Looking at the sources of a package, as every bundle does.
#[divan::bench]
fn list_sources(bencher: Bencher<'_, '_>) {
    let folder = package();
    bencher.bench_local(|| source_files(black_box(folder.path()), &[]).unwrap());
}

/// Compiling a package with one Python.
#[divan::bench(sample_count = 10)]
fn compile_package(bencher: Bencher<'_, '_>) {
    let (folder, interpreter) = (package(), interpreter());
    let files = files(folder.path());
    let contents: Vec<Vec<u8>> = files.iter().map(|path| fs_err::read(path).unwrap()).collect();
    bencher.bench_local(|| {
        let mut compiler = Compiler::new(&interpreter);
        for (path, content) in files.iter().zip(&contents) {
            let source = Source { path, runtime_path: format!("/var/task/{}", path.display()), content };
            black_box(compiler.compile(&source, || ()).unwrap());
        }
    });
}

/// Bringing the bytecode of one module into its canonical form.
#[divan::bench]
fn canonical_bytecode(bencher: Bencher<'_, '_>) {
    let (folder, interpreter) = (package(), interpreter());
    let program = "import marshal, sys; sys.stdout.buffer.write(marshal.dumps(compile(open(sys.argv[1]).read(), 'x', 'exec')))";
    let output = std::process::Command::new(&interpreter.path)
        .args(["-I", "-c", program])
        .arg(&files(folder.path())[0])
        .output()
        .unwrap();
    let minor = interpreter.version.split('.').nth(1).unwrap().parse().unwrap();
    let version = PythonVersion { major: 3, minor };
    bencher
        .counter(BytesCount::of_slice(&output.stdout))
        .bench_local(|| marshal::canonical(black_box(&output.stdout), version).unwrap());
}

/// Compressing text.
#[divan::bench]
fn compress(bencher: Bencher<'_, '_>) {
    let text: Vec<u8> = files(package().path())
        .iter()
        .enumerate()
        .flat_map(|(number, path)| format!("{number} {}\n", path.display()).repeat(40).into_bytes())
        .collect();
    bencher.counter(BytesCount::of_slice(&text)).bench_local(|| archive::compress(black_box(&text)).unwrap());
}

/// Packing a package of which everything is new.
#[divan::bench(sample_count = 10)]
fn pack_new(bencher: Bencher<'_, '_>) {
    let (folder, interpreter) = (package(), interpreter());
    bencher.bench_local(|| packed(folder.path(), &interpreter, &[]));
}

/// Packing a package of which nothing is new.
#[divan::bench]
fn pack_known(bencher: Bencher<'_, '_>) {
    let (folder, interpreter) = (package(), interpreter());
    let known = [packed(folder.path(), &interpreter, &[])];
    bencher.bench_local(|| packed(folder.path(), &interpreter, &known));
}

/// Putting a zip together from a pack.
#[divan::bench]
fn zip_from_pack(bencher: Bencher<'_, '_>) {
    let (folder, interpreter) = (package(), interpreter());
    let pack = packed(folder.path(), &interpreter, &[]);
    let zip = folder.path().join("bundle.zip");
    bencher.with_inputs(|| entries(&pack)).bench_values(|entries| archive::write(entries, &zip).unwrap());
}

/// Looking something up in the store.
#[divan::bench]
fn look_up(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let key = Key::of("fact", &serde_json::json!(1));
    store.remember(&key, "known");
    bencher.bench_local(|| store.fact(black_box(&key)));
}
