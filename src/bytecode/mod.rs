//! Bytecode: a `.pyc` for every source, for the target's Python, free of paths, times and chance.
//!
//! Lambda's `/var/task` is read-only: if a `.pyc` is missing or not valid, every cold start compiles. So the
//! runtime can use each file as it is: an unchecked hash instead of a time tells Python not to compare it
//! with its source, and it names the source by its path in Lambda. Its bytes depend only on the source, that
//! path and the interpreter's version.
//!
//! `CPython` compiles, in a process for each thread that has sources ([`Compiler`]). The thread brings the bytecode into the canonical
//! form of [`marshal`].
//! [`Process`](crate::tools::process::Process) removes the caller's `PYTHON*` variables, and the hash seed is
//! fixed. No released version is known to need the seed, but pre-releases of 3.13 wrote the names of
//! `__static_attributes__` in the order of a set. A canonical form cannot undo that, because the order of a
//! tuple has a meaning.
//!
//! Not covered: `compile()` folds `float ** float` with the machine's mathematical library, and from 3.14
//! how deep a source may nest depends on the size of the stack.

mod compiler;
pub mod marshal;

use std::io;
use std::path::{Path, PathBuf};

pub use compiler::Compiler;

use crate::codes::ErrorCode;
use crate::target::PythonVersion;
use crate::tools::process::TimedOut;
use marshal::MarshalError;

/// One source file to compile.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// Its path on this machine, for messages.
    pub path: &'a Path,
    /// Its path in Lambda, such as `/var/task/pkg/mod.py`, which tracebacks and `co_filename` show.
    pub runtime_path: String,
    /// Its contents.
    pub content: &'a [u8],
}

/// The result of compiling one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiled {
    /// A whole `.pyc` file, in its canonical form.
    Bytecode(Vec<u8>),
    /// It does not compile (a template, or written for another Python), so it ships as source alone.
    /// Importing it fails in Lambda just as it would without us.
    NotPython {
        /// Python's message.
        reason: String,
    },
}

/// No bytecode could be made.
#[derive(Debug, thiserror::Error)]
pub enum BytecodeError {
    /// The interpreter is of a version that is not supported.
    #[error("cannot make bytecode with Python `{version}`: only 3.9 to 3.15 are supported")]
    UnsupportedPython {
        /// The interpreter's version.
        version: String,
    },
    /// The interpreter did not start.
    #[error("failed to start Python at `{interpreter}`: {source}")]
    Start {
        /// The executable.
        interpreter: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The interpreter started, but not our program in it.
    #[error("failed to run a program with Python at `{interpreter}`{complaint}")]
    Unusable {
        /// The executable.
        interpreter: PathBuf,
        /// Its standard error, after a colon; empty if there was none.
        complaint: String,
    },
    /// The interpreter is another one than expected.
    #[error("expected `{expected}` at `{interpreter}`, found `{found}`")]
    OtherPython {
        /// The executable.
        interpreter: PathBuf,
        /// The expected identity, such as `cpython 3.13.5`.
        expected: String,
        /// The identity that it reports.
        found: String,
    },
    /// Python ended, or gave an answer that the protocol does not allow.
    #[error("Python at `{interpreter}` stopped while it compiled `{path}`{complaint}")]
    Died {
        /// The executable.
        interpreter: PathBuf,
        /// The source it was at.
        path: PathBuf,
        /// Its standard error, after a colon; empty if there was none.
        complaint: String,
    },
    /// Python did not end in time.
    #[error("failed to compile: {0}")]
    TimedOut(#[from] TimedOut),
    /// Python's bytecode could not be read.
    #[error("failed to read the bytecode that Python made of `{path}`: {source}")]
    Marshal {
        /// The source.
        path: PathBuf,
        /// The cause.
        source: MarshalError,
    },
}

impl BytecodeError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TimedOut(_) => ErrorCode::TimedOut,
            Self::UnsupportedPython { .. }
            | Self::Start { .. }
            | Self::Unusable { .. }
            | Self::OtherPython { .. }
            | Self::Died { .. }
            | Self::Marshal { .. } => ErrorCode::BytecodeFailed,
        }
    }
}

/// Where Python looks for the bytecode of a source: `pkg/__pycache__/mod.cpython-313.pyc` for `pkg/mod.py`.
pub fn pyc_path(source_path_in_bundle: &str, python: PythonVersion) -> String {
    let (folder, name) = match source_path_in_bundle.rsplit_once('/') {
        Some((folder, name)) => (format!("{folder}/"), name),
        None => (String::new(), source_path_in_bundle),
    };
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    format!("{folder}__pycache__/{stem}.cpython-{}{}.pyc", python.major, python.minor)
}

/// The version as major and minor, if its bytecode is known.
fn supported_version(version: &str) -> Result<PythonVersion, BytecodeError> {
    match PythonVersion::of_full(version) {
        Some(python @ PythonVersion { major: 3, minor: 9..=15 }) => Ok(python),
        _ => Err(BytecodeError::UnsupportedPython { version: version.to_owned() }),
    }
}

#[cfg(test)]
mod tests;
