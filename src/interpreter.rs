//! Interpreter: which CPython compiles. The bytecode of two patch versions differs, so its full
//! version is part of a bundle's identity.

use std::path::PathBuf;

/// A CPython on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The executable.
    pub path: PathBuf,
    /// The full version, such as `3.13.5`.
    pub version: String,
}
