//! Report: what the bundle holds.

use std::path::PathBuf;
use std::time::Duration;

/// A bundle that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The zip.
    pub path: PathBuf,
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
    /// Number of `.py` files that are no Python of this version (templates, leftovers) and ship
    /// without bytecode.
    pub not_compiled: usize,
    /// What may go wrong on the target.
    pub warnings: Vec<Warning>,
    /// Whether nothing had to be made.
    pub reused: bool,
    /// How long it took.
    pub elapsed: Duration,
}

/// Something that may go wrong on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The stable code.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
}

/// A package in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageReport {
    /// The normalised name.
    pub name: String,
    /// The version.
    pub version: String,
    /// Size of its unpacked files, bytecode included, in bytes.
    pub bytes: u64,
}
