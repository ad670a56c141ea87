//! Bytecode: a `.pyc` for every source, for the target's Python, free of paths, times and chance.
//!
//! Lambda's `/var/task` is read-only: where a `.pyc` is missing or is not valid, every cold start compiles.
//! So each file here is one that the runtime takes as it is: it says that nobody shall compare it with
//! its source (an unchecked hash instead of a time), it names the source by its path in Lambda,
//! and its bytes depend on the source, that path and the interpreter's version, on nothing else.
//!
//! `CPython` compiles, in several processes that live as long as there is work. What it gives is brought
//! into the canonical form of [`marshal`] on the threads that talk to these processes. The caller's
//! `PYTHON*` variables do not reach them ([`Process`](crate::tools::process::Process) lets none through), and the
//! hash seed is fixed: no released version was seen to need that, but pre-releases of 3.13 put the
//! names of `__static_attributes__` in the order of a set, and that is beyond any canonical form, because the
//! order of a tuple means something.
//!
//! Not covered: `compile()` folds `float ** float` with the machine's mathematical library, and from 3.14
//! how deep a source may nest depends on the size of the stack.

pub mod marshal;
mod worker;

use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use crate::target::PythonVersion;
use crate::tools::interpreter::Interpreter;
use crate::tools::process::TimedOut;
use marshal::MarshalError;
use worker::{Answers, Failure, Work};

/// One source file to compile.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// Where it is on this machine.
    pub path: &'a Path,
    /// Where it will be, such as `/var/task/pkg/mod.py`: what tracebacks and `co_filename` show.
    pub runtime_path: String,
}

/// What compiling one source gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiled {
    /// A whole `.pyc` file, in its canonical form.
    Bytecode(Vec<u8>),
    /// It does not compile (a template, or written for another Python), so it ships as source alone.
    /// Importing it fails in Lambda just as it would without us.
    NotPython {
        /// What Python said about it.
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
        /// Why.
        source: io::Error,
    },
    /// The interpreter started, but not our program in it.
    #[error("failed to run a program with Python at `{interpreter}`{complaint}")]
    Unusable {
        /// The executable.
        interpreter: PathBuf,
        /// What it said on standard error, after a colon; empty if it said nothing.
        complaint: String,
    },
    /// The interpreter is not what it was taken for.
    #[error("expected `{expected}` at `{interpreter}`, found `{found}`")]
    OtherPython {
        /// The executable.
        interpreter: PathBuf,
        /// What it should be, such as `cpython 3.13.5`.
        expected: String,
        /// What it says it is.
        found: String,
    },
    /// A source could not be read.
    #[error("failed to read source `{path}`: {source}")]
    Read {
        /// The source.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Python ended or said something strange instead of compiling.
    #[error("Python at `{interpreter}` stopped while it compiled `{path}`{complaint}")]
    Died {
        /// The executable.
        interpreter: PathBuf,
        /// The source it was at.
        path: PathBuf,
        /// What it said on standard error, after a colon; empty if it said nothing.
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
        /// Why.
        source: MarshalError,
    },
}

impl BytecodeError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => TimedOut::CODE,
            Self::UnsupportedPython { .. }
            | Self::Start { .. }
            | Self::Unusable { .. }
            | Self::OtherPython { .. }
            | Self::Read { .. }
            | Self::Died { .. }
            | Self::Marshal { .. } => "BYTECODE_FAILED",
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

/// Compiles `sources` with `workers` processes. What comes out is in the order of `sources`, and
/// depends neither on that order nor on `workers`.
pub fn compile(
    interpreter: &Interpreter,
    sources: &[Source<'_>],
    workers: usize,
) -> Result<Vec<Compiled>, BytecodeError> {
    let work = Work::new(interpreter, supported_version(&interpreter.version)?, sources);
    // A worker without a source would start Python for nothing.
    let workers = workers.max(1).min(sources.len());
    let outcomes: Vec<Result<Answers, Failure>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(|| work.run_worker())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });

    let mut compiled = Vec::with_capacity(sources.len());
    let mut failures = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(answers) => compiled.extend(answers),
            Err(failure) => failures.push(failure),
        }
    }
    // Several workers may fail before they hear of each other: tell of the first source.
    if let Some(failure) = failures.into_iter().min_by_key(|failure| failure.index) {
        return Err(failure.error);
    }
    compiled.sort_unstable_by_key(|(index, _)| *index);
    Ok(compiled.into_iter().map(|(_, compiled)| compiled).collect())
}

/// The version as major and minor, if its bytecode is known.
fn supported_version(version: &str) -> Result<PythonVersion, BytecodeError> {
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major @ 3)), Some(Ok(minor @ 9..=15))) => Ok(PythonVersion { major, minor }),
        _ => Err(BytecodeError::UnsupportedPython { version: version.to_owned() }),
    }
}

#[cfg(test)]
mod tests;
