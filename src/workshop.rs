//! Workshop: what a bundle is made with: uv, the Python that compiles, the store, the conditions, a working folder.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::plan::cache_keys::ToolVersions;
use crate::plan::subject::Subject;
use crate::report::Warning;
use crate::request::Request;
use crate::store::{Key, Store};
use crate::support::working_folder::WorkFolder;
use crate::tools::interpreter::{Interpreter, InterpreterError};
use crate::tools::uv::{self, Uv, UvCache, UvError};

/// What a bundle is made with.
#[derive(Debug)]
pub struct Workshop {
    /// The uv that installs and builds.
    pub uv: Uv,
    /// The Python that compiles.
    pub interpreter: Interpreter,
    /// The cache of earlier results.
    pub store: Store,
    /// The conditions that must not show in the bytes.
    pub conditions: Conditions,
    /// A warning, if the request wants a cache and there is none.
    no_cache: Option<Warning>,
    /// Made when it is first needed.
    folder: OnceLock<WorkFolder>,
}

/// The conditions under which a bundle is made, none of which may show in its bytes. Ordinary bundles are made under the default ones;
/// [`verify`](crate::verify()) makes one under others.
///
/// The hash seed of Python is not among them: it is fixed wherever Python runs for a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// The folder in which the working folder is made.
    pub work: PathBuf,
    /// The number of threads that install, compile and compress; `None` for the pool that all bundles of this process share, which
    /// has one per core.
    pub workers: Option<NonZeroUsize>,
    /// The order in which sources are compiled.
    pub order: CompileOrder,
    /// The cache of uv.
    pub uv_cache: UvCache,
    /// Whether earlier results are used, and new ones kept.
    pub store: StoreUse,
}

/// The order in which sources are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompileOrder {
    /// By path.
    Forward,
    /// By path, the last one first.
    Reversed,
}

/// Whether the store is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreUse {
    /// As the request says.
    AsRequested,
    /// Not at all.
    Never,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            work: std::env::temp_dir(),
            workers: None,
            order: CompileOrder::Forward,
            uv_cache: UvCache::OfUser,
            store: StoreUse::AsRequested,
        }
    }
}

/// Why a bundle cannot be begun.
#[derive(Debug, thiserror::Error)]
pub enum WorkshopError {
    /// uv cannot be had.
    #[error(transparent)]
    Uv(#[from] UvError),
    /// No interpreter compiles.
    #[error(transparent)]
    Interpreter(#[from] InterpreterError),
    /// There is no place for a working folder.
    #[error("failed to make a working folder: {0}")]
    WorkFolder(#[source] std::io::Error),
}

impl Workshop {
    /// Opens the store, and finds uv and the interpreter.
    pub fn open(
        request: &Request,
        subject: &Subject,
        conditions: &Conditions,
    ) -> Result<Self, WorkshopError> {
        let (store, no_cache) = open_store(request, conditions.store);
        let uv = Uv::find(request, &store)?.with_cache(&conditions.uv_cache);
        let interpreter = Interpreter::find(request, subject, &uv, &store)?;
        let (conditions, folder) = (conditions.clone(), OnceLock::new());
        Ok(Self { uv, interpreter, store, conditions, no_cache, folder })
    }

    /// A warning, if nothing could be cached for the next time.
    pub fn cache_warning(&self) -> Option<Warning> {
        let failure = self.store.failure().map(Warning::cache_not_usable);
        self.no_cache.clone().or(failure)
    }

    /// The working folder. It is removed with the workshop.
    pub fn folder(&self) -> Result<&Path, WorkshopError> {
        if let Some(folder) = self.folder.get() {
            return Ok(folder.path());
        }
        let folder = WorkFolder::new(&self.conditions.work).map_err(WorkshopError::WorkFolder)?;
        Ok(self.folder.get_or_init(|| folder).path())
    }

    /// Where a zip is written: to its place in the store, if it has a key, or else into the working folder.
    pub fn place_of_zip(&self, key: Option<&Key>) -> Result<PathBuf, WorkshopError> {
        match key.and_then(|key| self.store.zip_path(key)) {
            Some(place) => Ok(place),
            None => Ok(self.folder()?.join("bundle.zip")),
        }
    }

    /// What of the tools can show in bytes.
    pub fn tool_versions(&self) -> ToolVersions {
        ToolVersions {
            uv: self.uv.version.to_string(),
            settings: uv::settings(),
            python: self.interpreter.version.clone(),
        }
    }
}

/// The store of the request. If it cannot be used, everything is made anew, and a warning says why that takes so long.
pub fn open_store(request: &Request, store: StoreUse) -> (Store, Option<Warning>) {
    let Some(folder) = request.store.as_ref().filter(|_| store == StoreUse::AsRequested) else {
        return (Store::none(), None);
    };
    match Store::open(folder) {
        Ok(store) => (store, None),
        Err(error) => {
            (Store::none(), Some(Warning::cache_not_usable(&format!("`{}`: {error}", folder.display()))))
        }
    }
}
