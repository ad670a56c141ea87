//! Keyring: the passwords that this machine's `keyring` has for the indexes of a project. uv asks for them by itself; this
//! is for a container, which has no keyring.

use std::path::Path;

use serde::Deserialize;

use crate::tools::process::Process;
use crate::tools::uv::is_passed;

/// The login of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The index, as uv spells its name in variables: `MY_INDEX`.
    pub index: String,
    /// Who.
    pub username: String,
    /// The password.
    pub password: String,
}

/// An index with a name, which its variables have to have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Index {
    name: Option<String>,
    url: String,
}

/// What is read of uv's settings.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Settings {
    keyring_provider: Option<String>,
    #[serde(default)]
    index: Vec<Index>,
}

#[derive(Debug, Default, Deserialize)]
struct Manifest {
    #[serde(default)]
    tool: Tool,
}

#[derive(Debug, Default, Deserialize)]
struct Tool {
    #[serde(default)]
    uv: Settings,
}

/// Every login that uv would ask the keyring for in the workspace `root`, as far as the keyring has it. `variable` is the
/// environment.
pub fn logins(root: &Path, variable: impl Fn(&str) -> Option<String>) -> Vec<Login> {
    let read = |name: &str| fs_err::read_to_string(root.join(name)).unwrap_or_default();
    let manifest: Manifest = toml::from_str(&read("pyproject.toml")).unwrap_or_default();
    let own: Settings = toml::from_str(&read("uv.toml")).unwrap_or_default();
    let provider =
        variable("UV_KEYRING_PROVIDER").or(own.keyring_provider).or(manifest.tool.uv.keyring_provider);
    if provider.as_deref() != Some("subprocess") {
        return Vec::new();
    }
    let Ok(keyring) = which::which("keyring") else { return Vec::new() };

    let added = ["UV_INDEX", "UV_DEFAULT_INDEX"].map(|name| variable(name).unwrap_or_default());
    let added = added.iter().flat_map(|value| value.split_whitespace()).filter_map(|index| {
        let (name, url) = index.split_once('=')?;
        Some(Index { name: Some(name.to_owned()), url: url.to_owned() })
    });
    let mut logins: Vec<Login> = Vec::new();
    for Index { name, url } in added.chain(own.index).chain(manifest.tool.uv.index) {
        let Some(index) = name.as_deref().map(name_in_variables) else { continue };
        let (service, username_in_url) = without_username(&url);
        let username = variable(&format!("UV_INDEX_{index}_USERNAME")).or(username_in_url);
        let is_known = variable(&format!("UV_INDEX_{index}_PASSWORD")).is_some()
            || logins.iter().any(|login| login.index == index);
        let Some(username) = username.filter(|_| !is_known) else { continue };
        if let Some(password) = password(&keyring, &service, &username) {
            logins.push(Login { index, username, password });
        }
    }
    logins
}

/// Asks as uv does: for the address, then for its host.
fn password(keyring: &Path, service: &str, username: &str) -> Option<String> {
    let host = service.split_once("://").and_then(|(_, rest)| rest.split('/').next())?;
    [service, host].iter().find_map(|service| {
        let output = Process::new(keyring).args(["get", service, username]).inherit(is_passed).run().ok()?;
        let password = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !password.is_empty()).then_some(password)
    })
}

/// How uv spells the name of an index in a variable.
fn name_in_variables(index: &str) -> String {
    let part = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' }
    };
    index.chars().map(part).collect()
}

/// An address and the name in it. One with a password needs no keyring.
fn without_username(url: &str) -> (String, Option<String>) {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let (username, rest) = rest.split_once('@')?;
        (!username.contains([':', '/'])).then(|| (format!("{scheme}://{rest}"), Some(username.to_owned())))
    });
    parts.unwrap_or_else(|| (url.to_owned(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_named_in_a_variable_as_uv_does() {
        assert_eq!(name_in_variables("my-index.one_2"), "MY_INDEX_ONE_2");
    }

    #[test]
    fn the_name_of_a_user_is_read_from_the_address() {
        let (address, name) = without_username("https://ada@a.test/simple");
        assert_eq!((address.as_str(), name.as_deref()), ("https://a.test/simple", Some("ada")));
        assert_eq!(without_username("https://a.test/@b").1, None);
        assert_eq!(without_username("https://ada:secret@a.test/").1, None);
    }

    #[test]
    fn a_keyring_that_uv_would_not_ask_is_not_asked() {
        let root = tempfile::tempdir().unwrap();
        let manifest = "[[tool.uv.index]]\nname = 'private'\nurl = 'https://ada@a.test/simple'\n";
        fs_err::write(root.path().join("pyproject.toml"), manifest).unwrap();
        assert_eq!(logins(root.path(), |_| None), []);
    }
}
