//! Check: does every wheel and every ELF file of a bundle fit the target, is the handler in it, and is it
//! small enough? Without it, the deployment or the function would fail.
//!
//! The check reads the tags of wheels, and in ELF files the CPU, the symbol versions of glibc and of the
//! compiler's libraries, and the libraries that they need. A false refusal is worse than a missed problem:
//!
//! - A certain problem refuses the bundle; a problem that may never matter is a [`Severity::Warning`]. A
//!   missing library is a warning: packages ship modules for libraries that most systems lack (`numba` has
//!   one for `libtbb.so.12`), and a layer may have the library.
//! - A file that does not fit is ignored if the same package has its counterpart for the target:
//!   `linux-arm64/tool` beside `linux-x86_64/tool`.
//! - A wheel for `any` platform chooses its binaries when it runs (`debugpy` and `selenium` ship some for one
//!   CPU only). So a binary in it for another CPU is a warning, unless Python would import it.
//! - Symbol versions with a name instead of a number (`GLIBC_PRIVATE`; `GLIBC_ABI_DT_RELR`, which some
//!   distributions have added to older glibcs) are not checked. Weak versions are not checked either.
//! - A file that cannot be parsed has no requirements.

mod elf_fits;
mod similar_names;
mod finding;
mod handler;
mod runtime_libraries;
mod runtime_support;
mod size;
mod wheel_fits;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

pub use self::finding::{Finding, Package, Problem, Severity};
pub use self::handler::{Handler, HandlerError, check_handler, start_early};
pub use self::runtime_support::check_runtime_support;
pub use self::similar_names::check_names;
pub use self::size::{Measured, SizeError, Sources, check_sources};

pub use crate::elf::{CheckedFile, FileContents};

use self::elf_fits::{Binary, Judge, version_number};
use self::wheel_fits::{DistInfo, Wheels};
use crate::codes::ErrorCode;
use crate::pack::bundle_files::BundleFiles;
use crate::plan::Plan;
use crate::report::{PackageReport, Warning};
use crate::request::layers;
use crate::target::Target;

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Something in it cannot work on the target.
    #[error("{}", misfits(.findings))]
    DoesNotFit {
        /// At least one finding; all are [`Severity::Refused`].
        findings: Vec<Finding>,
    },
    /// A file of the bundle could not be read.
    #[error("failed to read `{}` in order to check that it fits the Lambda runtime: {source}", .path.display())]
    Unreadable {
        /// The file on disk.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl CheckError {
    /// The stable code of this error: that of its first finding, where there are findings.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::DoesNotFit { findings } => {
                findings.iter().find_map(Finding::refusal).unwrap_or(ErrorCode::Bug)
            }
            Self::Unreadable { .. } => ErrorCode::Io,
        }
    }
}

/// The findings as one text: the first few, and how many more there are.
fn misfits(findings: &[Finding]) -> String {
    /// The number of findings that the text lists. Further ones usually repeat the same mistake.
    const SHOWN: usize = 5;

    match findings {
        [] => "the bundle does not fit the Lambda runtime".to_owned(),
        [only] => only.to_string(),
        [first, ..] => {
            let mut lines =
                vec![format!("{} things in the bundle do not fit {}:", findings.len(), first.target)];
            lines.extend(findings.iter().take(SHOWN).map(|finding| format!("- {finding}")));
            if findings.len() > SHOWN {
                lines.push(format!("- and {} more", findings.len() - SHOWN));
            }
            lines.join("\n")
        }
    }
}

/// Checks the files of a bundle against the target, and returns warnings.
pub fn check_files(files: &BundleFiles<'_>, target: Target) -> Result<Vec<Warning>, CheckError> {
    let mut texts = BTreeMap::new();
    for (path, file) in files.files.iter().filter(|(path, _)| is_read(path)) {
        let text = file.read().map_err(|source| CheckError::Unreadable { path: path.into(), source })?;
        texts.insert(*path, text);
    }
    let checked: Vec<CheckedFile<'_>> = files
        .files
        .iter()
        .map(|(path, file)| {
            let known = FileContents::Known(file.elf.as_ref());
            let contents = texts.get(path).map_or(known, |text| FileContents::Bytes(text));
            CheckedFile { path, contents }
        })
        .collect();
    let findings = check(&checked, target)?;
    let warning =
        |finding: &Finding| Some(Warning { code: finding.warning()?, message: finding.to_string() });
    Ok(findings.iter().filter_map(warning).collect())
}

/// Checks the unpacked size of a bundle against the limits of Lambda and of the request, and returns a warning.
pub fn check_unzipped(
    plan: &Plan<'_>,
    packages: &[PackageReport],
    unzipped_bytes: u64,
) -> Result<Option<Warning>, SizeError> {
    measured(plan, packages, unzipped_bytes).check_unzipped(plan.request.max_size)
}

/// Checks the size of a zip against the limits of Lambda and of the request, and returns a warning.
pub fn check_zipped(
    plan: &Plan<'_>,
    packages: &[PackageReport],
    unzipped_bytes: u64,
    zip_bytes: u64,
) -> Result<Option<Warning>, SizeError> {
    measured(plan, packages, unzipped_bytes).check_zipped(zip_bytes, plan.request.max_size)
}

fn measured<'a>(plan: &'a Plan<'_>, packages: &'a [PackageReport], unzipped_bytes: u64) -> Measured<'a> {
    let layer_bytes = layers::unzipped_bytes(&plan.request.layers);
    Measured { member: &plan.subject.member, packages, unzipped_bytes, layer_bytes }
}

/// Checks all files that will ship against the target, and returns the warnings. `files` must have the files
/// of `.dist-info` folders even if they do not ship: `RECORD` lists the files of a wheel, `WHEEL` has its
/// tags, and `METADATA` the name of its package.
pub fn check(files: &[CheckedFile<'_>], target: Target) -> Result<Vec<Finding>, CheckError> {
    let wheels = read_wheels(files)?;
    let names: HashSet<&str> = files.iter().map(|file| file.path).collect();
    let binaries: Vec<Binary<'_>> = files
        .par_iter()
        .map(|file| Binary::read(file, &wheels).map_err(|source| unreadable(file, source)))
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    let findings = Judge::new(target, &wheels, &names, &binaries).findings();
    let (refused, warnings): (Vec<_>, Vec<_>) =
        grouped(findings).into_iter().partition(|finding| finding.refusal().is_some());
    if refused.is_empty() { Ok(warnings) } else { Err(CheckError::DoesNotFit { findings: refused }) }
}

/// The files of a `.dist-info` folder that the check reads.
const TEXTS: [&str; 3] = ["WHEEL", "METADATA", "RECORD"];

/// The `.dist-info` folder of one of the [`TEXTS`], and its index among them; `None` for other files.
fn text_of_wheel(path: &str) -> Option<(&str, usize)> {
    let (folder, name) = path.rsplit_once('/')?;
    let place = TEXTS.iter().position(|known| *known == name)?;
    folder.ends_with(".dist-info").then_some((folder, place))
}

/// Whether the check needs the contents of the file at this path. For others, [`FileContents::Known`] is
/// enough.
pub fn is_read(path: &str) -> bool {
    text_of_wheel(path).is_some()
}

/// Reads every `.dist-info` folder.
fn read_wheels(files: &[CheckedFile<'_>]) -> Result<Wheels, CheckError> {
    let mut folders: BTreeMap<&str, [Option<String>; TEXTS.len()]> = BTreeMap::new();
    for file in files {
        let Some((folder, place)) = text_of_wheel(file.path) else { continue };
        let bytes = match file.contents {
            FileContents::Bytes(bytes) => bytes.to_vec(),
            FileContents::OnDisk(path) => fs_err::read(path).map_err(|source| unreadable(file, source))?,
            FileContents::Known(_) => continue,
        };
        folders.entry(folder).or_default()[place] = Some(String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(Wheels::read(folders.iter().map(|(folder, [wheel, metadata, record])| {
        (
            *folder,
            DistInfo { wheel: wheel.as_deref(), metadata: metadata.as_deref(), record: record.as_deref() },
        )
    })))
}

fn unreadable(file: &CheckedFile<'_>, source: io::Error) -> CheckError {
    let path = match file.contents {
        FileContents::Bytes(_) | FileContents::Known(_) => Path::new(file.path),
        FileContents::OnDisk(path) => path,
    };
    CheckError::Unreadable { path: path.to_path_buf(), source }
}

/// Merges the findings of a package that have the same problem, and sorts them: those that refuse the bundle
/// come first.
fn grouped(mut findings: Vec<Finding>) -> Vec<Finding> {
    // If a file of a wheel is refused too, the tag of the wheel is left out: the file names the symbol or the
    // CPU.
    let refused_by_file: HashSet<Package> = findings
        .iter()
        .filter(|finding| finding.refusal().is_some() && !is_wheel_tag(finding))
        .filter_map(|finding| finding.package.clone())
        .collect();
    findings.retain(|finding| {
        !(is_wheel_tag(finding)
            && finding.package.as_ref().is_some_and(|package| refused_by_file.contains(package)))
    });
    // A group shows the file that needs the newest version, or else the file nearest to the root, where the
    // modules are that people import.
    findings.sort_by_cached_key(|finding| {
        let depth = finding.file.matches('/').count();
        let asked = Reverse(demand(&finding.problem));
        let is_warning = finding.refusal().is_none();
        (is_warning, finding.package.clone(), finding.severity, asked, depth, finding.file.clone())
    });
    let mut groups: Vec<Finding> = Vec::new();
    for finding in findings {
        match groups.iter_mut().find(|group| is_same(group, &finding)) {
            Some(group) => {
                group.more_files += 1;
                group.problem.join(finding.problem);
            }
            None => groups.push(finding),
        }
    }
    groups
}

fn is_wheel_tag(finding: &Finding) -> bool {
    matches!(finding.problem, Problem::WrongWheelTag { .. })
}

/// The version that a problem needs, to compare it with problems of the same kind.
fn demand(problem: &Problem) -> [u16; 3] {
    match problem {
        Problem::GlibcTooNew { needed: (major, minor), .. } => [*major, *minor, 0],
        Problem::LibraryTooNew { symbol_version, .. } => {
            symbol_version.rsplit_once('_').and_then(|(_, number)| version_number(number)).unwrap_or_default()
        }
        _ => [0; 3],
    }
}

/// Whether two findings are the same for the user.
fn is_same(left: &Finding, right: &Finding) -> bool {
    left.severity == right.severity
        && left.package == right.package
        && match (&left.problem, &right.problem) {
            (Problem::GlibcTooNew { .. }, Problem::GlibcTooNew { .. })
            | (Problem::NeedsMusl { .. }, Problem::NeedsMusl { .. })
            | (Problem::MissingLibrary { .. }, Problem::MissingLibrary { .. }) => true,
            (Problem::LibraryTooNew { newest, .. }, Problem::LibraryTooNew { newest: other, .. }) => {
                newest == other
            }
            (Problem::WrongArchitecture { found }, Problem::WrongArchitecture { found: other }) => {
                found == other
            }
            (Problem::WrongExtensionTag { tag }, Problem::WrongExtensionTag { tag: other }) => tag == other,
            _ => false,
        }
}
