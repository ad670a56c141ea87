//! Builds the packages that the lock has only as source, if they are pure Python.
//!
//! uv fetches what the lock pins, and installs the build requirements into an environment of their own. Their versions are not locked:
//! they are resolved once, and remembered. Two machines may have other versions, so these are a part of the key, and `explain` shows
//! them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{InstallError, Installed, NoWheel, Origin, unpack};
use crate::archive::ArchiveError;
use crate::codes::ErrorCode;
use crate::plan::Plan;
use crate::plan::source_packages::{Backends, SourcePackage};
use crate::support::file_listing::files_below;
use crate::support::threads::on_threads;
use crate::support::wheel_metadata::header;
use crate::support::wording;
use crate::tools::build_backend::{BackendError, Build, BuildSystem, Environment, SourceTools};
use crate::tools::process::TimedOut;
use crate::tools::uv::UvError;
use crate::workshop::{Workshop, WorkshopError};
use crate::workspace::normalize_name;

/// How many bytes of a file tell what it is.
const BEGINNING: u64 = 512;

/// Why a package was not built from its source.
#[derive(Debug, thiserror::Error)]
pub enum SourceBuildError {
    /// There is no working folder.
    #[error(transparent)]
    Workshop(#[from] WorkshopError),
    /// The source was not fetched.
    #[error(
        "failed to fetch the source of {package} from `{label}`:\n{words}\nCheck that this machine reaches it and may read it, and that what `uv.lock` pins still exists; if not, run `uv lock --upgrade-package {name}`"
    )]
    NotAvailable {
        /// The package, with its version.
        package: String,
        /// Its name.
        name: String,
        /// Where its source is.
        label: String,
        /// The words of uv.
        words: String,
    },
    /// The source is another one than the lock pins.
    #[error(
        "the source of {package} at `{label}` is not the one that `uv.lock` pins:\n{words}\nFind out who changed it; if the new one is right, run `uv lock --upgrade-package {name}`"
    )]
    HashMismatch {
        /// The package, with its version.
        package: String,
        /// Its name.
        name: String,
        /// Where its source is.
        label: String,
        /// The words of uv.
        words: String,
    },
    /// The build requirements were not installed.
    #[error(
        "failed to install the build requirements of {package} ({requirements}), of which only wheels are taken:\n{words}\nChoose another version of the package, constrain its build requirements (`build-constraint-dependencies` in `[tool.uv]`), or build in a container"
    )]
    Requirements {
        /// The package, with its version.
        package: String,
        /// The requirements.
        requirements: String,
        /// The words of uv.
        words: String,
    },
    /// The backend failed.
    #[error(
        "failed to build {package} from its source (`{label}`):\n{words}\nThe build saw no variable of yours, no credentials and an empty home. Choose a version that has a wheel, constrain its build requirements (`build-constraint-dependencies` in `[tool.uv]`), or build in a container"
    )]
    Failed {
        /// The package, with its version.
        package: String,
        /// Where its source is.
        label: String,
        /// The words of the backend.
        words: String,
    },
    /// The wheel is not valid.
    #[error("failed to unpack the wheel that was built of {package}: {source}")]
    BadWheel {
        /// The package, with its version.
        package: String,
        /// The cause.
        source: ArchiveError,
    },
    /// The wheel is not pure Python.
    #[error("{0}")]
    NotPure(NoWheel),
    /// A process did not end in time.
    #[error(transparent)]
    TimedOut(TimedOut),
    /// A file could not be read or written.
    #[error("failed to build a package from its source: {0}")]
    Io(#[from] io::Error),
}

impl SourceBuildError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotAvailable { .. } => ErrorCode::SourceNotAvailable,
            Self::HashMismatch { .. } => ErrorCode::HashMismatch,
            Self::Requirements { .. } | Self::Failed { .. } | Self::BadWheel { .. } => {
                ErrorCode::SourceBuildFailed
            }
            Self::NotPure(_) => ErrorCode::NoWheel,
            Self::TimedOut(_) => ErrorCode::TimedOut,
            Self::Workshop(_) | Self::Io(_) => ErrorCode::Io,
        }
    }
}

/// The sources of a bundle that are ready to be built.
#[derive(Debug)]
pub struct SourceBuilds<'a> {
    plan: &'a Plan<'a>,
    workshop: &'a Workshop,
    /// The versions of the build requirements, by package.
    pub backends: Backends,
    /// Those that were fetched already, by package.
    ready: BTreeMap<&'a str, ReadySource>,
}

/// A source with the environment for its build.
#[derive(Debug)]
struct ReadySource {
    folder: PathBuf,
    source: PathBuf,
    system: BuildSystem,
    environment: Environment,
}

/// The versions of build requirements that were resolved earlier.
pub fn known_backends(plan: &Plan<'_>, workshop: &Workshop) -> Backends {
    let known = plan.source_packages.iter().filter_map(|source| {
        let key = plan.key_of_backend(source, &workshop.versions)?;
        Some((
            source.package.name.clone(),
            workshop.store.shared_fact(&key)?.lines().map(str::to_owned).collect(),
        ))
    });
    known.collect()
}

impl<'a> SourceBuilds<'a> {
    /// Resolves the build requirements of all source packages that were not resolved earlier. Fetches these sources for it.
    pub fn resolve(plan: &'a Plan<'_>, workshop: &'a Workshop) -> Result<Self, SourceBuildError> {
        let mut builds =
            Self { plan, workshop, backends: known_backends(plan, workshop), ready: BTreeMap::new() };
        let unknown: Vec<&SourcePackage<'_>> = plan
            .source_packages
            .iter()
            .filter(|source| !builds.backends.contains_key(&source.package.name))
            .collect();
        if unknown.is_empty() {
            return Ok(builds);
        }
        let keys: Vec<_> =
            unknown.iter().filter_map(|source| plan.key_of_backend(source, &workshop.versions)).collect();
        // Another process may resolve them at this moment; then they are known afterwards.
        let _lock = workshop.store.lock(&keys, &format!("fetches sources for `{}`", plan.subject.member));
        builds.backends = known_backends(plan, workshop);
        let unknown: Vec<_> = unknown
            .into_iter()
            .filter(|source| !builds.backends.contains_key(&source.package.name))
            .collect();
        let resolved = on_threads(&unknown, |source| {
            let ready = builds.prepare(source, None)?;
            let versions = ready.environment.packages()?;
            if let Some(key) = plan.key_of_backend(source, &workshop.versions) {
                workshop.store.remember_shared(&key, &versions.join("\n"));
            }
            Ok::<_, SourceBuildError>((source.package.name.as_str(), ready, versions))
        });
        for resolved in resolved {
            let (name, ready, versions) = resolved?;
            builds.ready.insert(name, ready);
            builds.backends.insert(name.to_owned(), versions);
        }
        Ok(builds)
    }

    /// Builds packages, by name.
    pub(super) fn build(&self, names: &[&str]) -> Result<Vec<Installed<'static>>, SourceBuildError> {
        let sources = self.plan.source_packages.iter();
        let sources: Vec<_> =
            sources.filter(|source| names.contains(&source.package.name.as_str())).collect();
        on_threads(&sources, |source| {
            let name = source.package.name.as_str();
            if let Some(ready) = self.ready.get(name) {
                return self.build_one(source, ready);
            }
            let versions = self.backends.get(name).map(Vec::as_slice);
            self.build_one(source, &self.prepare(source, versions)?)
        })
        .into_iter()
        .collect()
    }

    /// Fetches a source, and installs its build requirements: those of earlier, or else the newest that it allows.
    fn prepare(
        &self,
        source: &SourcePackage<'_>,
        versions: Option<&[String]>,
    ) -> Result<ReadySource, SourceBuildError> {
        let name = source.package.name.as_str();
        let settings = &self.plan.workspace.build_settings;
        let folder = self.workshop.folder()?.join("sources").join(name);
        let tools = SourceTools {
            uv: &self.workshop.uv,
            interpreter: &self.workshop.interpreter.path,
            folder: &folder,
            settings: settings.for_uv(&self.plan.workspace.root),
        };
        let requirement = source.requirement(self.plan.workspace.texts_of_manifests());
        let unpacked = tools.fetch(&requirement).map_err(|error| fetch_failed(source, error))?;
        let unpacked = unpacked.join(&source.subdirectory);
        let Some(system) = BuildSystem::read(&unpacked)? else {
            return Err(failed(
                source,
                BackendError::Backend("its `pyproject.toml` is not valid".to_owned()),
            ));
        };
        let environment = tools.environment().map_err(|error| failed(source, error))?;
        let install = |requirements: &[String], constraints: &[String]| {
            tools.install(&environment, requirements, constraints).map_err(|error| match error {
                BackendError::Uv(words) => SourceBuildError::Requirements {
                    package: source.described(),
                    requirements: wording::list(requirements),
                    words,
                },
                other => failed(source, other),
            })
        };
        if let Some(versions) = versions {
            install(versions, &[])?;
        } else {
            let mut requirements = [&system.requires[..], settings.extra_requirements(name)].concat();
            install(&requirements, &settings.constraints)?;
            let config = settings.config_of(name);
            let build = Build {
                source: &unpacked,
                system: &system,
                environment: &environment,
                config: &config,
                folder: &folder,
            };
            let more = build.more_requirements().map_err(|error| failed(source, error))?;
            if !more.is_empty() {
                requirements.extend(more);
                install(&requirements, &settings.constraints)?;
            }
        }
        Ok(ReadySource { folder, source: unpacked, system, environment })
    }

    fn build_one(
        &self,
        source: &SourcePackage<'_>,
        ready: &ReadySource,
    ) -> Result<Installed<'static>, SourceBuildError> {
        let name = source.package.name.as_str();
        let config = self.plan.workspace.build_settings.config_of(name);
        let ReadySource { folder, source: unpacked, system, environment } = ready;
        let build = Build { source: unpacked, system, environment, config: &config, folder };
        let wheel = build.wheel().map_err(|error| failed(source, error))?;
        let files = folder.join("files");
        fs_err::create_dir_all(&files)?;
        unpack(&wheel, &files)
            .map_err(|error| SourceBuildError::BadWheel { package: source.described(), source: error })?;
        let files = files_below(&files, &[])?;
        let file_name = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let native = first_native_file(&files)?;
        if native.is_some() || !file_name.ends_with("-none-any.whl") {
            let target = self.plan.subject.target;
            return Err(SourceBuildError::NotPure(NoWheel::not_pure(
                source.described(),
                target,
                file_name,
                native,
            )));
        }
        check_identity(source, &files)?;
        Ok(Installed { files, origin: Origin::Source { name: name.to_owned() } })
    }
}

fn fetch_failed(source: &SourcePackage<'_>, error: BackendError) -> SourceBuildError {
    let (package, name, label) = (source.described(), source.package.name.clone(), source.label.clone());
    match error {
        BackendError::OtherHash(words) => SourceBuildError::HashMismatch { package, name, label, words },
        BackendError::Uv(words) => SourceBuildError::NotAvailable { package, name, label, words },
        other => failed(source, other),
    }
}

/// The error of a check of the lock for which uv had to fetch the source of a package.
pub(super) fn of_lock_check(plan: &Plan<'_>, error: UvError) -> InstallError {
    let words = match &error {
        UvError::Failed { words, .. } => words,
        UvError::NoWheel { requirement } => {
            let (packages, target) = (plan.workspace.lock.packages(), plan.subject.target);
            return InstallError::NoWheel(NoWheel::new(requirement, packages, target));
        }
        _ => return error.into(),
    };
    let is_named = |source: &&SourcePackage<'_>| {
        [" @ ", "=="].iter().any(|sign| words.contains(&format!("`{}{sign}", source.package.name)))
    };
    let Some(source) = plan.source_packages.iter().find(is_named) else { return error.into() };
    fetch_failed(source, BackendError::of_fetch(words)).into()
}

fn failed(source: &SourcePackage<'_>, error: BackendError) -> SourceBuildError {
    match error {
        BackendError::TimedOut(error) => SourceBuildError::TimedOut(error),
        BackendError::Io(error) => SourceBuildError::Io(error),
        BackendError::Uv(words) | BackendError::OtherHash(words) | BackendError::Backend(words) => {
            SourceBuildError::Failed { package: source.described(), label: source.label.clone(), words }
        }
    }
}

/// Fails if the wheel is of another package, or of another version, than the lock has.
fn check_identity(source: &SourcePackage<'_>, files: &[(String, PathBuf)]) -> Result<(), SourceBuildError> {
    let metadata = files.iter().find(|(path, _)| {
        path.strip_suffix("/METADATA")
            .is_some_and(|folder| folder.ends_with(".dist-info") && !folder.contains('/'))
    });
    let text = match metadata {
        Some((_, path)) => String::from_utf8_lossy(&fs_err::read(path)?).into_owned(),
        None => String::new(),
    };
    let (name, version) =
        (header(&text, "Name").unwrap_or_default(), header(&text, "Version").unwrap_or_default());
    let parsed = |version: &str| version.parse::<pep440_rs::Version>().ok();
    let is_locked = match source.package.version.as_deref() {
        Some(locked) => parsed(locked) == parsed(version),
        None => true,
    };
    if normalize_name(name) == source.package.name && is_locked {
        return Ok(());
    }
    let words = format!("the build made `{name}` {version}, which is not the package that `uv.lock` has");
    Err(failed(source, BackendError::Backend(words)))
}

/// The first file that is machine code, and its format.
fn first_native_file(files: &[(String, PathBuf)]) -> io::Result<Option<(String, &'static str)>> {
    for (name, path) in files {
        if let Some(format) = native_format(path)? {
            return Ok(Some((name.clone(), format)));
        }
    }
    Ok(None)
}

/// The format of a file that is machine code; `None` for every other file.
fn native_format(path: &Path) -> io::Result<Option<&'static str>> {
    use std::io::Read as _;

    let mut beginning = Vec::new();
    fs_err::File::open(path)?.take(BEGINNING).read_to_end(&mut beginning)?;
    Ok(format_of(&beginning))
}

fn format_of(beginning: &[u8]) -> Option<&'static str> {
    let number = |at: usize| Some(u32::from_le_bytes(beginning.get(at..at + 4)?.try_into().ok()?));
    match beginning {
        [0x7f, b'E', b'L', b'F', ..] => Some("ELF"),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..]
        | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..]
        // For several CPUs. A class of Java begins with the same bytes, and has a version of at least 45 instead of a number of CPUs.
        | [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 0..=30, ..] => Some("Mach-O"),
        [b'M', b'Z', ..] => {
            let header = usize::try_from(number(0x3c)?).ok()?;
            // Headers lie behind the beginning in no compiler's files.
            (beginning.get(header..header.checked_add(4)?)? == b"PE\0\0").then_some("PE")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_code_is_known_by_its_beginning() {
        let mut program = vec![0; 0x84];
        program[..2].copy_from_slice(b"MZ");
        program[0x3c] = 0x80;
        program[0x80..].copy_from_slice(b"PE\0\0");
        for (beginning, format) in [
            (&b"\x7fELF\x02"[..], Some("ELF")),
            (b"\xcf\xfa\xed\xfe\x07", Some("Mach-O")),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", Some("Mach-O")),
            (&program, Some("PE")),
            (b"\xca\xfe\xba\xbe\0\0\0\x34", None),
            (b"MZ, a text", None),
            (b"import os\n", None),
            (b"", None),
        ] {
            assert_eq!(format_of(beginning), format, "{beginning:?}");
        }
    }
}
