//! Handover: the settings and credentials of this machine that a container gets, so that uv can open the same
//! indexes there. They travel in a file: every user of this machine can see a command line, and CDK prints it
//! if the container fails.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::secrets::{LOGINS, environment, login_file, netrc_file};
use crate::support::working_folder::{WorkFolder, private_folder};
use crate::tools::keyring::{self, Login};
use crate::tools::process::TIMEOUT_VARIABLE;

/// The variable that names the file, in the container.
pub const VARIABLE: &str = "UV_LAMBDA_CDK_HANDOVER";

/// The file's name in its folder.
pub const FILE: &str = "handover.json";

/// Variables of uv that say where packages come from, or that influence the lock. All others are about this
/// machine.
const UV_VARIABLES: &[&str] = &[
    "UV_DEFAULT_INDEX",
    "UV_EXCLUDE_NEWER",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_HTTP_RETRIES",
    "UV_HTTP_TIMEOUT",
    "UV_INDEX",
    "UV_INDEX_STRATEGY",
    "UV_INDEX_URL",
    "UV_INSECURE_HOST",
    TIMEOUT_VARIABLE,
    "UV_NO_INDEX",
    "UV_PRERELEASE",
    "UV_REQUEST_TIMEOUT",
    "UV_RESOLUTION",
];

/// Variables among these that hold addresses. A path of this machine is of no use in the container.
const ADDRESSES: &[&str] =
    &["UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL"];

/// Variables that name a file whose contents the container gets: trusted authorities, and this machine's own
/// certificate.
const FILES: &[&str] = &["SSL_CERT_FILE", "SSL_CLIENT_CERT"];

/// The settings and credentials for a container.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// The values of variables.
    variables: BTreeMap<String, String>,
    /// The contents of files, by the variable that names the file.
    files: BTreeMap<String, String>,
    /// The contents of the file that `uv auth login` writes.
    logins: Option<String>,
}

impl Handover {
    /// Gathers the handover for the workspace `root` from this machine's environment, netrc, logins and
    /// keyring. The caller's own `variables` take precedence.
    pub fn gather(root: &Path, variables: BTreeMap<String, String>) -> Self {
        let mut handover = Self::of_environment(&environment());
        let lookup = |name: &str| std::env::var(name).ok();
        for Login { index, username, password } in keyring::logins(root, lookup) {
            handover.variables.insert(format!("UV_INDEX_{index}_USERNAME"), username);
            handover.variables.insert(format!("UV_INDEX_{index}_PASSWORD"), password);
        }
        if let Some(contents) = netrc_file().and_then(|path| fs_err::read_to_string(path).ok()) {
            handover.files.insert("NETRC".to_owned(), contents);
        }
        handover.logins = login_file().and_then(|path| fs_err::read_to_string(path).ok());
        handover.files.retain(|name, _| !variables.contains_key(name));
        handover.variables.extend(variables);
        handover
    }

    fn of_environment(environment: &[(String, String)]) -> Self {
        let mut handover = Self::default();
        for (name, value) in environment {
            let upper = name.to_ascii_uppercase();
            let is_of_this_machine =
                ADDRESSES.contains(&upper.as_str()) && (!value.contains("://") || value.contains("file://"));
            if (UV_VARIABLES.contains(&upper.as_str()) || upper.starts_with("UV_INDEX_"))
                && !is_of_this_machine
            {
                handover.variables.insert(upper, value.clone());
            } else if FILES.contains(&upper.as_str())
                && let Ok(contents) = fs_err::read_to_string(value)
            {
                handover.files.insert(upper, contents);
            }
        }
        handover
    }

    /// Writes the handover into a file; `None` if it is empty.
    pub fn write(&self) -> io::Result<Option<HandoverFolder>> {
        if *self == Self::default() {
            return Ok(None);
        }
        let work_folder = WorkFolder::new(&std::env::temp_dir())?;
        let folder = work_folder.path().join("handover");
        fs_err::create_dir(&folder)?;
        let file = folder.join(FILE);
        fs_err::write(&file, serde_json::to_vec(self)?)?;
        // The folder around it keeps other users out. The container sees only the inner folder, and may run
        // as any user: it has to be able to read the file there, and to remove it.
        #[cfg(unix)]
        for (path, mode) in [(&file, 0o644), (&folder, 0o777)] {
            use std::os::unix::fs::PermissionsExt as _;
            fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        }
        Ok(Some(HandoverFolder { path: folder, _work_folder: work_folder }))
    }
}

/// A handover on disk, which is removed when this is dropped. If this process is killed before, the next
/// bundle removes it.
#[derive(Debug)]
pub struct HandoverFolder {
    /// The folder that the container gets.
    pub path: PathBuf,
    _work_folder: WorkFolder,
}

/// In the container: reads the file that [`VARIABLE`] names, sets its variables in this process, and removes
/// it. Returns the folder with the files of the handover, which must live as long as uv needs them; `None` if
/// there is no handover.
///
/// Call it at the beginning of a program, before there are threads.
pub fn take() -> io::Result<Option<TempDir>> {
    let Some(path) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return Ok(None) };
    let Handover { variables, files, logins } = serde_json::from_slice(&fs_err::read(&path)?)?;
    // If that is not allowed, the process that wrote the file removes it.
    drop(fs_err::remove_file(&path));

    let folder = private_folder("handover-", &std::env::temp_dir())?;
    let written = |name: &str, contents: &str| -> io::Result<PathBuf> {
        let path = folder.path().join(name);
        fs_err::write(&path, contents)?;
        Ok(path)
    };
    for (name, contents) in &files {
        set(name, &written(name, contents)?);
    }
    if let Some(logins) = logins {
        written(LOGINS, &logins)?;
        set("UV_CREDENTIALS_DIR", folder.path());
    }
    for (name, value) in &variables {
        set(name, Path::new(value));
    }
    Ok(Some(folder))
}

#[expect(unsafe_code, reason = "sound as long as there is one thread, and `take` asks for that")]
fn set(name: &str, value: &Path) {
    unsafe { std::env::set_var(name, value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_an_index_goes_along_and_what_is_about_this_machine_does_not() {
        let environment = [
            ("UV_INDEX_PRIVATE_PASSWORD", "secret"),
            ("UV_DEFAULT_INDEX", "https://token@a.test/simple"),
            ("UV_INDEX", "/home/ada/wheels"),
            ("UV_FIND_LINKS", "file:///home/ada/wheels"),
            ("UV_CACHE_DIR", "/home/ada/cache"),
            ("UV_OFFLINE", "1"),
            ("UV_LAMBDA_CDK_TIMEOUT", "7200"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("SSL_CERT_FILE", "/no/such/file"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let Handover { variables, files, .. } = Handover::of_environment(&environment);
        let names: Vec<&str> = variables.keys().map(String::as_str).collect();
        assert_eq!(names, ["UV_DEFAULT_INDEX", "UV_INDEX_PRIVATE_PASSWORD", "UV_LAMBDA_CDK_TIMEOUT"]);
        assert!(files.is_empty());
    }

    #[test]
    fn the_callers_own_variables_win() {
        let own = [("NETRC", "/mine"), ("UV_INDEX_X_PASSWORD", "mine")];
        let own: BTreeMap<_, _> = own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let Handover { variables, files, .. } =
            Handover::gather(Path::new("/no/such/workspace"), own.clone());
        assert!(own.iter().all(|(name, value)| variables.get(name) == Some(value)));
        assert!(!files.contains_key("NETRC"));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_gets_at_it_and_nothing_stays() {
        use std::os::unix::fs::PermissionsExt as _;
        let handover =
            Handover { variables: BTreeMap::from([("A".to_owned(), "b".to_owned())]), ..Handover::default() };
        let written = handover.write().unwrap().unwrap();
        let around = written.path.parent().unwrap().to_path_buf();
        assert_eq!(fs_err::metadata(&around).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs_err::metadata(&written.path).unwrap().permissions().mode() & 0o777, 0o777);
        drop(written);
        assert!(!around.exists());
        assert!(Handover::default().write().unwrap().is_none());
    }
}
