//! Downloads of Python by uv: said on stderr, tried by one process at a time, and after a failure not tried again for an hour.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use pep440_rs::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::secrets::{mask_credentials, remove_credentials};
use crate::store::{Key, Store};
use crate::support::file_stamp::{Stamp, program};
use crate::support::wording::one_line;
use crate::tools::uv::{self, Network, Uv};

/// How long a failure is remembered. Without a network an attempt takes seconds, and an app has many functions. Whoever does not want
/// to wait installs the Python by hand, which is noticed at once.
const FAILURE_COUNTS: Duration = Duration::from_hours(1);

/// The settings that decide whether and from where uv downloads a Python.
const SETTINGS: &[&str] = &[
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SSL_CLIENT_CERT",
    "UV_INSECURE_HOST",
    "UV_MANAGED_PYTHON",
    "UV_NATIVE_TLS",
    "UV_NO_MANAGED_PYTHON",
    "UV_OFFLINE",
    "UV_PYTHON_CACHE_DIR",
    "UV_PYTHON_DOWNLOADS",
    "UV_PYTHON_DOWNLOADS_JSON_URL",
    "UV_PYTHON_INSTALL_DIR",
    "UV_PYTHON_INSTALL_MIRROR",
    "UV_PYTHON_PREFERENCE",
    "UV_SYSTEM_CERTS",
];

/// The files in the root of a workspace that may have settings of uv.
const SETTINGS_FILES: [&str; 2] = ["pyproject.toml", "uv.toml"];

/// The settings in these files that decide whether and from where uv downloads a Python.
const SETTINGS_IN_FILES: &[&str] = &[
    "allow-insecure-host",
    "native-tls",
    "offline",
    "python-downloads",
    "python-install-mirror",
    "python-preference",
    "required-version",
    "system-certs",
];

/// A Python that uv did not download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotDownloaded {
    /// Why, as half a sentence without credentials.
    pub reason: String,
    /// When to try again, in seconds since 1970.
    until: u64,
}

impl NotDownloaded {
    /// A failure from now on.
    pub fn now(reason: String) -> Self {
        Self { reason, until: now() + FAILURE_COUNTS.as_secs() }
    }

    /// Whether it is too early to try again.
    pub fn counts(&self) -> bool {
        // A clock that was set back must not make it count for years.
        (now()..=now() + FAILURE_COUNTS.as_secs()).contains(&self.until)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A Python that uv may download, and everything that decides whether it can.
#[derive(Debug, Clone, Copy)]
pub struct Download<'a> {
    /// The full version, or the minor one for the newest that uv knows.
    pub version: &'a str,
    /// The uv that downloads.
    pub uv: &'a Uv,
    /// The root of the workspace, whose settings of uv count; `None` if there is no workspace.
    pub project: Option<&'a Path>,
}

impl Download<'_> {
    /// Downloads the Python, if uv may and can. `accept` says whether an executable is that Python.
    ///
    /// Do not call this on a thread of a pool: it waits for locks.
    pub fn run<Found>(
        self,
        store: &Store,
        accept: impl Fn(PathBuf) -> Option<Found>,
    ) -> Result<Found, NotDownloaded> {
        // The threads of one process, also without a cache.
        static FAILED: Mutex<BTreeMap<String, NotDownloaded>> = Mutex::new(BTreeMap::new());

        let key = self.key();
        let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = failed.get(&key.to_string()).filter(|failure| failure.counts()).cloned();
        if let Some(failure) = known.or_else(|| remembered(&key, store)) {
            return Err(failure);
        }
        let _lock = store.lock([&key], &format!("downloads CPython {}", self.version));
        // What another process found out meanwhile. If it has downloaded the Python, uv finds it.
        if let Some(failure) = remembered(&key, store) {
            return Err(failure);
        }
        let attempt = self.uv.fetch_python(
            self.version,
            &self.folder(),
            Network::AsConfigured,
            report_download(self.version.to_owned()),
        );
        if let Some(found) = self.uv.find_python(self.version).ok().flatten().and_then(accept) {
            return Ok(found);
        }
        let failure = NotDownloaded::now(match attempt {
            Ok(words) => reason(&words, self.version, &self.uv.version),
            Err(error) => mask_credentials(&error.to_string()),
        });
        if let Ok(text) = serde_json::to_string(&failure) {
            store.remember(&key, &text);
        }
        failed.insert(key.to_string(), failure.clone());
        Err(failure)
    }

    /// Whether [`Download::run`] would download the Python, as far as that can be told without a network.
    pub fn would_run(self, store: &Store) -> Result<(), NotDownloaded> {
        if let Some(failure) = remembered(&self.key(), store) {
            return Err(failure);
        }
        let is_offline = std::env::var_os("UV_OFFLINE")
            .is_some_and(|value| !["", "0", "false"].iter().any(|no| value == *no));
        match self.uv.fetch_python(self.version, &self.folder(), Network::Never, |_| ()) {
            Ok(words) if !is_offline && is_only_offline(&one_line(&words)) => Ok(()),
            Ok(words) => Err(NotDownloaded::now(reason(&words, self.version, &self.uv.version))),
            Err(error) => Err(NotDownloaded::now(mask_credentials(&error.to_string()))),
        }
    }

    /// The key of a failure: it is forgotten when something changes that may have caused it. The manifest changes often, and counts only
    /// if it says something about downloads.
    fn key(self) -> Key {
        let settings = SETTINGS_FILES.map(|name| {
            let path = self.folder().join(name);
            let text = fs_err::read_to_string(&path).unwrap_or_default();
            let says_something = SETTINGS_IN_FILES.iter().any(|setting| text.contains(setting));
            says_something.then(|| Stamp::of(&path).ok())
        });
        Key::of("download of Python", &json!([self.ingredients(), settings]))
    }

    /// Everything that may lead to another Python next time, without the Pythons on this machine. Reads no file of the project: a bundle
    /// with nothing changed asks for it.
    pub fn choice(self) -> Value {
        let files = SETTINGS_FILES.map(|name| Stamp::of(&self.folder().join(name)).ok());
        json!([self.ingredients(), files])
    }

    fn ingredients(self) -> Value {
        let settings: Vec<Value> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| SETTINGS.contains(&name.to_ascii_uppercase().as_str()))
            .map(|(name, value)| json!([name, remove_credentials(&value)]))
            .collect();
        let program = program("uv", &self.uv.path);
        json!([self.version, self.uv.version.to_string(), program, settings, uv::settings()])
    }

    fn folder(self) -> PathBuf {
        self.project.map_or_else(std::env::temp_dir, Path::to_path_buf)
    }
}

fn remembered(key: &Key, store: &Store) -> Option<NotDownloaded> {
    let failure: NotDownloaded = serde_json::from_str(&store.fact(key)?).ok()?;
    failure.counts().then_some(failure)
}

/// Says on stderr that uv downloads a Python, as soon as uv does:
/// `Downloading cpython-3.13.5-linux-x86_64-gnu (download) (32.4MiB)`.
fn report_download(version: String) -> impl FnMut(&str) + Send + 'static {
    let mut is_said = false;
    move |line| {
        if is_said || !line.trim_start().starts_with("Downloading cpython-") {
            return;
        }
        is_said = true;
        let size = line.rsplit_once('(').and_then(|(_, size)| size.strip_suffix(')'));
        let size = size.filter(|size| size.starts_with(|first: char| first.is_ascii_digit()));
        let size = size.map_or_else(String::new, |size| format!(", {size}"));
        // Without a stderr, nobody reads it.
        let _ = writeln!(
            io::stderr(),
            "uv-lambda-cdk: uv downloads CPython {version}, which compiles the bytecode (once for this machine{size})"
        );
    }
}

/// Whether uv would download, but for the network.
fn is_only_offline(words: &str) -> bool {
    words.contains("but uv is set to offline mode")
}

/// Why there is no such Python, from the words of uv. They are the same from uv 0.8.0 to 0.13.9.
fn reason(words: &str, version: &str, uv: &Version) -> String {
    let line = one_line(words);
    let after = |text: &str| line.split_once(text).map(|(_, rest)| rest);
    if let Some((setting, _)) = after("Python downloads are set to '").and_then(|rest| rest.split_once('\''))
    {
        return format!("`python-downloads` of uv is `{setting}`");
    }
    if is_only_offline(&line) {
        return "uv is offline".to_owned();
    }
    if after("the Python preference is set to").is_some() {
        return "uv may not use Pythons of its own (`python-preference`)".to_owned();
    }
    if after("No interpreter found for Python").is_some() {
        return format!("uv {uv} knows no download of CPython {version}; a newer uv may know one");
    }
    if let Some(other) = after("Using CPython ").and_then(|rest| rest.split_whitespace().next()) {
        return format!("uv installed a CPython {version} that says it is CPython {other}");
    }
    // The first line says what failed, and the last one why.
    let causes = ["error:", "cause:", "Caused by:"];
    let causes: Vec<&str> = words
        .lines()
        .filter_map(|line| causes.iter().find_map(|cause| line.trim().strip_prefix(cause)))
        .map(str::trim)
        .filter(|cause| !cause.starts_with("Request failed after"))
        .collect();
    mask_credentials(&match causes.as_slice() {
        [] => format!("uv did not install it: {line}"),
        [only] => (*only).to_owned(),
        [first, .., last] => format!("{first}: {last}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_of(words: &str) -> String {
        reason(words, "3.13.5", &"0.13.9".parse().unwrap())
    }

    #[test]
    fn the_reason_is_read_from_the_words_of_uv() {
        let none = "error: No interpreter found for Python 3.13.5 in managed installations or search path";
        let available = "hint: A managed Python download is available for Python 3.13.5, but";
        let because = |end: &str| reason_of(&format!("{none}\n\n{available} {end}"));
        assert_eq!(because("Python downloads are set to 'never'"), "`python-downloads` of uv is `never`");
        assert_eq!(
            because("Python downloads are set to 'manual', use `uv"),
            "`python-downloads` of uv is `manual`"
        );
        assert_eq!(because("uv is set to offline mode"), "uv is offline");
        assert_eq!(
            because("the Python preference is set to 'only system'"),
            "uv may not use Pythons of its own (`python-preference`)"
        );
        assert_eq!(reason_of(none), "uv 0.13.9 knows no download of CPython 3.13.5; a newer uv may know one");
        assert_eq!(
            reason_of("Downloading cpython-3.13.5\nUsing CPython 3.13.0\nCreating virtual environment"),
            "uv installed a CPython 3.13.5 that says it is CPython 3.13.0"
        );
    }

    #[test]
    fn a_failed_download_is_told_with_its_first_and_its_last_cause() {
        let newer = "error: Request failed after 1 retry in 1.9s\n  cause: Failed to download `https://ada:secret@mirror.test/a.tar.gz`\n  cause: client error (Connect)\n  cause: Connection refused (os error 111)\n";
        let older = "error: Failed to download https://ada:secret@mirror.test/a.tar.gz\n  Caused by: Request failed after 3 retries\n  Caused by: Connection refused (os error 111)\n";
        for (words, quote) in [(newer, "`"), (older, "")] {
            let reason = reason_of(words);
            assert!(reason.ends_with("Connection refused (os error 111)"), "{reason}");
            assert!(reason.starts_with(&format!("Failed to download {quote}https://")), "{reason}");
            assert!(!reason.contains("secret"), "{reason}");
        }
        let mismatch = "error: Hash mismatch for `cpython-3.13.5`\n\nExpected:\n00\n\nComputed:\n11\n";
        assert_eq!(reason_of(mismatch), "Hash mismatch for `cpython-3.13.5`");
    }

    #[test]
    fn a_failure_is_forgotten_when_the_project_changes_a_setting_of_downloads() {
        let folder = tempfile::tempdir().unwrap();
        let uv = Uv::at("/nonexistent/uv".into(), "0.13.9".parse().unwrap());
        let download = Download { version: "3.13.5", uv: &uv, project: Some(folder.path()) };
        let write = |name: &str, text: &str| fs_err::write(folder.path().join(name), text).unwrap();
        let (first, choice) = (download.key(), download.choice());
        write("pyproject.toml", "[project]\nname = 'app'\n");
        assert!(download.key() == first && download.choice() != choice);
        write("pyproject.toml", "[project]\nname = 'app'\n[tool.uv]\npython-downloads = 'never'\n");
        let second = download.key();
        write("uv.toml", "python-install-mirror = 'https://mirror.test'\n");
        assert!(second != first && download.key() != second);
    }

    #[test]
    fn a_failure_counts_for_an_hour() {
        assert!(NotDownloaded::now(String::new()).counts());
        for until in [now() - 1, now() + 2 * FAILURE_COUNTS.as_secs()] {
            assert!(!NotDownloaded { reason: String::new(), until }.counts());
        }
    }
}
