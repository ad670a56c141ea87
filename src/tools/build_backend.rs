//! Builds third-party packages from their sources: uv fetches the source and installs the build requirements, both without running
//! anything of the package; then the build backend runs without the variables of the caller, which may have credentials.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use toml::Table;

use super::process::{Output, Process, TimedOut};
use super::uv::{SOURCE_DATE_EPOCH, TEMPORARY, Uv, UvCache, UvError};
use crate::secrets::mask_credentials;
use crate::support::wording::one_line;
use crate::workspace::normalize_name;

/// The script that calls the backend.
const HOOK: &str = include_str!("build_hook.py");

/// The build requirements and the backend of a source that names none.
///
/// Source: <https://packaging.python.org/en/latest/specifications/pyproject-toml/#build-system-table>.
const LEGACY: (&str, &str) = ("setuptools>=40.8.0", "setuptools.build_meta:__legacy__");

/// The variables that name the home of a user, on Unix and on Windows.
const HOMES: &[&str] = &["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"];

/// The user that a build sees, whoever builds.
const USER: &str = "build";

/// The words of uv that say that an archive is another one than the lock pins.
const OTHER_HASH: &str = "Hash mismatch for";

/// The words of uv that say that it has the source, and would have to run its backend to know more.
const NEEDS_BUILD: &str = "Building source distributions";

/// The words of uv that say that it ran a backend, which failed.
const BACKEND_FAILED: &str = "build backend";

/// How deep below its cache uv unpacks an archive: `sdists-v11/url/<address>/<revision>/src`.
const DEPTH_IN_CACHE: usize = 6;

/// Why a source was not fetched, or a backend did not answer.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// uv failed, in its own words.
    #[error("{0}")]
    Uv(String),
    /// The archive is another one than the lock pins, in the words of uv.
    #[error("{0}")]
    OtherHash(String),
    /// The backend failed, in its own words.
    #[error("{0}")]
    Backend(String),
    /// A process did not end in time.
    #[error(transparent)]
    TimedOut(TimedOut),
    /// A file could not be read or written, or a process not be started.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl BackendError {
    /// The error of uv, in its own words, when it fetched a source.
    pub fn of_fetch(words: &str) -> Self {
        let words = mask_credentials(words.trim());
        match one_line(&words) {
            line if line.contains(OTHER_HASH) => Self::OtherHash(words),
            line if line.contains(BACKEND_FAILED) => Self::Backend(words),
            _ => Self::Uv(words),
        }
    }
}

impl From<UvError> for BackendError {
    fn from(error: UvError) -> Self {
        match error {
            UvError::TimedOut(error) => Self::TimedOut(error),
            UvError::Failed { words, .. } => Self::Uv(words),
            other => Self::Uv(other.to_string()),
        }
    }
}

/// A place with the settings of a project, in which uv runs for third-party packages.
#[derive(Debug)]
pub struct SourceTools<'a> {
    /// uv.
    pub uv: &'a Uv,
    /// The interpreter for which a package is built.
    pub interpreter: &'a Path,
    /// An empty folder.
    pub folder: &'a Path,
    /// The text of a `uv.toml` with the indexes of the project.
    pub settings: String,
}

impl SourceTools<'_> {
    /// Fetches the source of a requirement, a line of a `requirements.txt`. Nothing of the source runs.
    pub fn fetch(&self, requirement: &str) -> Result<PathBuf, BackendError> {
        let cache = self.folder.join("cache");
        let list = self.folder.join("source.txt");
        let is_pinned = requirement.contains(" --hash=");
        let uv = self.uv.clone().with_cache(&UvCache::At(cache.clone()));
        let output = self.with_file(&list, requirement, || {
            self.run(&uv, "pip", |process| {
                process
                    .args(["--quiet", "install", "--dry-run", "--no-deps", "--only-binary", ":all:"])
                    .args(is_pinned.then_some("--require-hashes"))
                    .args([OsString::from("--python"), self.interpreter.into()])
                    .args([OsString::from("--target"), self.folder.join("nothing").into()])
                    .args([OsString::from("--requirements"), list.clone().into()]);
            })
        })?;
        if (output.status.success() || one_line(&output.stderr).contains(NEEDS_BUILD))
            && let Some(source) = source_in(&cache)?
        {
            return Ok(source);
        }
        Err(BackendError::of_fetch(&output.stderr))
    }

    /// Makes an environment for a build backend.
    pub fn environment(&self) -> Result<Environment, BackendError> {
        let folder = self.folder.join("environment");
        let output = self.run(self.uv, "venv", |process| {
            process
                .args(["--no-project", "--python"])
                .args([self.interpreter.as_os_str(), folder.as_os_str()]);
        })?;
        if !output.status.success() {
            return Err(BackendError::Uv(mask_credentials(output.stderr.trim())));
        }
        let programs = folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
        Ok(Environment {
            python: programs.join("python").with_extension(std::env::consts::EXE_EXTENSION),
            programs,
            folder,
        })
    }

    /// Installs requirements into an environment, from wheels only: a source would run with the variables of uv.
    pub fn install(
        &self,
        environment: &Environment,
        requirements: &[String],
        constraints: &[String],
    ) -> Result<(), BackendError> {
        if requirements.is_empty() {
            return Ok(());
        }
        let list = self.folder.join("requirements.txt");
        let limits = self.folder.join("constraints.txt");
        // uv warns of an empty list.
        let flag =
            (!constraints.is_empty()).then(|| [OsString::from("--constraints"), limits.clone().into()]);
        let output = self.with_file(&list, &lines(requirements), || {
            self.with_file(&limits, &lines(constraints), || {
                self.run(self.uv, "pip", |process| {
                    process
                        // Links would lead a script into the cache of uv.
                        .args(["--quiet", "install", "--only-binary", ":all:", "--link-mode", "copy"])
                        .args([OsString::from("--python"), environment.python.clone().into()])
                        .args([OsString::from("--requirements"), list.clone().into()])
                        .args(flag.iter().flatten());
                })
            })
        })?;
        if output.status.success() {
            return Ok(());
        }
        Err(BackendError::Uv(mask_credentials(output.stderr.trim())))
    }

    /// Runs uv in a folder in which it finds the settings of the project.
    fn run(
        &self,
        uv: &Uv,
        command: &'static str,
        prepare: impl FnOnce(&mut Process),
    ) -> Result<Output, BackendError> {
        let folder = self.folder.join("settings");
        fs_err::create_dir_all(&folder)?;
        fs_err::write(folder.join("uv.toml"), &self.settings)?;
        let output = uv.run(&folder, command, |process| prepare(process.abridge()));
        // The addresses of indexes may have credentials, and the folder is beside the source.
        fs_err::remove_dir_all(folder)?;
        Ok(output?)
    }

    /// Does `work` while there is a file, which may have credentials.
    fn with_file<Made>(
        &self,
        path: &Path,
        text: &str,
        work: impl FnOnce() -> Result<Made, BackendError>,
    ) -> Result<Made, BackendError> {
        fs_err::create_dir_all(self.folder)?;
        fs_err::write(path, text)?;
        let made = work();
        fs_err::remove_file(path)?;
        made
    }
}

fn lines(items: &[String]) -> String {
    items.iter().flat_map(|item| [item, "\n"]).collect()
}

/// The source that uv fetched into an empty cache: an archive that it unpacked, or a checkout of a git repository.
fn source_in(cache: &Path) -> io::Result<Option<PathBuf>> {
    let mut archives = Vec::new();
    for bucket in folders_in(cache)? {
        let name = bucket.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("git-") {
            for repository in folders_in(&bucket.join("checkouts"))? {
                if let Some(checkout) = folders_in(&repository)?.into_iter().next() {
                    return Ok(Some(checkout));
                }
            }
        }
        if name.starts_with("sdists-") {
            archives.push(bucket);
        }
    }
    for _ in 0..DEPTH_IN_CACHE {
        if let Some(source) = archives.iter().find(|folder| folder.ends_with("src")) {
            return Ok(Some(source.clone()));
        }
        let inside: io::Result<Vec<Vec<PathBuf>>> =
            archives.iter().map(|folder| folders_in(folder)).collect();
        archives = inside?.into_iter().flatten().collect();
    }
    Ok(None)
}

fn folders_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs_err::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

/// The environment of a build backend.
#[derive(Debug)]
pub struct Environment {
    python: PathBuf,
    /// The folder of its programs.
    programs: PathBuf,
    folder: PathBuf,
}

impl Environment {
    /// The packages in it, as `name==version`, sorted.
    pub fn packages(&self) -> io::Result<Vec<String>> {
        let mut libraries = folders_in(&self.folder.join("lib"))?;
        libraries.push(self.folder.join("Lib"));
        let mut packages = Vec::new();
        for library in libraries {
            for folder in folders_in(&library.join("site-packages"))? {
                let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if let Some((name, version)) =
                    name.strip_suffix(".dist-info").and_then(|name| name.split_once('-'))
                {
                    packages.push(format!("{}=={version}", normalize_name(name)));
                }
            }
        }
        packages.sort();
        Ok(packages)
    }
}

/// What a source says about its build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSystem {
    /// Its build requirements.
    pub requires: Vec<String>,
    /// Its backend.
    backend: String,
    /// The folders in the source that have the backend.
    path: Vec<String>,
}

impl BuildSystem {
    /// Reads the build system of the source in a folder; `None` if its `pyproject.toml` is not valid.
    pub fn read(source: &Path) -> io::Result<Option<Self>> {
        let text = match fs_err::read_to_string(source.join("pyproject.toml")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        Ok(Self::of(&text))
    }

    fn of(text: &str) -> Option<Self> {
        let manifest: Table = text.parse().ok()?;
        let texts = |value: Option<&toml::Value>| -> Option<Vec<String>> {
            let items = value?.as_array()?.iter();
            items.map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let (requirement, legacy) = LEGACY;
        let table = match manifest.get("build-system") {
            Some(system) => system.as_table()?.clone(),
            None => Table::new(),
        };
        let requires = match table.get("requires") {
            None => vec![requirement.to_owned()],
            requires => texts(requires)?,
        };
        let backend = table.get("build-backend").and_then(toml::Value::as_str).unwrap_or(legacy);
        let path = texts(table.get("backend-path")).unwrap_or_default();
        Some(Self { requires, backend: backend.to_owned(), path })
    }
}

/// A source, and the environment in which it is built.
#[derive(Debug)]
pub struct Build<'a> {
    /// The folder of the package.
    pub source: &'a Path,
    /// Its build system.
    pub system: &'a BuildSystem,
    /// The environment, with the build requirements.
    pub environment: &'a Environment,
    /// The settings for the backend: an object, or null.
    pub config: &'a Value,
    /// A folder for everything that the build needs beside the source.
    pub folder: &'a Path,
}

impl Build<'_> {
    /// The build requirements that the backend finds out itself.
    pub fn more_requirements(&self) -> Result<Vec<String>, BackendError> {
        let answer = self.call("get_requires_for_build_wheel", &json!([self.config]))?;
        let items = answer.as_array().into_iter().flatten();
        Ok(items.filter_map(|item| item.as_str().map(str::to_owned)).collect())
    }

    /// Builds the wheel, and returns its path.
    pub fn wheel(&self) -> Result<PathBuf, BackendError> {
        let wheels = self.folder.join("wheels");
        fs_err::create_dir_all(&wheels)?;
        let answer = self.call("build_wheel", &json!([wheels, self.config]))?;
        let wheel = answer.as_str().map(|name| wheels.join(name)).filter(|wheel| wheel.is_file());
        wheel.ok_or_else(|| {
            BackendError::Backend(format!("the backend `{}` made no wheel", self.system.backend))
        })
    }

    /// Calls a hook of the backend. Of the caller's variables it sees only those without which nothing starts; its home and its
    /// temporary folder are empty.
    fn call(&self, hook: &str, arguments: &Value) -> Result<Value, BackendError> {
        let (home, temporary) = (self.folder.join("home"), self.folder.join("temporary"));
        for folder in [&home, &temporary] {
            fs_err::create_dir_all(folder)?;
        }
        let (script, request, answer) = (
            self.folder.join("build_hook.py"),
            self.folder.join("request.json"),
            self.folder.join("answer.json"),
        );
        fs_err::write(&script, HOOK)?;
        let path: Vec<PathBuf> = self.system.path.iter().map(|folder| self.source.join(folder)).collect();
        let asked = json!({
            "backend": self.system.backend,
            "path": path,
            "hook": hook,
            "arguments": arguments,
            "answer": answer,
        });
        fs_err::write(&request, asked.to_string())?;

        let mut process = Process::new(&self.environment.python);
        process
            .abridge()
            .name(format!("{hook} of {}", self.system.backend))
            .args([script, request])
            .current_dir(self.source);
        for (names, folder) in [(HOMES, &home), (TEMPORARY, &temporary)] {
            for name in names {
                process.env(name, folder);
            }
        }
        let programs = std::env::var_os("PATH").unwrap_or_default();
        let programs =
            std::iter::once(self.environment.programs.clone()).chain(std::env::split_paths(&programs));
        process
            // Some backends call programs that their requirements bring.
            .env("PATH", std::env::join_paths(programs).map_err(io::Error::other)?)
            .env("VIRTUAL_ENV", &self.environment.folder)
            .env("USER", USER)
            .env("LOGNAME", USER)
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH)
            .env("PYTHONHASHSEED", "0")
            .env("PYTHONNOUSERSITE", "1")
            // Not beside the source, where a backend may find it. The next hook starts faster with it.
            .env("PYTHONPYCACHEPREFIX", self.folder.join("bytecode"))
            // On Windows, Python reads files in another encoding otherwise.
            .env("PYTHONUTF8", "1");
        let output = process.run().map_err(|source| match source.downcast() {
            Ok(error) => BackendError::TimedOut(error),
            Err(source) => BackendError::Io(source),
        })?;
        if !output.status.success() {
            let words = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), output.stderr);
            return Err(BackendError::Backend(mask_credentials(words.trim())));
        }
        let answer = fs_err::read_to_string(answer)?;
        serde_json::from_str(&answer).map_err(|error| BackendError::Io(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_names_no_backend_is_built_by_setuptools() {
        let (requirement, legacy) = LEGACY;
        let of = |text| BuildSystem::of(text).map(|system| (system.requires, system.backend, system.path));
        let expected = (vec![requirement.to_owned()], legacy.to_owned(), Vec::new());
        assert_eq!(of(""), Some(expected.clone()));
        assert_eq!(of("[project]\nname = 'a'"), Some(expected));
        let own = "[build-system]\nrequires = []\nbuild-backend = 'own'\nbackend-path = ['tools']";
        assert_eq!(of(own), Some((Vec::new(), "own".to_owned(), vec!["tools".to_owned()])));
        assert_eq!(of("[build-system]\nrequires = 'setuptools'"), None);
        assert_eq!(of("broken"), None);
    }

    #[test]
    fn the_source_is_found_in_the_cache_of_every_uv() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path();
        assert_eq!(source_in(cache).unwrap(), None);
        let archive = cache.join("sdists-v9/url/0123/revision/src");
        fs_err::create_dir_all(archive.join("src")).unwrap();
        assert_eq!(source_in(cache).unwrap(), Some(archive));
        let checkout = cache.join("git-v0/checkouts/0123/abcdef0");
        fs_err::create_dir_all(&checkout).unwrap();
        assert_eq!(source_in(cache).unwrap(), Some(checkout));
    }
}
