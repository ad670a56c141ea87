//! The check of a whole bundle: bad bundles are refused with a message, good ones pass.
//!
//! The ELF files are real (`tests/fixtures/check/build.sh` makes them); those for another CPU are
//! the same ones with another number in the header.

#![expect(clippy::unwrap_used, reason = "the helpers of tests may fail a test, too")]

use std::path::Path;

use uv_lambda_cdk::check::{CheckError, CheckedFile, FileContents, Finding, Problem, check};
use uv_lambda_cdk::codes::{ErrorCode, WarningCode};
use uv_lambda_cdk::target::{Architecture, Target};

const FITS: &[u8] = include_bytes!("fixtures/check/fits.so");
const WANTS_GLIBC_2_38: &[u8] = include_bytes!("fixtures/check/wants_glibc_2_38.so");
const WANTS_GLIBCXX_3_4_30: &[u8] = include_bytes!("fixtures/check/wants_glibcxx_3_4_30.so");
const WANTS_MUSL: &[u8] = include_bytes!("fixtures/check/wants_musl.so");
const WANTS_LIBDEMO: &[u8] = include_bytes!("fixtures/check/wants_libdemo.so");
const LIBDEMO: &[u8] = include_bytes!("fixtures/check/libdemo.so");
const ALL: [&[u8]; 6] = [FITS, WANTS_GLIBC_2_38, WANTS_GLIBCXX_3_4_30, WANTS_MUSL, WANTS_LIBDEMO, LIBDEMO];

const X86_64: u8 = 62;
const AARCH64: u8 = 183;
/// Where an ELF header has the number of the CPU.
const E_MACHINE: usize = 18;

/// The files of a bundle.
#[derive(Default, Clone)]
struct Bundle(Vec<(String, Vec<u8>)>);

impl Bundle {
    fn new() -> Self {
        Self::default().with("app/__init__.py", b"")
    }

    /// With a file of the project itself.
    fn with(mut self, path: &str, contents: &[u8]) -> Self {
        self.0.push((path.to_owned(), contents.to_vec()));
        self
    }

    /// With an installed wheel.
    fn with_wheel(mut self, name: &str, tags: &[&str], files: &[(&str, &[u8])]) -> Self {
        let info = format!("{name}-1.0.dist-info");
        let tags: Vec<String> = tags.iter().map(|tag| format!("Tag: {tag}\n")).collect();
        let mut record = vec![format!("{info}/WHEEL,,"), format!("{info}/RECORD,,")];
        for (path, contents) in files {
            record.push(format!("{path},sha256=x,{}", contents.len()));
            self = self.with(path, contents);
        }
        self.with(&format!("{info}/WHEEL"), format!("Wheel-Version: 1.0\n{}", tags.concat()).as_bytes())
            .with(&format!("{info}/METADATA"), format!("Name: {name}\nVersion: 1.0\n").as_bytes())
            .with(&format!("{info}/RECORD"), record.join("\n").as_bytes())
    }

    fn check(&self, runtime: &str, architecture: Architecture) -> Result<Vec<Finding>, CheckError> {
        let files: Vec<CheckedFile<'_>> = self
            .0
            .iter()
            .map(|(path, contents)| CheckedFile { path, contents: FileContents::Bytes(contents) })
            .collect();
        check(&files, Target::new(runtime, architecture).unwrap())
    }

    fn passes(&self, runtime: &str, architecture: Architecture) {
        let findings = self.check(runtime, architecture);
        assert!(matches!(&findings, Ok(none) if none.is_empty()), "{findings:#?}");
    }

    /// Code and text of the only warning.
    fn warning(&self, runtime: &str, architecture: Architecture) -> (WarningCode, String) {
        let findings = self.check(runtime, architecture).unwrap();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        (findings[0].warning().unwrap(), findings[0].to_string())
    }

    /// Code and text of the refusal.
    fn refusal(&self, runtime: &str, architecture: Architecture) -> (ErrorCode, String) {
        let error = self.check(runtime, architecture).unwrap_err();
        (error.code(), error.to_string())
    }
}

/// The same file for another CPU.
fn for_cpu(cpu: u8, file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[E_MACHINE] = cpu;
    file
}

fn for_arm(file: &[u8]) -> Vec<u8> {
    for_cpu(AARCH64, file)
}

/// The same file with another text of the same length in its string table.
fn with_text(file: &[u8], old: &str, new: &str) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let at = find(file, old.as_bytes());
    let mut file = file.to_vec();
    file[at..at + new.len()].copy_from_slice(new.as_bytes());
    file
}

fn find(file: &[u8], bytes: &[u8]) -> usize {
    file.windows(bytes.len()).position(|window| window == bytes).unwrap()
}

const ARM_WHEEL: &[&str] = &["cp313-cp313-manylinux_2_17_aarch64", "cp313-cp313-manylinux2014_aarch64"];
const X86_WHEEL: &[&str] = &["cp313-cp313-manylinux_2_28_x86_64"];

#[test]
fn what_fits_passes_on_every_runtime() {
    for runtime in Target::runtime_names() {
        let minor = runtime.strip_prefix("python3.").unwrap();
        for (architecture, cpu) in [(Architecture::X86_64, X86_64), (Architecture::Arm64, AARCH64)] {
            let machine = architecture.machine();
            let tag = format!("cp3{minor}-cp3{minor}-manylinux2014_{machine}");
            let module = format!("demo/_native.cpython-3{minor}-{machine}-linux-gnu.so");
            let file = for_cpu(cpu, FITS);
            Bundle::new()
                .with_wheel("demo", &[&tag], &[(&module, &file), ("demo/__init__.py", b"")])
                .with_wheel("pure", &["py2-none-any", "py3-none-any"], &[("pure.py", b"")])
                .passes(&runtime, architecture);
        }
    }
}

#[test]
fn an_x86_64_file_in_an_arm64_wheel_is_refused() {
    let file = "demo/_native.cpython-313-aarch64-linux-gnu.so";
    let bundle = Bundle::new().with_wheel("demo", ARM_WHEEL, &[(file, FITS)]);
    assert_eq!(
        bundle.refusal("python3.13", Architecture::Arm64),
        (
            ErrorCode::WrongArchitecture,
            "`demo` 1.0: `demo/_native.cpython-313-aarch64-linux-gnu.so` is for x86_64, but python3.13 on Lambda \
             arm64 (Amazon Linux 2023) takes aarch64: choose the architecture `x86_64`, or a version of `demo` with \
             a wheel for aarch64"
                .to_owned()
        )
    );
    // A library for another CPU is found beside modules that fit.
    let good = for_arm(FITS);
    let bundle =
        Bundle::new().with_wheel("demo", ARM_WHEEL, &[(file, &good), ("demo.libs/libother.so.1", LIBDEMO)]);
    let (code, text) = bundle.refusal("python3.13", Architecture::Arm64);
    assert_eq!(code, ErrorCode::WrongArchitecture);
    assert!(text.starts_with("`demo` 1.0: `demo.libs/libother.so.1` is for x86_64"), "{text}");
}

#[test]
fn a_file_that_wants_glibc_2_38_is_refused_everywhere() {
    let bundle = Bundle::new().with_wheel("demo", X86_WHEEL, &[("demo/new.so", WANTS_GLIBC_2_38)]);
    assert_eq!(
        bundle.refusal("python3.13", Architecture::X86_64),
        (
            ErrorCode::GlibcTooNew,
            "`demo` 1.0: `demo/new.so` needs `GLIBC_2.38`, but python3.13 on Lambda (Amazon Linux 2023) has glibc \
             2.34: no Lambda runtime has it; choose a version of `demo` with a wheel for glibc 2.34 or older"
                .to_owned()
        )
    );
}

#[test]
fn a_newer_runtime_is_named_where_it_would_do() {
    let newer = with_text(WANTS_GLIBC_2_38, "GLIBC_2.38", "GLIBC_2.28");
    let wheel = ["cp311-cp311-manylinux_2_17_x86_64"];
    let bundle = Bundle::new().with_wheel("demo", &wheel, &[("demo/new.so", &newer)]);
    assert_eq!(
        bundle.refusal("python3.11", Architecture::X86_64),
        (
            ErrorCode::GlibcTooNew,
            "`demo` 1.0: `demo/new.so` needs `GLIBC_2.28`, but python3.11 on Lambda (Amazon Linux 2) has glibc \
             2.26: choose the runtime python3.12 or newer, or a version of `demo` with a wheel for glibc 2.26 or older"
                .to_owned()
        )
    );
    Bundle::new().with("app/new.so", &newer).passes("python3.12", Architecture::X86_64);
}

#[test]
fn a_file_of_the_project_has_no_package() {
    let bundle = Bundle::new().with("app/new.so", WANTS_GLIBC_2_38);
    let (_, text) = bundle.refusal("python3.13", Architecture::X86_64);
    assert!(text.starts_with("`app/new.so` needs `GLIBC_2.38`"), "{text}");
    assert!(
        text.ends_with("choose a build of the file for glibc 2.34 or older, or leave it out of the bundle"),
        "{text}"
    );
}

#[test]
fn versions_that_are_weak_or_no_numbers_are_not_judged() {
    // A record of a needed version: its name's hash (elf_hash of GLIBC_2.38), then the flags.
    let hash = "GLIBC_2.38".bytes().fold(0_u32, |hash, byte| {
        let next = hash.wrapping_mul(16).wrapping_add(u32::from(byte));
        let high = next & 0xf000_0000;
        (next ^ (high >> 24)) & !high
    });
    let mut weak = WANTS_GLIBC_2_38.to_vec();
    let at = find(&weak, &hash.to_le_bytes());
    weak[at + 4] = 2;
    Bundle::new().with("app/weak.so", &weak).passes("python3.13", Architecture::X86_64);
    for name in ["GLIBC_PRIV", "GLIBC_ABIx", "GLIBC_2.3x"] {
        let named = with_text(WANTS_GLIBC_2_38, "GLIBC_2.38", name);
        Bundle::new().with("app/named.so", &named).passes("python3.9", Architecture::X86_64);
    }
}

#[test]
fn the_compilers_libraries_have_versions_too() {
    let bundle = Bundle::new().with("app/cxx.so", WANTS_GLIBCXX_3_4_30);
    let (code, text) = bundle.refusal("python3.11", Architecture::X86_64);
    assert_eq!(code, ErrorCode::LibraryTooNew);
    assert!(
        text.contains(
            "needs `GLIBCXX_3.4.30`, but the `libstdc++.so.6` of python3.11 on Lambda (Amazon Linux 2) has \
             `GLIBCXX_3.4.24` at most"
        ),
        "{text}"
    );
    bundle.passes("python3.13", Architecture::X86_64);
    // Amazon Linux 2023 may have grown since the table was made.
    let newer = with_text(WANTS_GLIBCXX_3_4_30, "GLIBCXX_3.4.30", "GLIBCXX_3.4.40");
    let newer = Bundle::new().with("app/cxx.so", &newer);
    assert_eq!(newer.warning("python3.13", Architecture::X86_64).0, WarningCode::LibraryTooNew);
    // A bundle with its own library has the right one.
    bundle.with("app.libs/libstdc++.so.6", FITS).passes("python3.11", Architecture::X86_64);
}

#[test]
fn a_library_that_nobody_has_is_a_warning() {
    let bundle = Bundle::new().with_wheel("demo", X86_WHEEL, &[("demo/a.so", WANTS_LIBDEMO)]);
    assert_eq!(
        bundle.warning("python3.13", Architecture::X86_64),
        (
            WarningCode::MissingLibrary,
            "`demo` 1.0: `demo/a.so` needs `libdemo.so.1`, which neither the bundle nor python3.13 on Lambda (Amazon \
             Linux 2023) has: add the library to the bundle or to a layer, or loading it fails"
                .to_owned()
        )
    );
    // In the bundle under the file's name, or under the name it has inside.
    bundle.clone().with("demo.libs/libdemo.so.1", FITS).passes("python3.13", Architecture::X86_64);
    bundle.clone().with("demo.libs/libdemo-3f2a.so", LIBDEMO).passes("python3.13", Architecture::X86_64);
}

#[test]
fn of_libpython_only_the_runtimes_own_is_there() {
    let exact = with_text(WANTS_MUSL, "libc.musl-x86_64.so.1", "libpython3.13.so.1.0\0");
    let bundle = Bundle::new().with("app/embeds.so", &exact);
    bundle.passes("python3.13", Architecture::X86_64);
    let (code, text) = bundle.warning("python3.12", Architecture::X86_64);
    assert_eq!(code, WarningCode::MissingLibrary);
    assert!(text.contains("`libpython3.13.so.1.0`"), "{text}");
}

#[test]
fn a_file_for_musl_is_refused() {
    let wheel = ["cp313-cp313-linux_x86_64"];
    let bundle = Bundle::new().with_wheel("demo", &wheel, &[("demo/a.so", WANTS_MUSL)]);
    let (code, text) = bundle.refusal("python3.13", Architecture::X86_64);
    assert_eq!(code, ErrorCode::NeedsMusl);
    assert!(
        text.contains("needs `libc.musl-x86_64.so.1`, made for systems with musl, such as Alpine Linux"),
        "{text}"
    );
}

#[test]
fn a_wheel_for_any_platform_may_carry_what_it_does_not_load() {
    let any = ["py3-none-any"];
    // Python could import it: it exports the module of its name.
    let bundle = Bundle::new().with_wheel("demo", &any, &[("demo/fits.so", FITS)]);
    assert_eq!(bundle.refusal("python3.13", Architecture::Arm64).0, ErrorCode::WrongArchitecture);
    // Python could not: debugpy has one like this.
    let bundle = Bundle::new().with_wheel("demo", &any, &[("demo/attach_linux_amd64.so", FITS)]);
    assert_eq!(
        bundle.warning("python3.13", Architecture::Arm64),
        (
            WarningCode::WrongArchitecture,
            "`demo` 1.0: `demo/attach_linux_amd64.so` is for x86_64, but python3.13 on Lambda arm64 (Amazon Linux \
             2023) takes aarch64: loading it fails; if the function needs it, choose a version of `demo` with a wheel \
             for aarch64"
                .to_owned()
        )
    );
}

#[test]
fn a_counterpart_for_the_target_makes_it_good() {
    let arm = for_arm(FITS);
    for (x86_64, aarch64) in [
        ("demo/linux-x86_64/tool", "demo/linux-arm64/tool"),
        ("demo/tool-amd64.so", "demo/tool-aarch64.so"),
        ("demo/a.cpython-313-x86_64-linux-gnu.so", "demo/a.cpython-313-aarch64-linux-gnu.so"),
    ] {
        for tags in [&["py3-none-any"][..], &[][..]] {
            let both = Bundle::new().with_wheel("demo", tags, &[(x86_64, FITS), (aarch64, &arm)]);
            both.passes("python3.13", Architecture::X86_64);
            both.passes("python3.13", Architecture::Arm64);
        }
        Bundle::new().with(x86_64, FITS).with(aarch64, &arm).passes("python3.13", Architecture::Arm64);
    }
    // Another package's file is none.
    let bundle =
        Bundle::new().with("bin/x86_64/tool", FITS).with_wheel("demo", &[], &[("bin/arm64/tool", &arm)]);
    assert_eq!(bundle.refusal("python3.13", Architecture::Arm64).0, ErrorCode::WrongArchitecture);
}

#[test]
fn a_wheel_for_another_python_or_platform_is_refused() {
    let tags = ["cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-manylinux2014_x86_64"];
    let bundle = Bundle::new().with_wheel("demo", &tags, &[("demo/__init__.py", b"")]);
    assert_eq!(
        bundle.refusal("python3.13", Architecture::X86_64),
        (
            ErrorCode::WrongWheelTag,
            "`demo` 1.0: its wheel is for `cp312-cp312-manylinux_2_17_x86_64` and \
             `cp312-cp312-manylinux2014_x86_64`, which python3.13 on Lambda x86_64 (Amazon Linux 2023) does not take: \
             choose a version of `demo` with a wheel for Python 3.13, x86_64 and glibc 2.34 or older"
                .to_owned()
        )
    );
    bundle.passes("python3.12", Architecture::X86_64);
}

#[test]
fn the_file_is_told_rather_than_the_tag_of_its_wheel() {
    let bundle = Bundle::new().with_wheel("demo", X86_WHEEL, &[("demo/a.so", FITS)]);
    let Err(CheckError::DoesNotFit { findings }) = bundle.check("python3.13", Architecture::Arm64) else {
        panic!("refused");
    };
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].problem, Problem::WrongArchitecture { found: "x86_64".to_owned() });
}

#[test]
fn a_module_that_only_another_python_finds_is_a_warning() {
    let old = "app/_speed.cpython-312-x86_64-linux-gnu.so";
    let bundle = Bundle::new().with(old, FITS);
    assert_eq!(
        bundle.warning("python3.13", Architecture::X86_64),
        (
            WarningCode::WrongExtensionTag,
            "`app/_speed.cpython-312-x86_64-linux-gnu.so` is for `cpython-312-x86_64-linux-gnu` by name, and nothing \
             beside it is for python3.13 on Lambda x86_64 (Amazon Linux 2023): `import` will fail"
                .to_owned()
        )
    );
    bundle.passes("python3.12", Architecture::X86_64);
    for beside in [
        "app/_speed.py",
        "app/_speed.so",
        "app/_speed.abi3.so",
        "app/_speed.cpython-313-x86_64-linux-gnu.so",
        "app/_speed/__init__.py",
    ] {
        bundle.clone().with(beside, FITS).passes("python3.13", Architecture::X86_64);
    }
    // Built on a Mac: no ELF file at all.
    let mac = Bundle::new().with("app/_speed.cpython-313-darwin.so", b"\xcf\xfa\xed\xfe");
    assert_eq!(mac.warning("python3.13", Architecture::X86_64).0, WarningCode::WrongExtensionTag);
}

#[test]
fn the_same_problem_of_one_package_is_told_once() {
    let newer = with_text(WANTS_GLIBC_2_38, "GLIBC_2.38", "GLIBC_2.36");
    let bundle = Bundle::new().with_wheel(
        "demo",
        X86_WHEEL,
        &[("a/a.so", &newer), ("b/c/b.so", WANTS_GLIBC_2_38), ("b/b.so", WANTS_GLIBC_2_38)],
    );
    let (_, text) = bundle.refusal("python3.13", Architecture::X86_64);
    assert!(text.starts_with("`demo` 1.0: `b/b.so` and 2 more files need `GLIBC_2.38`, but"), "{text}");
}

#[test]
fn of_many_findings_the_first_are_told_and_the_rest_counted() {
    let bundle = (1..=7).fold(Bundle::new(), |bundle, number| {
        let file = format!("demo{number}/a.so");
        bundle.with_wheel(&format!("demo{number}"), &[], &[(&file, WANTS_GLIBC_2_38)])
    });
    let (code, text) = bundle.refusal("python3.13", Architecture::X86_64);
    assert_eq!(code, ErrorCode::GlibcTooNew);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "7 things in the bundle do not fit python3.13 on x86_64:");
    assert!(lines[5].starts_with("- `demo5` 1.0: `demo5/a.so` needs `GLIBC_2.38`"), "{text}");
    assert_eq!(lines[6..], ["- and 2 more"]);
}

#[test]
fn files_that_linux_would_not_load_are_left_alone() {
    let patched = |at: usize, value: u8| {
        let mut file = for_arm(FITS);
        file[at] = value;
        Bundle::new().with("app/file.o", &file)
    };
    // ELF files for a linker, for FreeBSD, for a graphics card; no byte order; then no ELF file.
    for (at, value) in [(16, 1), (7, 9), (E_MACHINE, 190), (5, 7), (0, 0)] {
        patched(at, value).passes("python3.13", Architecture::X86_64);
    }
    // For 32-bit x86, in the class that it has.
    let (code, text) = patched(E_MACHINE, 3).refusal("python3.13", Architecture::X86_64);
    assert_eq!(code, ErrorCode::WrongArchitecture);
    assert!(text.contains("is for 32-bit x86, but"), "{text}");
}

#[test]
fn a_broken_file_is_no_reason_to_crash() {
    let target = Target::new("python3.13", Architecture::X86_64).unwrap();
    let survives = |bytes: &[u8]| {
        let _ = check(&[CheckedFile { path: "app/fits.so", contents: FileContents::Bytes(bytes) }], target);
    };
    for file in ALL {
        for length in 0..file.len() {
            survives(&file[..length]);
        }
        for at in 0..file.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut file = file.to_vec();
                file[at] = value;
                survives(&file);
            }
        }
    }
}

#[test]
fn files_on_disk_are_judged_like_those_in_memory() {
    let target = Target::new("python3.11", Architecture::X86_64).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/check");
    for name in
        ["fits.so", "wants_glibc_2_38.so", "wants_glibcxx_3_4_30.so", "wants_musl.so", "wants_libdemo.so"]
    {
        let path = folder.join(name);
        let bytes = std::fs::read(&path).unwrap();
        let [on_disk, in_memory] =
            [FileContents::OnDisk(&path), FileContents::Bytes(&bytes)].map(|contents| {
                match check(&[CheckedFile { path: name, contents }], target) {
                    Ok(findings) | Err(CheckError::DoesNotFit { findings }) => findings,
                    Err(error) => panic!("{error}"),
                }
            });
        assert_eq!(on_disk, in_memory);
        assert_eq!(on_disk.is_empty(), name == "fits.so", "{name}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let target = Target::new("python3.13", Architecture::X86_64).unwrap();
    for path in ["app/a.so", "demo-1.0.dist-info/RECORD"] {
        let file = CheckedFile { path, contents: FileContents::OnDisk(Path::new("/nowhere/at/all")) };
        let error = check(&[file], target).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Io);
        assert!(error.to_string().contains("`/nowhere/at/all`"), "{error}");
    }
}
