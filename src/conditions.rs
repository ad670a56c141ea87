//! Conditions: what may be one way or another while a bundle is made, and may never show in its bytes.
//! Ordinary bundles are made under the default ones; [`verify`](crate::verify()) makes one under others.
//!
//! The hash seed of Python is none of them: it is fixed wherever Python runs for a bundle, so it is the same on
//! every machine.

use std::num::NonZeroUsize;
use std::path::PathBuf;

/// The conditions that a bundle is made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// The folder that the working folder is made in.
    pub work: PathBuf,
    /// How many threads and processes install, compile and compress; where `None`, those that all
    /// bundles of this process share, one per core.
    pub workers: Option<NonZeroUsize>,
    /// In which order sources are handed to the compiler.
    pub order: Order,
    /// Where uv keeps what it downloads and builds.
    pub cache: Cache,
    /// Whether what was made before is used, and what is made is kept.
    pub store: bool,
}

/// An order of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By path.
    Forward,
    /// By path, the last one first.
    Reversed,
}

/// A cache of uv.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cache {
    /// The user's own, as uv finds it.
    Own,
    /// The one in this folder.
    At(PathBuf),
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            work: std::env::temp_dir(),
            workers: None,
            order: Order::Forward,
            cache: Cache::Own,
            store: true,
        }
    }
}
