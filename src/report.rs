//! Report: the contents of a bundle.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codes::WarningCode;

/// A bundle that was written. The cache stores it with the zip, without the fields about this one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// The zip.
    #[serde(skip)]
    pub zip_path: PathBuf,
    /// SHA-256 of the zip, in hex.
    pub sha256: String,
    /// Size of the zip in bytes.
    pub zip_bytes: u64,
    /// Size of the unpacked files in bytes.
    pub unzipped_bytes: u64,
    /// Number of files in the zip.
    pub files: usize,
    /// The packages in it, by name.
    pub packages: Vec<PackageReport>,
    /// Full version of the CPython that compiled, such as `3.13.5`.
    pub python: String,
    /// Number of `.py` files that this version of Python cannot compile (templates, leftovers). They ship
    /// without bytecode.
    pub not_compiled: usize,
    /// Warnings about problems that may occur on the target.
    pub warnings: Vec<Warning>,
    /// Whether the zip was cached.
    #[serde(skip)]
    pub reused: bool,
    /// How long it took.
    #[serde(skip)]
    pub elapsed: Duration,
}

/// Something that may go wrong on the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The stable code.
    pub code: WarningCode,
    /// The message.
    pub message: String,
}

impl Warning {
    /// The cache cannot be used.
    pub fn cache_not_usable(problem: &str) -> Self {
        Self {
            code: WarningCode::CacheNotUsable,
            message: format!("the bundle is not cached, because the cache cannot be used: {problem}"),
        }
    }
}

/// A package in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageReport {
    /// The normalised name.
    pub name: String,
    /// The version.
    pub version: String,
    /// Size of its unpacked files, bytecode included, in bytes.
    pub bytes: u64,
}
