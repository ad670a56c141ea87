//! Interpreter: which CPython compiles. The bytecode of two patch versions differs, so its full
//! version is part of a bundle's identity.

use std::io;
use std::path::{Path, PathBuf};

use pep440_rs::Version;
use serde_json::{Value, json};

use crate::codes::ErrorCode;
use crate::request::{PythonRequest, Request};
use crate::store::{Key, Store};
use crate::support::file_stamp::{Stamp, program};
use crate::target::PythonVersion;
use crate::tools::process::{Process, TimedOut};
use crate::tools::uv::{self, Uv};

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
        "no CPython {wanted}{because} was found by uv, in pyenv, asdf or mise, nor could uv download it: run `uv python install {wanted}`, or name an interpreter in the option `python`"
    )]
    NotFound {
        /// The version looked for.
        wanted: String,
        /// Who asked for it, where it is not the runtime.
        because: &'static str,
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

impl Interpreter {
    /// Looks for an interpreter of the version `minor` in this order: the option `python`; what uv finds; the version
    /// managers that uv does not look into; what uv downloads. A full version in the option or in
    /// the project's `.python-version` (`pinned`) is the only one that will do. Where nothing changed that
    /// could lead to another one, the one found before is remembered in `store`.
    pub fn find(
        request: &Request,
        minor: PythonVersion,
        pinned: Option<&str>,
        uv: &Uv,
        store: &Store,
    ) -> Result<Self, InterpreterError> {
        let wanted = match &request.python {
            Some(PythonRequest::Path(path)) => return Self::named(path, minor, store),
            Some(PythonRequest::Version(version)) => {
                Wanted::Exactly { version: version.clone(), origin: "the option `python`" }
            }
            None => pinned.map_or(Wanted::Minor(minor), |version| Wanted::Exactly {
                version: version.to_owned(),
                origin: "`.python-version`",
            }),
        };
        if let Wanted::Exactly { version, origin } = &wanted
            && !Wanted::Minor(minor).accepts(version)
        {
            return Err(InterpreterError::Contradiction { origin, version: version.clone(), wanted: minor });
        }

        let search = Key::of("search for Python", &json!([wanted.text(), program("uv", &uv.path), places()]));
        if let Some(path) = store.fact(&search)
            && let Some(found) = Self::known(Path::new(&path), store)
        {
            return Ok(found);
        }
        let found = Self::search(&wanted, minor, uv)?;
        if found.remember(store) {
            store.remember(&search, &found.path.to_string_lossy());
        }
        Ok(found)
    }

    fn search(wanted: &Wanted, minor: PythonVersion, uv: &Uv) -> Result<Self, InterpreterError> {
        // A candidate that hangs is none.
        let accept = |path: PathBuf| {
            Self::inspect(&path).ok().flatten().filter(|found| wanted.accepts(&found.version))
        };
        let installed = uv
            .find_python(&wanted.text())?
            .and_then(accept)
            .or_else(|| newest(managed_interpreters(minor).into_iter().filter_map(accept)));
        let found = match installed {
            Some(found) => Some(found),
            None => uv.download_python(&wanted.text())?.and_then(accept),
        };
        found.ok_or_else(|| InterpreterError::NotFound {
            wanted: wanted.text(),
            because: match &wanted {
                Wanted::Exactly { origin: "`.python-version`", .. } => " (from `.python-version`)",
                _ => "",
            },
        })
    }

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
