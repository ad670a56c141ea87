//! Check: does every wheel and every ELF file of a bundle fit the target, is the handler in it, and is
//! it small enough? What is wrong would otherwise be found when the function is deployed or crashes.
//!
//! Judged are the tags of wheels, and in ELF files the CPU, the symbol versions of glibc and of the
//! compiler's libraries, and the libraries to load along. A false refusal is worse than a miss, so:
//!
//! - What is certain refuses the bundle; what may never matter is a [`Severity::Warning`]. A missing
//!   library is one: packages ship modules for things that most people lack (`numba` has one for
//!   `libtbb.so.12`), and a layer may bring it.
//! - A file that does not fit is no finding where the same package has its counterpart for the
//!   target: `linux-arm64/tool` beside `linux-x86_64/tool`.
//! - A wheel for `any` platform picks its binaries when it runs (`debugpy` and `selenium` ship some
//!   for one CPU only), so one for another CPU that Python cannot import is a warning.
//! - Versions with a name instead of a number (`GLIBC_PRIVATE`, `GLIBC_ABI_DT_RELR`, which some
//!   distributions have added to older glibcs) are not judged, nor are weak ones.
//! - A file that cannot be made out asks for nothing.

mod elf_fits;
mod file_names;
mod finding;
mod handler;
mod runtime_libraries;
mod size;
mod wheel_fits;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

pub use self::file_names::check_names;
pub use self::finding::{Finding, Package, Problem, Severity};
pub use self::handler::{Handler, HandlerError, check_handler};
pub use self::size::{Measured, SizeError, Sources, check_sources};

pub use crate::elf::{CheckedFile, FileContents};

use self::elf_fits::{Binary, Judge, version_number};
use self::wheel_fits::{DistInfo, Wheels};
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
        /// What, at least one; all of them [`Severity::Refused`].
        findings: Vec<Finding>,
    },
    /// A file of the bundle could not be read.
    #[error("failed to read `{}` in order to check that it fits the Lambda runtime: {source}", .path.display())]
    Unreadable {
        /// The file on disk.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl CheckError {
    /// The stable code of this error: that of its first finding, where there are findings.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DoesNotFit { findings } => findings.first().map_or("DOES_NOT_FIT", Finding::code),
            Self::Unreadable { .. } => "IO",
        }
    }
}

/// The findings as one text: the first few, and how many more there are.
fn misfits(findings: &[Finding]) -> String {
    /// More than these are the same mistake again, as a rule.
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
    let warning = |finding: &Finding| Warning { code: finding.code().into(), message: finding.to_string() };
    Ok(findings.iter().map(warning).collect())
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

/// Checks everything that will ship against the target, and returns what the user should be warned
/// of. Files of `.dist-info` folders belong in `files` even where they do not ship: `RECORD` says
/// whose a file is, `WHEEL` what it is for, `METADATA` what its package is called.
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
        grouped(findings).into_iter().partition(|finding| finding.severity == Severity::Refused);
    if refused.is_empty() { Ok(warnings) } else { Err(CheckError::DoesNotFit { findings: refused }) }
}

/// The files of a `.dist-info` folder that are read: what is known of a wheel.
const TEXTS: [&str; 3] = ["WHEEL", "METADATA", "RECORD"];

/// The folder of a file that is read as a text, and which of [`TEXTS`] it is.
fn text_of_wheel(path: &str) -> Option<(&str, usize)> {
    let (folder, name) = path.rsplit_once('/')?;
    let place = TEXTS.iter().position(|known| *known == name)?;
    folder.ends_with(".dist-info").then_some((folder, place))
}

/// Whether the check needs the contents of the file at this path, and not only what is known of it.
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

/// One finding for all files of a package that have the same problem, sorted: what refuses the
/// bundle first.
fn grouped(mut findings: Vec<Finding>) -> Vec<Finding> {
    // A file says more than the tag of its wheel: which symbol, which CPU.
    let told: HashSet<Package> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Refused && !is_wheel_tag(finding))
        .filter_map(|finding| finding.package.clone())
        .collect();
    findings.retain(|finding| {
        !(is_wheel_tag(finding) && finding.package.as_ref().is_some_and(|package| told.contains(package)))
    });
    // Within a group, the file to show is the one that asks most, or else the nearest to the root,
    // where the modules are that people import.
    findings.sort_by_cached_key(|finding| {
        let depth = finding.file.matches('/').count();
        let asked = Reverse(demand(&finding.problem));
        (finding.severity, finding.package.clone(), finding.code(), asked, depth, finding.file.clone())
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

/// How much a problem of one kind asks, for comparison with others of its kind.
fn demand(problem: &Problem) -> [u16; 3] {
    match problem {
        Problem::GlibcTooNew { needed: (major, minor), .. } => [*major, *minor, 0],
        Problem::LibraryTooNew { symbol_version, .. } => {
            symbol_version.rsplit_once('_').and_then(|(_, number)| version_number(number)).unwrap_or_default()
        }
        _ => [0; 3],
    }
}

/// Whether two findings are one and the same for the user.
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
