//! Workshop: the tools of one bundle: uv, the Python that compiles, the store, the conditions, a working folder.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use crate::plan::cache_keys::ToolVersions;
use crate::plan::subject::Subject;
use crate::remote::{ObjectName, RemoteStore};
use crate::report::Warning;
use crate::request::{PythonRequest, Request};
use crate::store::{Key, Store};
use crate::support::glance::Glances;
use crate::support::working_folder::WorkFolder;
use crate::target::PythonVersion;
use crate::tools::interpreter::{Interpreter, InterpreterError, Question};
use crate::tools::uv::{self, Uv, UvCache, UvError};
use crate::workspace::Workspace;

/// The tools of one bundle.
#[derive(Debug)]
pub struct Workshop {
    /// The uv that installs and builds.
    pub uv: Uv,
    /// The Python that compiles.
    pub interpreter: Interpreter,
    /// The cache of earlier results.
    pub store: Store,
    /// The cache of a team behind it.
    remote: Option<RemoteStore>,
    /// The conditions. They must not change the bytes.
    pub conditions: Conditions,
    /// The versions and settings of the tools that can change the bytes.
    pub versions: ToolVersions,
    /// A warning, if another machine may compile with another Python.
    pub python_warning: Option<Warning>,
    /// A warning, if the request wants a cache and there is none.
    no_cache: Option<Warning>,
    /// Made when it is first needed.
    folder: OnceLock<WorkFolder>,
}

/// The conditions under which a bundle is built. None of them may change its bytes. Ordinary bundles use the default ones;
/// [`verify`](crate::verify()) builds one under others.
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
    /// Whether the store is read and written.
    pub store: StoreUse,
    /// The time of the build. If AWS no longer supports the runtime at this time, the bundle has a warning.
    pub time: SystemTime,
}

/// The order in which sources are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompileOrder {
    /// By path.
    Forward,
    /// By path, the last one first.
    Reversed,
}

/// Which store is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUse {
    /// The one of the request.
    AsRequested,
    /// The one in this folder, with the remote store of the request behind it.
    At(PathBuf),
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
            time: SystemTime::now(),
        }
    }
}

/// Why a build cannot start.
#[derive(Debug, thiserror::Error)]
pub enum WorkshopError {
    /// uv cannot be used.
    #[error(transparent)]
    Uv(#[from] UvError),
    /// No interpreter can compile the bytecode.
    #[error(transparent)]
    Interpreter(#[from] InterpreterError),
    /// The working folder cannot be made.
    #[error("failed to make a working folder: {0}")]
    WorkFolder(#[source] std::io::Error),
}

impl Workshop {
    /// Opens the store, and finds uv and the interpreter.
    pub fn open(
        request: &Request,
        workspace: &Workspace,
        subject: &Subject,
        conditions: &Conditions,
    ) -> Result<Self, WorkshopError> {
        let (store, no_cache) = open_store(request, &conditions.store);
        let remote = request.remote.as_ref().filter(|_| store.is_used()).map(RemoteStore::open);
        let python = subject.target.python;
        let Tools { uv, interpreter, versions, python_warning } =
            Tools::find(request, &workspace.root, python, subject.pinned_python.as_deref(), &store)?;
        let uv = uv.with_cache(&conditions.uv_cache);
        let (conditions, folder) = (conditions.clone(), OnceLock::new());
        Ok(Self { uv, interpreter, store, remote, conditions, versions, python_warning, no_cache, folder })
    }

    /// Fetches the entries that the store lacks, as far as the remote store has them.
    pub fn fetch(&self, names: &[ObjectName]) {
        if let Some(remote) = &self.remote {
            remote.fetch(&self.store, names);
        }
    }

    /// Writes the entries that the remote store lacks and this bundle made, in the background, if this machine writes there.
    pub fn send(&self, names: &[ObjectName]) {
        if let Some(remote) = &self.remote {
            remote.send(&self.store, names);
        }
    }

    /// The warnings about the remote store that no bundle has yet.
    pub fn remote_warnings(&self) -> Vec<Warning> {
        self.remote.as_ref().map(RemoteStore::take_warnings).unwrap_or_default()
    }

    /// A warning, if the bundle could not be cached.
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
}

/// uv, and the Python that compiles.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The uv that installs and builds.
    pub uv: Uv,
    /// The Python that compiles.
    pub interpreter: Interpreter,
    /// Their versions and settings that can change the bytes.
    pub versions: ToolVersions,
    /// A warning, if another machine may compile with another Python.
    pub python_warning: Option<Warning>,
}

/// Everything that decides which tools are found.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Search {
    uv: Option<PathBuf>,
    python: Option<PythonRequest>,
    runtime: PythonVersion,
    pinned_python: Option<String>,
    root: PathBuf,
    /// The store, which caches the answers of the tools.
    store: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
}

impl Tools {
    /// Finds uv, and a Python for a runtime. The settings of uv in `root`, the root of the workspace, count. `pinned_python` is the full version that the project asks for.
    pub fn find(
        request: &Request,
        root: &Path,
        runtime: PythonVersion,
        pinned_python: Option<&str>,
        store: &Store,
    ) -> Result<Self, WorkshopError> {
        static FOUND: Glances<Search, Tools> = Glances::none();

        let search = Search {
            uv: request.uv.clone(),
            python: request.python.clone(),
            runtime,
            pinned_python: pinned_python.map(str::to_owned),
            root: root.to_path_buf(),
            store: store.folder().map(Path::to_path_buf),
            variables: variables(),
        };
        if let Some(tools) = FOUND.recent(&search) {
            return Ok(tools);
        }
        let start = Instant::now();
        let uv = Uv::find(request, store)?;
        let question = Question {
            asked: request.python.as_ref(),
            version_file: pinned_python,
            runtime,
            project: Some(root),
            uv: &uv,
        };
        let choice = question.answer(store)?;
        let (python_warning, interpreter) = (choice.warning(runtime), choice.interpreter);
        let versions = ToolVersions {
            uv: uv.version.to_string(),
            settings: uv::settings(),
            python: interpreter.version.clone(),
        };
        let tools = Self { uv, interpreter, versions, python_warning };
        FOUND.remember(search, start, tools.clone());
        Ok(tools)
    }
}

/// The variables that decide which tools are found and which settings uv has: those of uv, of version managers, of the search for
/// programs and of the user's folders.
fn variables() -> Vec<(OsString, OsString)> {
    let decides = |name: &OsString| {
        let name = name.to_string_lossy().to_ascii_uppercase();
        ["UV_", "PYENV", "ASDF_", "MISE_", "XDG_"].iter().any(|prefix| name.starts_with(prefix))
            || ["PATH", "PATHEXT", "HOME", "USERPROFILE", "APPDATA", "SYSTEMDRIVE"].contains(&name.as_str())
    };
    std::env::vars_os().filter(|(name, _)| decides(name)).collect()
}

/// The store of the request. If it cannot be used, the bundle is built without it, and a warning says why.
pub fn open_store(request: &Request, store: &StoreUse) -> (Store, Option<Warning>) {
    let folder = match store {
        StoreUse::AsRequested => request.store.as_ref(),
        StoreUse::At(folder) => Some(folder),
        StoreUse::Never => None,
    };
    let Some(folder) = folder else { return (Store::none(), None) };
    match Store::open(folder) {
        Ok(store) => (store, None),
        Err(error) => {
            (Store::none(), Some(Warning::cache_not_usable(&format!("`{}`: {error}", folder.display()))))
        }
    }
}
