//! Finds the files that do not fit the target, and the severity of each.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io;

use super::finding::{Finding, Problem, Severity};
use super::runtime_libraries;
use super::wheel_fits::Wheels;
use crate::codes::{ErrorCode, WarningCode};
use crate::elf::extension_name::ExtensionName;
use crate::elf::tables::Machine;
use crate::elf::{CheckedFile, Elf, FileContents};
use crate::target::Target;

/// An ELF file of the bundle that Linux could load.
#[derive(Debug)]
pub(super) struct Binary<'a> {
    path: &'a str,
    /// The index of its wheel.
    wheel: Option<usize>,
    elf: Cow<'a, Elf>,
}

impl<'a> Binary<'a> {
    /// `None` for a file that Linux would not load.
    pub(super) fn read(file: &CheckedFile<'a>, wheels: &Wheels) -> io::Result<Option<Self>> {
        let elf = match file.contents {
            FileContents::Known(elf) => elf.map(Cow::Borrowed),
            FileContents::Bytes(_) | FileContents::OnDisk(_) => Elf::read(file)?.map(Cow::Owned),
        };
        Ok(elf.map(|elf| Self { path: file.path, wheel: wheels.owner(file.path), elf }))
    }

    /// Whether Python would import the file: its name has a tag for the target, or it exports a module of its
    /// name.
    fn is_importable(&self, target: Target) -> bool {
        ExtensionName::parse(self.path).is_some_and(|name| match name.tag {
            Some(tag) => tag == "abi3" || tag == extension_tag(target),
            None => self.elf.requirements.is_module,
        })
    }
}

/// The facts about the bundle that the check of each file needs.
pub(super) struct Judge<'a> {
    target: Target,
    wheels: &'a Wheels,
    names: &'a HashSet<&'a str>,
    /// All folders in the bundle.
    folders: HashSet<&'a str>,
    /// The names of all libraries in the bundle. Their folders are not checked: run paths, preloading and
    /// `LD_LIBRARY_PATH` change where the dynamic linker looks.
    libraries: HashSet<&'a str>,
    /// The files that fit, as (wheel, path without names of CPUs).
    counterparts: HashSet<(Option<usize>, String)>,
    binaries: &'a [Binary<'a>],
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        target: Target,
        wheels: &'a Wheels,
        names: &'a HashSet<&'a str>,
        binaries: &'a [Binary<'a>],
    ) -> Self {
        let mut judge = Self {
            target,
            wheels,
            names,
            folders: names.iter().flat_map(|name| parents(name)).collect(),
            libraries: names.iter().map(|name| file_name(name)).collect(),
            counterparts: HashSet::new(),
            binaries,
        };
        let here = |binary: &&Binary<'_>| binary.elf.machine == Machine::Lambda(target.architecture);
        let sonames =
            binaries.iter().filter(here).filter_map(|binary| binary.elf.requirements.name.as_deref());
        judge.libraries.extend(sonames);
        judge.counterparts = binaries
            .iter()
            .filter(|binary| judge.is_for_this_cpu(binary) && judge.fatal(binary).is_none())
            .map(|binary| (binary.wheel, without_cpu(binary.path)))
            .collect();
        judge
    }

    fn is_for_this_cpu(&self, binary: &Binary<'_>) -> bool {
        binary.elf.machine == Machine::Lambda(self.target.architecture)
    }

    /// Everything that does not fit.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = self.of_wheels();
        findings.extend(self.binaries.iter().flat_map(|binary| self.of_file(binary)));
        findings.extend(self.of_extension_names());
        findings
    }

    fn of_wheels(&self) -> Vec<Finding> {
        let all = self.wheels.wheels.iter().enumerate();
        all.filter(|(_, wheel)| !wheel.fits(self.target))
            .map(|(index, wheel)| {
                let tags = wheel.tags.iter().map(ToString::to_string).collect();
                self.finding(
                    &wheel.path,
                    Some(index),
                    Problem::WrongWheelTag { tags },
                    Severity::Refused(ErrorCode::WrongWheelTag),
                )
            })
            .collect()
    }

    /// Everything about one ELF file.
    fn of_file(&self, binary: &Binary<'_>) -> Vec<Finding> {
        if let Some((problem, severity)) = self.fatal(binary) {
            let has_counterpart = self.counterparts.contains(&(binary.wheel, without_cpu(binary.path)));
            return if has_counterpart {
                Vec::new()
            } else {
                vec![self.finding(binary.path, binary.wheel, problem, severity)]
            };
        }
        let mut findings = self.library_too_new(binary);
        let needed = binary.elf.requirements.libraries.iter();
        let missing: Vec<String> = needed.filter(|library| !self.has_library(library)).cloned().collect();
        if !missing.is_empty() {
            let problem = Problem::MissingLibrary { libraries: missing };
            findings.push(self.finding(
                binary.path,
                binary.wheel,
                problem,
                Severity::Warning(WarningCode::MissingLibrary),
            ));
        }
        findings
    }

    fn finding(&self, path: &str, wheel: Option<usize>, problem: Problem, severity: Severity) -> Finding {
        Finding {
            package: wheel.map(|wheel| self.wheels.wheels[wheel].package.clone()),
            file: path.to_owned(),
            more_files: 0,
            problem,
            severity,
            target: self.target,
        }
    }

    /// The problem for which a file cannot be loaded at all, if there is one.
    fn fatal(&self, binary: &Binary<'_>) -> Option<(Problem, Severity)> {
        let picked_when_it_runs =
            binary.wheel.is_some_and(|wheel| self.wheels.wheels[wheel].is_for_any_platform());
        let may_be_unused = picked_when_it_runs && !binary.is_importable(self.target);
        let severity = |refused, warning| {
            if may_be_unused { Severity::Warning(warning) } else { Severity::Refused(refused) }
        };
        if !self.is_for_this_cpu(binary) {
            return Some((
                Problem::WrongArchitecture { found: binary.elf.machine.name().to_owned() },
                severity(ErrorCode::WrongArchitecture, WarningCode::WrongArchitecture),
            ));
        }
        if let Some(library) = binary.elf.requirements.libraries.iter().find(|library| is_musl(library)) {
            return Some((
                Problem::NeedsMusl { library: library.clone() },
                severity(ErrorCode::NeedsMusl, WarningCode::NeedsMusl),
            ));
        }
        let (needed, symbol_version) = binary
            .elf
            .requirements
            .versions
            .iter()
            .filter_map(|required| Some((glibc_version(&required.version)?, &required.version)))
            .max_by_key(|(version, _)| *version)?;
        (needed > self.target.system.glibc()).then(|| {
            let problem = Problem::GlibcTooNew { needed, symbol_version: symbol_version.clone() };
            (problem, Severity::Refused(ErrorCode::GlibcTooNew))
        })
    }

    /// The symbol versions of the compiler's libraries that the runtime lacks, the newest of each family. If
    /// the bundle has the library itself, its versions are taken to be right.
    fn library_too_new(&self, binary: &Binary<'_>) -> Vec<Finding> {
        let system = self.target.system;
        let severity = if runtime_libraries::families_may_grow(system) {
            Severity::Warning(WarningCode::LibraryTooNew)
        } else {
            Severity::Refused(ErrorCode::LibraryTooNew)
        };
        let families = runtime_libraries::symbol_families(system);
        let foreign = families.iter().filter(|family| !self.libraries.contains(family.library));
        foreign
            .filter_map(|family| {
                let newest_required = binary
                    .elf
                    .requirements
                    .versions
                    .iter()
                    .filter_map(|required| {
                        let number = required.version.strip_prefix(family.prefix)?;
                        Some((version_number(number)?, &required.version))
                    })
                    .max_by_key(|(version, _)| *version)?;
                let (needed, symbol_version) = newest_required;
                (needed > family.newest).then(|| Problem::LibraryTooNew {
                    symbol_version: symbol_version.clone(),
                    newest: format!(
                        "{}{}",
                        family.prefix,
                        family.newest.map(|part| part.to_string()).join(".")
                    ),
                    library: family.library,
                })
            })
            .map(|problem| self.finding(binary.path, binary.wheel, problem, severity))
            .collect()
    }

    fn has_library(&self, library: &str) -> bool {
        let name = file_name(library);
        if self.libraries.contains(name) || runtime_libraries::has_library(self.target, name) {
            return true;
        }
        // The runtime's own Python, in /var/lang/lib.
        name == "libpython3.so"
            || name
                .strip_prefix(&format!("libpython{}.so", self.target.python))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Extension modules whose names only another Python loads. A wheel may have modules for many Pythons,
    /// and may work without them. So this is a warning, and only if Python finds no other module of that
    /// name.
    fn of_extension_names(&self) -> Vec<Finding> {
        let other_cpus =
            self.binaries.iter().filter(|binary| !self.is_for_this_cpu(binary)).map(|binary| binary.path);
        // Libraries that other files link to are not modules, whatever their names are.
        let linked =
            self.binaries.iter().flat_map(|binary| &binary.elf.requirements.libraries).map(String::as_str);
        let (other_cpus, linked): (HashSet<&str>, HashSet<&str>) = (other_cpus.collect(), linked.collect());
        let mut findings = Vec::new();
        for path in self.names.iter().copied() {
            let Some(name) = ExtensionName::parse(path) else { continue };
            let Some(tag) = name.tag.filter(|tag| tag.starts_with("cpython-")) else { continue };
            let wheel = self.wheels.owner(path);
            let already_found = other_cpus.contains(path)
                || wheel.is_some_and(|wheel| !self.wheels.wheels[wheel].fits(self.target));
            let harmless = tag == extension_tag(self.target)
                || linked.contains(file_name(path))
                || self.is_importable_under(&name);
            if !already_found && !harmless {
                let problem = Problem::WrongExtensionTag { tag: tag.to_owned() };
                findings.push(self.finding(
                    path,
                    wheel,
                    problem,
                    Severity::Warning(WarningCode::WrongExtensionTag),
                ));
            }
        }
        findings
    }

    fn is_importable_under(&self, name: &ExtensionName<'_>) -> bool {
        let path = format!("{}{}", name.folder, name.stem);
        let suffixes =
            [".py".to_owned(), ".pyc".to_owned(), ".so".to_owned(), ".abi3.so".to_owned(), self.own_suffix()];
        self.folders.contains(path.as_str())
            || suffixes.iter().any(|suffix| self.names.contains(format!("{path}{suffix}").as_str()))
    }

    fn own_suffix(&self) -> String {
        format!(".{}.so", extension_tag(self.target))
    }
}

/// The tag that the target's own Python looks for in the names of extension modules.
fn extension_tag(target: Target) -> String {
    format!(
        "cpython-{}{}-{}-linux-gnu",
        target.python.major,
        target.python.minor,
        target.architecture.machine()
    )
}

/// Whether a library is musl's own.
fn is_musl(library: &str) -> bool {
    library.starts_with("libc.musl-") || library.starts_with("ld-musl-")
}

/// The number in `GLIBC_2.28`, as (major, minor). Patch versions (`GLIBC_2.2.5`) are older than every
/// runtime's.
fn glibc_version(version: &str) -> Option<(u16, u16)> {
    let [major, minor, _] = version_number(version.strip_prefix("GLIBC_")?)?;
    Some((major, minor))
}

/// Up to three numbers with dots between them. `None` for a name, such as `PRIVATE`.
pub(super) fn version_number(text: &str) -> Option<[u16; 3]> {
    let mut number = [0; 3];
    let mut parts = text.split('.');
    for (place, part) in number.iter_mut().zip(&mut parts) {
        *place = part.parse().ok()?;
    }
    parts.next().is_none().then_some(number)
}

/// A path without the words for CPUs and C libraries, so that the variants of one file are equal.
fn without_cpu(path: &str) -> String {
    const WORDS: [&str; 16] = [
        "x86", "64", "32", "amd64", "x64", "i386", "i586", "i686", "aarch64", "arm64", "arm", "armv7l",
        "armhf", "gnu", "musl", "glibc",
    ];
    let lower = path.to_lowercase();
    let words: Vec<&str> = lower
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty() && !WORDS.contains(word))
        .collect();
    words.join(" ")
}

/// The last part of a path.
fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Every folder above a file.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}
