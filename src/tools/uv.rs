//! uv: finding it, and the few commands we ask of it.
//!
//! Every call gets its arguments as an array and its environment by a list of names, so that
//! nothing in the caller's shell changes what is installed; what uv needs to reach an index
//! (addresses, credentials, proxies, certificates) passes.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use pep440_rs::Version;
use serde_json::{Value, json};

use crate::codes::ErrorCode;
use crate::request::Request;
use crate::secrets::{mask_credentials, remove_credentials};
use crate::store::{Key, Store};
use crate::support::file_stamp::program;
use crate::support::wording::one_line;
use crate::support::working_folder::WorkFolder;
use crate::target::Target;
use crate::tools::process::{Output, Process, TimedOut};

/// The oldest uv whose commands do what the pipeline asks of them.
pub const MINIMUM_VERSION: &str = "0.8.0";

/// Variables that uv and the build backends may see: how to reach indexes and repositories, and
/// where caches and downloaded interpreters are. None of them changes what a lock installs.
const PASSED: &[&str] = &[
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SSL_CLIENT_CERT",
    "REQUESTS_CA_BUNDLE",
    "NETRC",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    // A keyring on a Linux desktop is a service that is reached by way of these.
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "PYTHON_KEYRING_BACKEND",
    "UV_CACHE_DIR",
    "UV_CONCURRENT_BUILDS",
    "UV_CONCURRENT_DOWNLOADS",
    "UV_CONCURRENT_INSTALLS",
    "UV_CONFIG_FILE",
    "UV_CREDENTIALS_DIR",
    "UV_DEFAULT_INDEX",
    "UV_EXCLUDE_NEWER",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_HTTP_CONNECT_TIMEOUT",
    "UV_HTTP_RETRIES",
    "UV_HTTP_TIMEOUT",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_INSECURE_HOST",
    "UV_KEYRING_PROVIDER",
    "UV_MANAGED_PYTHON",
    "UV_NATIVE_TLS",
    "UV_NO_CONFIG",
    "UV_NO_INDEX",
    "UV_NO_MANAGED_PYTHON",
    "UV_OFFLINE",
    "UV_PRERELEASE",
    "UV_PYTHON_CACHE_DIR",
    "UV_PYTHON_DOWNLOADS",
    "UV_PYTHON_DOWNLOADS_JSON_URL",
    "UV_PYTHON_INSTALL_DIR",
    "UV_PYTHON_INSTALL_MIRROR",
    "UV_PYTHON_PREFERENCE",
    "UV_REQUEST_TIMEOUT",
    "UV_RESOLUTION",
    "UV_SYSTEM_CERTS",
    "XDG_BIN_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];

/// Those of the passed variables that say what a build backend is resolved to.
const SETTINGS: &[&str] = &[
    "UV_CONFIG_FILE",
    "UV_DEFAULT_INDEX",
    "UV_EXCLUDE_NEWER",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_NO_CONFIG",
    "UV_NO_INDEX",
    "UV_PRERELEASE",
    "UV_RESOLUTION",
];

/// Families of variables that pass: credentials of named indexes; git's ways to log in; and what the keyrings of
/// `keyring` itself, of AWS `CodeArtifact`, Google Artifact Registry and Azure Artifacts log in with.
const PASSED_PREFIXES: &[&str] = &[
    "UV_INDEX_",
    "GIT_SSH",
    "GIT_ASKPASS",
    "KEYRING_",
    "AWS_",
    "GOOGLE_",
    "CLOUDSDK_",
    "AZURE_",
    "ARTIFACTS_",
    "VSS_NUGET_",
];

/// Those of the passed variables that are credentials, or lead to some, beside those of [`PASSED_PREFIXES`].
const CREDENTIALS: &[&str] = &[
    "NETRC",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "SSL_CLIENT_CERT",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "XDG_DATA_HOME",
    "PYTHON_KEYRING_BACKEND",
    "UV_CREDENTIALS_DIR",
    "UV_KEYRING_PROVIDER",
];

/// Seconds since 1970 that a build backend writes into an archive where it must write a time:
/// 1 January 1980, the first that a zip can hold.
pub(super) const SOURCE_DATE_EPOCH: &str = "315532800";

/// The variables that name the temporary folder: the first on Unix, the others on Windows.
pub(super) const TEMPORARY: &[&str] = &["TMPDIR", "TEMP", "TMP"];

/// Flags that make `uv sync` take wheels or fail. `--binary` is not in uv's help: it undoes a `no-binary` or
/// `no-binary-package` in the user's own `uv.toml`, which would else win over `--no-build`, and ship what
/// was compiled on this machine.
const WHEELS_ONLY: &[&str] = &["--no-build", "--binary"];

/// The flag that forbids uv to run a build backend, which its message names where it would have to run one.
const NO_BUILD: &str = "--no-build";

/// How many characters of a wrong answer are quoted.
const LONGEST_QUOTE: usize = 200;

/// A uv executable that is new enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uv {
    /// The executable.
    pub path: PathBuf,
    /// Its version.
    pub version: Version,
    /// Where it keeps what it downloads and builds.
    cache: UvCache,
}

/// The cache of uv.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UvCache {
    /// The user's own, as uv finds it.
    OfUser,
    /// The one in this folder.
    At(PathBuf),
}

/// Whether uv may use the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// If the user's settings allow it.
    AsConfigured,
    /// Not for this call.
    Never,
}

/// The variables that the build backends of a check of the lock see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backends {
    /// All that uv may see: the backends are those of the user's own packages.
    Trusted,
    /// Those without credentials: the lock has packages of others that are there only as source.
    Foreign,
}

/// What `uv sync` installs, and where.
#[derive(Debug, Clone, Copy)]
pub struct Sync<'a> {
    /// The workspace, or its copy.
    pub workspace: &'a Path,
    /// The member whose dependencies are installed.
    pub member: &'a str,
    /// The file name of the script, where the workspace is one; it is its own member.
    pub script: Option<&'a str>,
    /// Its extras that are installed.
    pub extras: &'a [String],
    /// Its dependency groups that are installed.
    pub groups: &'a [String],
    /// The packages among them that are not.
    pub without: &'a [&'a str],
    /// What wheels are chosen for.
    pub target: Target,
    /// Whether a package without a wheel is compiled here; otherwise it is an error.
    pub native_builds: bool,
    /// The interpreter of the environment.
    pub interpreter: &'a Path,
    /// The environment that is made.
    pub environment: &'a Path,
}

/// Why uv did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum UvError {
    /// No uv on this machine.
    #[error("`uv` is not on PATH: install it (https://docs.astral.sh/uv/), or name it in the option `uv`")]
    NotFound,
    /// The executable that the caller named cannot be run.
    #[error("`{}` (option `uv`) cannot be run: {source}", .path.display())]
    NotRunnable {
        /// The executable.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The executable is something else.
    #[error("`{}` is no uv: `uv --version` answered `{answer}`", .path.display())]
    NotUv {
        /// The executable.
        path: PathBuf,
        /// What it answered.
        answer: String,
    },
    /// The uv is too old.
    #[error("`{}` is uv {found}, and at least {MINIMUM_VERSION} is needed: run `uv self update`, or upgrade it the way it was installed", .path.display())]
    TooOld {
        /// The executable.
        path: PathBuf,
        /// Its version.
        found: Version,
    },
    /// uv stopped working in the middle of the bundle.
    #[error("failed to start `{}`: {source}", .path.display())]
    Start {
        /// The executable.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// uv did not end in time.
    #[error(transparent)]
    TimedOut(TimedOut),
    /// The lock does not match the project.
    #[error("`uv.lock` does not match `pyproject.toml`: run `uv lock` in `{}`", .root.display())]
    LockfileOutdated {
        /// The workspace.
        root: PathBuf,
    },
    /// The lock does not match the script.
    #[error("`{script}.lock` does not match `{script}`: run `uv lock --script {script}` in `{}`", .root.display())]
    ScriptLockfileOutdated {
        /// The folder of both.
        root: PathBuf,
        /// The file name of the script.
        script: String,
    },
    /// A package has no wheel for the platform, and may not be built.
    #[error("`{requirement}` has no wheel for the target platform")]
    NoWheel {
        /// The package, as uv spells it: `numpy==2.4.1`.
        requirement: String,
    },
    /// uv failed, in its own words.
    #[error("`uv {command}` failed:\n{words}")]
    Failed {
        /// The subcommand.
        command: &'static str,
        /// Its standard error, credentials masked.
        words: String,
    },
}

impl UvError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound => ErrorCode::UvNotFound,
            Self::NotRunnable { .. } | Self::NotUv { .. } => ErrorCode::InvalidOptions,
            Self::TooOld { .. } => ErrorCode::UvTooOld,
            Self::LockfileOutdated { .. } | Self::ScriptLockfileOutdated { .. } => {
                ErrorCode::LockfileOutdated
            }
            Self::NoWheel { .. } => ErrorCode::NoWheel,
            Self::Start { .. } | Self::Failed { .. } => ErrorCode::UvFailed,
            Self::TimedOut(_) => ErrorCode::TimedOut,
        }
    }
}

/// What the user's own settings tell uv, less the credentials in them: variables, and the files that are not the
/// project's.
///
/// Source of the places: <https://docs.astral.sh/uv/concepts/configuration-files/>.
pub fn settings() -> Value {
    let variables: Vec<Value> = SETTINGS
        .iter()
        .filter_map(|name| std::env::var(name).ok().map(|value| json!([name, remove_credentials(&value)])))
        .collect();
    let configured = std::env::var_os("UV_CONFIG_FILE").map(PathBuf::from);
    let of_user = if cfg!(windows) {
        std::env::var_os("APPDATA").map(PathBuf::from)
    } else {
        let home = || std::env::home_dir().map(|home| home.join(".config"));
        std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)
    };
    let of_system = if cfg!(windows) {
        std::env::var_os("SYSTEMDRIVE")
            .map(|drive| Path::new(&drive).join(std::path::Component::RootDir).join("ProgramData/uv/uv.toml"))
    } else {
        Some(PathBuf::from("/etc/uv/uv.toml"))
    };
    // Only where `uv.toml` in the user's folder is none is that of the system read; both count here, which costs a miss at most.
    let of_systems = of_system.into_iter().chain(system_folders());
    let files =
        [configured, of_user.map(|folder| folder.join("uv/uv.toml"))].into_iter().chain(of_systems.map(Some));
    let contents: Vec<Option<String>> =
        files.map(|file| fs_err::read_to_string(file?).ok().map(|text| remove_credentials(&text))).collect();
    json!([variables, contents])
}

/// The files of the system in the folders of the XDG specification.
fn system_folders() -> Vec<PathBuf> {
    if cfg!(windows) {
        return Vec::new();
    }
    let folders = std::env::var_os("XDG_CONFIG_DIRS").filter(|folders| !folders.is_empty());
    let folders = folders.unwrap_or_else(|| "/etc/xdg".into());
    std::env::split_paths(&folders).map(|folder| folder.join("uv/uv.toml")).collect()
}

impl Uv {
    /// Finds the uv that the request names, or the one on PATH, and checks its version. What the same file said before is
    /// remembered in `store`.
    pub fn find(request: &Request, store: &Store) -> Result<Self, UvError> {
        let path = match &request.uv {
            Some(path) => path.clone(),
            None => which::which("uv").map_err(|_| UvError::NotFound)?,
        };
        let key = program("uv", &path).map(|program| Key::of("uv", &program));
        if let Some(version) = key.as_ref().and_then(|key| store.fact(key)?.parse().ok()) {
            return Ok(Self { path, version, cache: UvCache::OfUser });
        }
        let uv = Self::ask(path)?;
        if let Some(key) = key {
            store.remember(&key, &uv.version.to_string());
        }
        Ok(uv)
    }

    /// A uv that nobody asked.
    #[cfg(test)]
    pub(crate) fn at(path: PathBuf, version: Version) -> Self {
        Self { path, version, cache: UvCache::OfUser }
    }

    fn ask(path: PathBuf) -> Result<Self, UvError> {
        let output =
            Process::new(&path).args(["--version"]).question().run().map_err(|source| {
                match source.downcast() {
                    Ok(error) => UvError::TimedOut(error),
                    Err(source) => UvError::NotRunnable { path: path.clone(), source },
                }
            })?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let answer: String = answer.trim().chars().take(LONGEST_QUOTE).collect();
        let version = answer
            .strip_prefix("uv ")
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|version| version.parse::<Version>().ok());
        let Some(version) = version else { return Err(UvError::NotUv { path, answer }) };
        if MINIMUM_VERSION.parse::<Version>().is_ok_and(|minimum| version < minimum) {
            return Err(UvError::TooOld { path, found: version });
        }
        Ok(Self { path, version, cache: UvCache::OfUser })
    }

    /// The same uv with another cache.
    #[must_use]
    pub fn with_cache(self, cache: &UvCache) -> Self {
        Self { cache: cache.clone(), ..self }
    }

    /// Fails where the lock in `folder` (the workspace `root`, or a copy of it) does not match its manifests, or the
    /// `script` there. If uv has to run build backends for it, they see the variables that `backends` says.
    pub fn check_lock(
        &self,
        folder: &Path,
        root: &Path,
        script: Option<&str>,
        interpreter: &Path,
        backends: Backends,
    ) -> Result<(), UvError> {
        let check = |process: &mut Process| {
            process
                .abridge()
                .args(["--check", "--python"])
                .args([interpreter])
                .args(script.iter().flat_map(|name| ["--script", name]));
        };
        let output = match backends {
            Backends::Trusted => self.run(folder, "lock", check)?,
            Backends::Foreign => {
                let output = self.run(folder, "lock", |process| {
                    check(process);
                    process.args([NO_BUILD]);
                })?;
                if !output.status.success() && output.stderr.contains(NO_BUILD) {
                    self.run_without_credentials(folder, "lock", check)?
                } else {
                    output
                }
            }
        };
        // The one sentence of uv that says so, in every version from the minimum on; its exit code alone
        // would not tell a stale lock from a broken network.
        if !output.status.success() && output.stderr.contains("needs to be updated") {
            let root = root.to_path_buf();
            return Err(match script {
                None => UvError::LockfileOutdated { root },
                Some(script) => UvError::ScriptLockfileOutdated { root, script: script.to_owned() },
            });
        }
        if let Some(requirement) = without_wheel(&output.stderr) {
            return Err(UvError::NoWheel { requirement });
        }
        succeeded("lock --check", &output).map(drop)
    }

    /// Installs what the lock says a member needs on the target into a new environment.
    pub fn install(&self, sync: &Sync<'_>) -> Result<(), UvError> {
        let output = self.run(sync.workspace, "sync", |process| {
            process
                .abridge()
                .args(["--frozen", "--link-mode", "hardlink"])
                .args(if sync.native_builds { &[][..] } else { WHEELS_ONLY })
                .args(match sync.script {
                    None => ["--no-default-groups", "--package", sync.member],
                    // The environment of a script is the active one, or else one in uv's cache.
                    Some(script) => ["--active", "--script", script],
                })
                .args(["--python-platform", &sync.target.uv_platform(), "--python"])
                .args([sync.interpreter])
                .args(sync.extras.iter().flat_map(|name| ["--extra", name]))
                .args(sync.groups.iter().flat_map(|name| ["--group", name]))
                .args(sync.without.iter().flat_map(|name| ["--no-install-package", name]))
                .env(
                    if sync.script.is_some() { "VIRTUAL_ENV" } else { "UV_PROJECT_ENVIRONMENT" },
                    sync.environment,
                );
        })?;
        if let Some(requirement) = without_wheel(&output.stderr) {
            return Err(UvError::NoWheel { requirement });
        }
        succeeded("sync", &output).map(drop)
    }

    /// Builds the wheel of the local package in `folder` into the folder `into`.
    pub fn build_wheel(&self, folder: &Path, interpreter: &Path, into: &Path) -> Result<(), UvError> {
        let output = self.run(folder, "build", |process| {
            process
                .abridge()
                .args(["--wheel", "--python"])
                .args([interpreter])
                .args([OsString::from("--out-dir"), into.into()])
                .args([folder])
                .env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH)
                // Build backends that write sets or dictionaries would write them in another order
                // each time.
                .env("PYTHONHASHSEED", "0");
        })?;
        succeeded("build", &output).map(drop)
    }

    /// Where this uv keeps its cache.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let output = self.run(&std::env::temp_dir(), "cache", |process| {
            process.question().args(["dir"]);
        });
        let output = output.ok().filter(|output| output.status.success())?;
        Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    }

    /// The interpreter that uv finds for a version, among its own and those on PATH.
    pub fn find_python(&self, version: &str) -> Result<Option<PathBuf>, TimedOut> {
        self.python(&["find", "--no-project", "--system", "--no-python-downloads", version])
    }

    /// Has uv install a Python if it is missing, and if uv may download it. Returns what uv said on standard error; `listener` gets
    /// each line of it at once. `project` is the folder whose settings of uv count.
    ///
    /// uv makes an environment of that Python, which is removed at once. `uv python install` would also install where the user's
    /// settings allow only downloads that somebody asks for (`python-downloads = "manual"`), and would put a program on PATH.
    pub fn fetch_python(
        &self,
        version: &str,
        project: &Path,
        network: Network,
        listener: impl FnMut(&str) + Send + 'static,
    ) -> Result<String, UvError> {
        let not_started = |source| UvError::Start { path: self.path.clone(), source };
        let folder = WorkFolder::new(&std::env::temp_dir()).map_err(not_started)?;
        let output = self.run(project, "venv", |process| {
            process
                .abridge()
                .args(["--no-project", "--python", version])
                .args([folder.path().join("environment")])
                // The Pythons on PATH were asked before. One that does not start, such as a program of pyenv for a version that is
                // not chosen, would end the search here.
                .env("PATH", "")
                .listen(listener);
            // uv tries four times, which takes up to 20 seconds without a network.
            if std::env::var_os("UV_HTTP_RETRIES").is_none() {
                process.env("UV_HTTP_RETRIES", "1");
            }
            if network == Network::Never {
                process.env("UV_OFFLINE", "1");
            }
        })?;
        Ok(output.stderr)
    }

    /// The first line that `uv python ...` prints, empty for a command that prints none.
    fn python(&self, arguments: &[&str]) -> Result<Option<PathBuf>, TimedOut> {
        let output = self.run(&std::env::temp_dir(), "python", |process| {
            process.args(arguments);
        });
        match output {
            Ok(output) if output.status.success() => {
                let answer = String::from_utf8_lossy(&output.stdout);
                Ok(Some(PathBuf::from(answer.lines().next().unwrap_or_default())))
            }
            Err(UvError::TimedOut(error)) => Err(error),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Runs a command that may run scripts of others: without credentials in its variables, and with an empty home.
    fn run_without_credentials(
        &self,
        folder: &Path,
        command: &'static str,
        prepare: impl FnOnce(&mut Process),
    ) -> Result<Output, UvError> {
        let home = WorkFolder::new(&std::env::temp_dir())
            .map_err(|source| UvError::Start { path: self.path.clone(), source })?;
        let cache = self.cache_folder();
        self.run(folder, command, |process| {
            prepare(process);
            process.hide(is_credential);
            if let (Some(cache), UvCache::OfUser) = (cache, &self.cache) {
                process.env("UV_CACHE_DIR", cache);
            }
            if cfg!(unix) {
                // Without the user's settings, uv would take another index, and the lock for outdated.
                if let (None, Some(home)) = (std::env::var_os("XDG_CONFIG_HOME"), std::env::home_dir()) {
                    process.env("XDG_CONFIG_HOME", home.join(".config"));
                }
                process.env("HOME", home.path());
            }
        })
    }

    /// Runs a command of uv in a folder.
    pub(super) fn run(
        &self,
        folder: &Path,
        command: &'static str,
        prepare: impl FnOnce(&mut Process),
    ) -> Result<Output, UvError> {
        let mut process = Process::new(&self.path);
        process.args([command, "--color", "never", "--no-progress"]).inherit(is_passed).current_dir(folder);
        if let UvCache::At(folder) = &self.cache {
            process.env("UV_CACHE_DIR", folder);
        }
        prepare(&mut process);
        let not_started = |source| UvError::Start { path: self.path.clone(), source };
        // uv leaves lock files in the temporary folder, and build backends leave all kinds of files there. One of their own is removed
        // with them, even if this process is killed.
        let temporary = WorkFolder::new(&std::env::temp_dir()).map_err(not_started)?;
        for name in TEMPORARY {
            process.env(name, temporary.path());
        }
        process.run().map_err(|source| match source.downcast() {
            Ok(error) => UvError::TimedOut(error),
            Err(source) => not_started(source),
        })
    }
}

/// Whether a variable is a credential, has one, or leads to one.
fn is_credential(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    // `UV_INDEX_STRATEGY` is no credential, and changes what is resolved.
    upper != "UV_INDEX_STRATEGY"
        && upper != "UV_INDEX_URL"
        && PASSED_PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
        || CREDENTIALS.contains(&upper.as_str())
        || is_passed(name) && remove_credentials(value) != value
}

/// Whether uv, and what it starts, may see a variable of the caller's.
pub(crate) fn is_passed(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    PASSED.contains(&upper.as_str()) || PASSED_PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
}

fn succeeded<'a>(command: &'static str, output: &'a Output) -> Result<&'a Output, UvError> {
    if output.status.success() {
        return Ok(output);
    }
    Err(UvError::Failed { command, words: mask_credentials(output.stderr.trim()) })
}

/// The package that uv would have to build, from the sentence in which it refuses to: "Distribution
/// `numpy==2.4.1 @ registry+https://...` can't be installed because it ...". uv may break the line anywhere.
fn without_wheel(words: &str) -> Option<String> {
    let words = one_line(words);
    let (_, distribution) = words.split_once("Distribution `")?;
    let (distribution, rest) = distribution.split_once('`')?;
    let (requirement, _) = distribution.split_once(" @ ")?;
    rest.starts_with(" can't be installed because it").then(|| requirement.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_an_index_passes_and_what_changes_an_install_does_not() {
        for passed in ["UV_INDEX_PRIVATE_PASSWORD", "UV_DEFAULT_INDEX", "https_proxy", "SSL_CERT_FILE"] {
            assert!(is_passed(passed), "{passed}");
        }
        for stopped in [
            "UV_LINK_MODE",
            "UV_NO_BINARY",
            "UV_PROJECT_ENVIRONMENT",
            "PYTHONHASHSEED",
            "VIRTUAL_ENV",
            "UV_PYTHON",
        ] {
            assert!(!is_passed(stopped), "{stopped}");
        }
    }

    #[test]
    fn credentials_are_told_from_settings() {
        let secret =
            ["UV_INDEX_PRIVATE_PASSWORD", "AWS_SECRET_ACCESS_KEY", "netrc", "GIT_ASKPASS", "SSH_AUTH_SOCK"];
        assert!(secret.iter().all(|name| is_credential(name, "x")));
        assert!(is_credential("UV_DEFAULT_INDEX", "https://ada:secret@a.test/simple"));
        for (name, value) in [
            ("UV_DEFAULT_INDEX", "https://a.test/simple"),
            ("UV_INDEX_STRATEGY", "first-index"),
            ("PATH", "/bin"),
        ] {
            assert!(!is_credential(name, value), "{name}");
        }
    }

    #[test]
    fn the_package_without_a_wheel_is_read_from_uvs_refusal() {
        let words = "error: Distribution `jsonpath==1.0 @ registry+https://pypi.org/simple` can't be installed because it is marked as `--no-build` but has no binary distribution";
        assert_eq!(without_wheel(words).as_deref(), Some("jsonpath==1.0"));
        assert_eq!(without_wheel("error: network"), None);
    }
}
