//! Error: everything that can go wrong, as one type. Each stage has an enum of its own, which knows the stable code of each of its
//! errors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::archive::{ArchiveError, DamagedPiece};
use crate::check::{CheckError, HandlerError, SizeError};
use crate::codes::ErrorCode;
use crate::install::InstallError;
use crate::pack::PackError;
use crate::pack::find_or_make::PacksError;
use crate::plan::PlanError;
use crate::request::RequestError;
use crate::secrets::mask_credentials;
use crate::select::SelectError;
use crate::tools::interpreter::InterpreterError;
use crate::tools::run_hooks::HookError;
use crate::tools::uv::UvError;
use crate::workshop::WorkshopError;
use crate::workspace::WorkspaceError;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum Error {
    /// The request is not valid.
    Request(#[from] RequestError),
    /// The workspace cannot be read.
    Workspace(#[from] WorkspaceError),
    /// The request does not fit the workspace.
    Plan(#[from] PlanError),
    /// uv was not found, or failed.
    Uv(#[from] UvError),
    /// No interpreter can compile the bytecode.
    Interpreter(#[from] InterpreterError),
    /// A command of the caller failed.
    Hook(#[from] HookError),
    /// Packages were not installed.
    Install(#[from] InstallError),
    /// The files could not be selected.
    Select(#[from] SelectError),
    /// Something in the bundle does not fit the target.
    Check(#[from] CheckError),
    /// The handler is not in the bundle.
    Handler(#[from] HandlerError),
    /// A package could not be prepared for the zip.
    Pack(#[from] PackError),
    /// The bundle is too large.
    Size(#[from] SizeError),
    /// A zip was not written, or could not be read.
    Archive(#[from] ArchiveError),
    /// The second build of a verification failed, and the first did not.
    #[error(
        "{0}\nThis was the second build, which begins with an empty uv cache; the first one succeeded. Where packages cannot be fetched again, verify with `coldCache: false` (`--warm-only`)"
    )]
    ColdCache(#[source] Box<Error>),
    /// The cache cannot be read or changed.
    #[error("failed to use the cache `{}`: {source}", .folder.display())]
    Cache {
        /// The folder.
        folder: std::path::PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The cache failed in the middle of a bundle.
    #[error("failed to use the cache: {0}")]
    CacheBroke(#[source] std::io::Error),
    /// This system has no folder for caches.
    #[error(
        "this system has no folder for caches: name one in `UV_LAMBDA_CDK_CACHE_DIR` or the option `cacheDir`"
    )]
    NoCacheFolder,
    /// Two requests would write one zip.
    #[error("two requests write `{}`: give each request an output folder of its own", .zip.display())]
    SameOutput {
        /// The zip.
        zip: std::path::PathBuf,
    },
    /// The working folder could not be made.
    #[error("failed to make a working folder: {0}")]
    WorkFolder(std::io::Error),
    /// The threads could not be started.
    #[error("failed to start threads: {0}")]
    Threads(rayon::ThreadPoolBuildError),
    /// A bug of ours.
    #[error("a bug in uv-lambda-cdk: {0}; please report it")]
    Bug(String),
}

impl From<WorkshopError> for Error {
    fn from(error: WorkshopError) -> Self {
        match error {
            WorkshopError::Uv(error) => Self::Uv(error),
            WorkshopError::Interpreter(error) => Self::Interpreter(error),
            WorkshopError::WorkFolder(error) => Self::WorkFolder(error),
        }
    }
}

impl From<PacksError> for Error {
    fn from(error: PacksError) -> Self {
        match error {
            PacksError::Workshop(error) => error.into(),
            PacksError::Hook(error) => Self::Hook(error),
            PacksError::Install(error) => Self::Install(error),
            PacksError::Select(error) => Self::Select(error),
            PacksError::Pack(error) => Self::Pack(error),
        }
    }
}

impl Error {
    /// The stable code, which a program may test for.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Request(error) => error.code(),
            Self::Workspace(error) => error.code(),
            Self::Plan(error) => error.code(),
            Self::Uv(error) => error.code(),
            Self::Interpreter(error) => error.code(),
            Self::Hook(error) => error.code(),
            Self::Install(error) => error.code(),
            Self::Select(error) => error.code(),
            Self::Check(error) => error.code(),
            Self::Handler(error) => error.code(),
            Self::Pack(error) => error.code(),
            Self::Size(error) => error.code(),
            Self::Archive(error) => error.code(),
            Self::ColdCache(error) => error.code(),
            Self::Cache { .. } | Self::NoCacheFolder => ErrorCode::CacheNotUsable,
            Self::SameOutput { .. } => ErrorCode::InvalidOptions,
            Self::WorkFolder(_) | Self::Threads(_) | Self::CacheBroke(_) => ErrorCode::Io,
            Self::Bug(_) => ErrorCode::Bug,
        }
    }

    /// The message, without credentials. Print no other text of an error: causes quote lockfiles, manifests
    /// and programs, and any of those may have credentials.
    pub fn message(&self) -> String {
        mask_credentials(&self.to_string())
    }

    /// Whether a cached file was damaged when it was read.
    pub fn is_damage(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            if inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<DamagedPiece>) {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// Whether the cause may be a cache that cannot be read or written, so that the bundle can be made without it.
    pub fn may_be_the_cache(&self, output: Option<&Path>) -> bool {
        match self {
            Self::CacheBroke(_) | Self::Pack(PackError::Io(_)) | Self::Archive(ArchiveError::Read(_)) => true,
            Self::Archive(ArchiveError::NotWritable { path, .. }) => {
                !output.is_some_and(|output| path.starts_with(output))
            }
            _ => false,
        }
    }

    /// Whether a container could do what this machine cannot.
    pub fn container_can_help(&self) -> bool {
        // The first of two builds succeeded without a container.
        !matches!(self, Self::ColdCache(_)) && self.code().container_can_help()
    }
}

/// Does `work`. A panic in it becomes an error: it must not take Node down.
pub(crate) fn caught<Made>(work: impl FnOnce() -> Result<Made, Error>) -> Result<Made, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<&str>()
            .map(|said| (*said).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        Err(Error::Bug(said.unwrap_or_else(|| "it panicked".to_owned())))
    })
}
