//! Interpreter: which CPython compiles. The bytecode of two patch versions differs, so its full
//! version is part of a bundle's identity.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};

use pep440_rs::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::codes::{ErrorCode, WarningCode};
use crate::report::Warning;
use crate::request::{PythonRequest, is_full_version};
use crate::store::{Key, Store};
use crate::support::file_stamp::{Stamp, program};
use crate::target::{PythonVersion, pinned_python};
use crate::tools::process::{Process, TimedOut};
use crate::tools::python_download::{Download, NotDownloaded};
use crate::tools::uv::{self, Uv};

/// The variable that tells the pipeline that it runs in a container of ours ([`container`](crate::container)).
pub const IN_CONTAINER: &str = "UV_LAMBDA_CDK_IN_CONTAINER";

/// A CPython on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The executable.
    pub path: PathBuf,
    /// The full version, such as `3.13.5`.
    pub version: String,
}

/// Why no interpreter compiles.
#[derive(Debug, thiserror::Error)]
pub enum InterpreterError {
    /// No CPython of the version on this machine.
    #[error(
        "no CPython {wanted}{because} was found by uv, in pyenv, asdf or mise, nor could uv download it ({missing}): run `uv python install {wanted}`, or name an interpreter in the option `python`"
    )]
    NotFound {
        /// The version looked for.
        wanted: String,
        /// Who asked for it, where it is not the runtime.
        because: &'static str,
        /// Why uv did not download it.
        missing: String,
    },
    /// The interpreter that the caller named is not what the runtime needs.
    #[error("`{}` (option `python`) is {found}, and the runtime needs CPython {wanted}", .path.display())]
    Unfit {
        /// The executable.
        path: PathBuf,
        /// What it is.
        found: String,
        /// The runtime's Python.
        wanted: PythonVersion,
    },
    /// The interpreter that the caller named does not run.
    #[error("`{}` (option `python`) cannot be run: {source}", .path.display())]
    NotRunnable {
        /// The executable.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The interpreter that the caller named, or uv in search of one, did not end in time.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    /// A full version was asked for that is no patch of the runtime's Python.
    #[error("{origin} asks for Python `{version}`, and the runtime is Python {wanted}: make the two agree")]
    Contradiction {
        /// Who asked.
        origin: &'static str,
        /// The version asked for.
        version: String,
        /// The runtime's Python.
        wanted: PythonVersion,
    },
}

impl InterpreterError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound { .. } => ErrorCode::PythonNotFound,
            Self::Unfit { .. } | Self::NotRunnable { .. } | Self::Contradiction { .. } => {
                ErrorCode::InvalidOptions
            }
            Self::TimedOut(_) => ErrorCode::TimedOut,
        }
    }
}

/// What to look for: any patch of a minor version, or exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Minor(PythonVersion),
    Exactly { version: String, origin: &'static str },
}

impl Wanted {
    fn accepts(&self, version: &str) -> bool {
        match self {
            Self::Minor(minor) => version.starts_with(&format!("{minor}.")),
            Self::Exactly { version: exactly, .. } => version == exactly,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Minor(minor) => minor.to_string(),
            Self::Exactly { version, .. } => version.clone(),
        }
    }
}

/// The Python that compiles, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The Python.
    pub interpreter: Interpreter,
    /// Why it is this one.
    pub origin: Origin,
}

/// Why a Python compiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The option `python` names it.
    Option,
    /// `.python-version` names its full version.
    VersionFile,
    /// This release names its version for the runtime.
    Release,
    /// It was found on this machine, so that another machine may have another one.
    Found {
        /// The version that this release names.
        pinned: String,
        /// Why it was not that version.
        missing: NotDownloaded,
    },
}

/// The Python that would compile.
#[derive(Debug)]
pub enum Outlook {
    /// This one.
    Chosen(Choice),
    /// The version that uv would download first.
    Download(String),
}

/// The question which Python compiles.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The option `python`.
    pub asked: Option<&'a PythonRequest>,
    /// The full version in the project's `.python-version`.
    pub version_file: Option<&'a str>,
    /// The Python of the runtime.
    pub runtime: PythonVersion,
    /// The root of the workspace, whose settings of uv count; `None` if there is no workspace.
    pub project: Option<&'a Path>,
    /// The uv that finds and downloads.
    pub uv: &'a Uv,
}

impl Question<'_> {
    /// Chooses in this order: the option `python`; a full version in the project's `.python-version`; the version that this release
    /// names for the runtime, installed or downloaded by uv; what is found on this machine. The first two are the only ones that
    /// will do. Where nothing changed that could lead to another choice, the one made before is remembered in `store`.
    ///
    /// Do not call this on a thread of a pool: it waits for locks.
    pub fn answer(&self, store: &Store) -> Result<Choice, InterpreterError> {
        self.answer_with(store, &|download| {
            download.run(store, |path| Interpreter::accept(&path, |version| fits(download.version, version)))
        })
    }

    /// Chooses as [`Question::answer`] does, and downloads nothing.
    pub fn foresee(&self, store: &Store) -> Result<Outlook, InterpreterError> {
        let would = RefCell::new(None);
        // Nothing of this is remembered: it may be wrong as soon as something was downloaded.
        let choice = self.answer_with(&Store::none(), &|download| {
            Err(download.would_run(store).err().unwrap_or_else(|| {
                would.borrow_mut().get_or_insert_with(|| download.version.to_owned());
                NotDownloaded::now("it is not downloaded yet".to_owned())
            }))
        });
        match would.into_inner() {
            Some(version) => Ok(Outlook::Download(version)),
            None => choice.map(Outlook::Chosen),
        }
    }

    fn answer_with(&self, store: &Store, get: Get<'_>) -> Result<Choice, InterpreterError> {
        let (version, named_by, origin) = match (self.asked, self.version_file) {
            (Some(PythonRequest::Path(path)), _) => {
                let interpreter = Interpreter::named(path, self.runtime, store)?;
                return Ok(Choice { interpreter, origin: Origin::Option });
            }
            (Some(PythonRequest::Version(version)), _) => {
                (version.as_str(), "the option `python`", Origin::Option)
            }
            (None, Some(version)) => (version, "`.python-version`", Origin::VersionFile),
            (None, None) => return self.pinned_or_found(store, get),
        };
        let runtime = self.runtime;
        if !Wanted::Minor(runtime).accepts(version) {
            return Err(InterpreterError::Contradiction {
                origin: named_by,
                version: version.to_owned(),
                wanted: runtime,
            });
        }
        let wanted = Wanted::Exactly { version: version.to_owned(), origin: named_by };
        Ok(Choice { interpreter: self.find(&wanted, store, get)?, origin })
    }

    /// The Python that this release names for the runtime, or else what is found on this machine.
    fn pinned_or_found(&self, store: &Store, get: Get<'_>) -> Result<Choice, InterpreterError> {
        let runtime = self.runtime;
        let pinned = pinned_python(runtime).unwrap_or_else(|| runtime.to_string());
        let download = Download { version: &pinned, uv: self.uv, project: self.project };
        let key = || Key::of("choice of Python", &json!([download.choice(), is_in_container(), places()]));
        if let Some(choice) = remembered(&key(), store) {
            return Ok(choice);
        }
        let wanted = Wanted::Exactly { version: pinned.clone(), origin: "this release" };
        let installed = self.installed(&wanted)?;
        let outcome = match installed {
            Some(installed) => Ok(installed),
            // The container has the Python of the runtime, and its libraries for what is compiled there. It is new each time, so it
            // would download each time.
            None if is_in_container() => {
                Err(NotDownloaded::now("a container has a Python of its own".to_owned()))
            }
            None => get(download),
        };
        let choice = match outcome {
            Ok(interpreter) => Choice { interpreter, origin: Origin::Release },
            Err(missing) => {
                let interpreter = self.find(&Wanted::Minor(runtime), store, get)?;
                Choice { interpreter, origin: Origin::Found { pinned: pinned.clone(), missing } }
            }
        };
        // A download changes the places, so the key is made again.
        if choice.interpreter.remember(store)
            && let Ok(text) = serde_json::to_string(&(&choice.interpreter.path, &choice.origin))
        {
            store.remember(&key(), &text);
        }
        Ok(choice)
    }

    /// What is found on this machine, or else downloaded.
    fn find(&self, wanted: &Wanted, store: &Store, get: Get<'_>) -> Result<Interpreter, InterpreterError> {
        let key = || {
            let program = program("uv", &self.uv.path);
            Key::of("search for Python", &json!([wanted.text(), program, places()]))
        };
        if let Some(path) = store.fact(&key())
            && let Some(found) = Interpreter::known(Path::new(&path), store)
        {
            return Ok(found);
        }
        let version = wanted.text();
        let found = match self.installed(wanted)? {
            Some(found) => found,
            None => get(Download { version: &version, uv: self.uv, project: self.project }).map_err(
                |missing| InterpreterError::NotFound {
                    wanted: wanted.text(),
                    because: match wanted {
                        Wanted::Exactly { origin: "`.python-version`", .. } => " (from `.python-version`)",
                        _ => "",
                    },
                    missing: missing.reason,
                },
            )?,
        };
        if found.remember(store) {
            store.remember(&key(), &found.path.to_string_lossy());
        }
        Ok(found)
    }

    /// What uv finds, or else the newest of the version managers that uv does not look into.
    fn installed(&self, wanted: &Wanted) -> Result<Option<Interpreter>, InterpreterError> {
        let accept = |path: PathBuf| Interpreter::accept(&path, |version| wanted.accepts(version));
        let found = self.uv.find_python(&wanted.text())?.and_then(accept);
        Ok(found.or_else(|| newest(managed_interpreters(self.runtime).into_iter().filter_map(accept))))
    }
}

/// Gets a Python that is not installed.
type Get<'a> = &'a dyn Fn(Download<'_>) -> Result<Interpreter, NotDownloaded>;

/// Whether a Python of this version was wanted: that version, or a patch of that minor version.
fn fits(wanted: &str, version: &str) -> bool {
    version == wanted || (!is_full_version(wanted) && version.starts_with(&format!("{wanted}.")))
}

/// The choice under this key, if its executable is still the same and its reason still counts.
fn remembered(key: &Key, store: &Store) -> Option<Choice> {
    let (path, origin): (PathBuf, Origin) = serde_json::from_str(&store.fact(key)?).ok()?;
    if let Origin::Found { missing, .. } = &origin
        && !missing.counts()
    {
        return None;
    }
    Some(Choice { interpreter: Interpreter::known(&path, store)?, origin })
}

fn is_in_container() -> bool {
    std::env::var_os(IN_CONTAINER).is_some()
}

impl Choice {
    /// A warning, if another machine may choose another Python.
    pub fn warning(&self, runtime: PythonVersion) -> Option<Warning> {
        let Origin::Found { pinned, missing } = &self.origin else { return None };
        // The Python of the image compiles, and everybody has the same image.
        if is_in_container() {
            return None;
        }
        let (found, runtime) = (&self.interpreter.version, runtime.runtime_name());
        Some(Warning {
            code: WarningCode::PythonNotPinned,
            message: format!(
                "CPython {found} of this machine compiles, and not {pinned}, which is the default for `{runtime}` on every machine: {}. \
                 Another machine may have another version, and then the zip has other bytes. `uv python install {pinned}` installs \
                 the default; or write a version that every machine has into `.python-version`, such as \
                 `echo {found} > .python-version`, which silences this warning",
                missing.reason
            ),
        })
    }
}

impl Interpreter {
    /// What the executable at `path` said before, if it is still the same.
    fn known(path: &Path, store: &Store) -> Option<Self> {
        let key = Key::of("Python", &program("python", path)?);
        Some(Self { path: path.to_path_buf(), version: store.fact(&key)? })
    }

    /// Remembers what this executable said. Returns whether it can be told from others.
    fn remember(&self, store: &Store) -> bool {
        let Some(program) = program("python", &self.path) else { return false };
        store.remember(&Key::of("Python", &program), &self.version);
        true
    }

    fn named(path: &Path, wanted: PythonVersion, store: &Store) -> Result<Self, InterpreterError> {
        let unfit = |found: String| InterpreterError::Unfit { path: path.to_path_buf(), found, wanted };
        if let Some(known) =
            Self::known(path, store).filter(|known| Wanted::Minor(wanted).accepts(&known.version))
        {
            return Ok(known);
        }
        match Self::inspect(path) {
            Ok(Some(found)) if Wanted::Minor(wanted).accepts(&found.version) => {
                found.remember(store);
                Ok(found)
            }
            Ok(Some(found)) => Err(unfit(format!("CPython {}", found.version))),
            Ok(None) => Err(unfit("no CPython".to_owned())),
            Err(source) => Err(match source.downcast::<TimedOut>() {
                Ok(error) => error.into(),
                Err(source) => InterpreterError::NotRunnable { path: path.to_path_buf(), source },
            }),
        }
    }

    /// The executable, if it is a CPython of a version that `accepts` takes. One that hangs is none.
    fn accept(path: &Path, accepts: impl Fn(&str) -> bool) -> Option<Self> {
        Self::inspect(path).ok().flatten().filter(|found| accepts(&found.version))
    }

    /// Asks an executable what it is; `None` for anything but a CPython.
    fn inspect(path: &Path) -> io::Result<Option<Self>> {
        const QUESTION: &str =
            "import sys, platform; print(sys.implementation.name, platform.python_version())";
        let output = Process::new(path).args(["-I", "-S", "-c", QUESTION]).question().run()?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let version = answer.trim().strip_prefix("cpython ").filter(|_| output.status.success());
        Ok(version.map(|version| Self { path: path.to_path_buf(), version: version.to_owned() }))
    }
}

/// The folders in which the version managers that people have, and that uv does not look into, keep their
/// interpreters.
fn managed_folders() -> Vec<PathBuf> {
    let folder = |variable: &str, below_home: &str| {
        std::env::var_os(variable)
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(below_home)))
    };
    let managers = [
        folder("PYENV_ROOT", ".pyenv").map(|root| root.join("versions")),
        folder("PYENV", ".pyenv/pyenv-win").map(|root| root.join("versions")),
        folder("ASDF_DATA_DIR", ".asdf").map(|root| root.join("installs/python")),
        folder("MISE_DATA_DIR", ".local/share/mise").map(|root| root.join("installs/python")),
    ];
    managers.into_iter().flatten().collect()
}

fn managed_interpreters(wanted: PythonVersion) -> Vec<PathBuf> {
    let executable = if cfg!(windows) { "python.exe".to_owned() } else { format!("bin/python{wanted}") };
    managed_folders()
        .into_iter()
        .filter_map(|versions| fs_err::read_dir(versions).ok())
        .flat_map(|versions| versions.filter_map(Result::ok))
        // The folder's name is the version; a look at it saves running every other interpreter.
        .filter(|version| version.file_name().to_string_lossy().starts_with(&wanted.to_string()))
        .map(|version| version.path().join(&executable))
        .filter(|path| path.is_file())
        .collect()
}

/// Everything that decides which interpreter is found: the places where one may be installed, with the time at which
/// something was last added there or taken away, and the settings that choose among them.
fn places() -> Value {
    const SETTINGS: [&str; 6] = [
        "PYENV_VERSION",
        "UV_MANAGED_PYTHON",
        "UV_NO_MANAGED_PYTHON",
        "UV_PYTHON_DOWNLOADS",
        "UV_PYTHON_INSTALL_DIR",
        "UV_PYTHON_PREFERENCE",
    ];
    let settings: Vec<Option<String>> = SETTINGS.iter().map(|name| std::env::var(name).ok()).collect();
    let of_uv = std::env::var_os("UV_PYTHON_INSTALL_DIR")
        .map(PathBuf::from)
        .or_else(|| dirs::data_dir().map(|data| data.join("uv/python")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let managed = managed_folders();
    // Which of its interpreters pyenv puts on PATH.
    let chosen = managed.iter().filter_map(|versions| Some(versions.parent()?.join("version")));
    let places: Vec<Value> = std::env::split_paths(&path)
        .chain(of_uv)
        .chain(chosen)
        .chain(managed.clone())
        .map(|place| json!([place.to_string_lossy(), Stamp::of(&place).ok()]))
        .collect();
    json!([settings, places, uv::settings()])
}

fn newest(found: impl Iterator<Item = Interpreter>) -> Option<Interpreter> {
    found.max_by_key(|interpreter| (interpreter.version.parse::<Version>().ok(), interpreter.path.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_version_accepts_its_patches_only() {
        let wanted = Wanted::Minor(PythonVersion { major: 3, minor: 1 });
        assert!(wanted.accepts("3.1.4") && !wanted.accepts("3.13.0"));
    }
}
