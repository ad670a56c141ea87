//! Secrets: masks credentials in errors and logs, and removes them from zips.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The text that replaces a secret.
const MASK: &str = "****";

/// A shorter credential of an index is not masked, because it is a part of many ordinary words.
const SHORTEST_CREDENTIAL: usize = 4;

/// A shorter value of any other variable is not masked: that it is a secret is only a guess from the name of
/// the variable, and wrong for `USE_TOKEN=true`.
const SHORTEST_GUESS: usize = 8;

/// Words in the name of a variable whose value is a secret.
const SECRET_WORDS: &[&str] =
    &["PASSWORD", "PASSWD", "PASSPHRASE", "TOKEN", "SECRET", "CREDENTIAL", "_ACCOUNT_KEY", "_CACHE_KEY"];

/// The text with every credential in it replaced by `****`: those in addresses, and the secrets of this
/// machine's environment and netrc, in every spelling in which a program may print them.
pub fn mask_credentials(text: &str) -> String {
    let read =
        |file: Option<PathBuf>| file.and_then(|path| fs_err::read_to_string(path).ok()).unwrap_or_default();
    let mut logins = netrc_credentials(&read(netrc_file()));
    logins.extend(login_credentials(&read(login_file())));
    mask(text, &environment(), &logins)
}

/// The variables of this process that are Unicode.
pub(crate) fn environment() -> Vec<(String, String)> {
    // Not `vars`, which panics if a value is not Unicode.
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Masks the credentials in addresses, the secrets in `environment`, and the passwords of `logins`, which are
/// pairs of a login and a password.
fn mask(text: &str, environment: &[(String, String)], logins: &[(String, String)]) -> String {
    let mut secrets = BTreeSet::new();
    for (name, value) in environment {
        let username = || {
            let user = format!("{}_USERNAME", name.strip_suffix("_PASSWORD").unwrap_or_default());
            environment.iter().find(|(name, _)| *name == user).map_or("", |(_, value)| value.as_str())
        };
        let upper = name.to_ascii_uppercase();
        let is_credential =
            upper.starts_with("UV_INDEX_") && (upper.ends_with("_PASSWORD") || upper.ends_with("_USERNAME"));
        if is_credential && value.len() >= SHORTEST_CREDENTIAL {
            add_spellings(&mut secrets, username(), value);
        } else if value.len() >= SHORTEST_GUESS && SECRET_WORDS.iter().any(|word| upper.contains(word)) {
            add_spellings(&mut secrets, "", value);
        }
        // Several addresses may stand in one value.
        for address in value.split([' ', ',', '\n', '\t']) {
            let Some((_, rest)) = address.split_once("://") else { continue };
            let Some(length) = credentials_of(rest) else { continue };
            let (user, password) = rest[..length].split_once(':').unwrap_or((&rest[..length], ""));
            // A lone name is a token.
            let secret = if password.is_empty() { user } else { password };
            if secret.len() >= SHORTEST_CREDENTIAL {
                add_spellings(&mut secrets, user, secret);
            }
        }
    }
    for (login, password) in logins {
        if password.len() >= SHORTEST_CREDENTIAL {
            add_spellings(&mut secrets, login, password);
        }
    }
    // Longer secrets are replaced first: if one has another in it, the rest of it would stay otherwise.
    let mut secrets: Vec<String> = secrets.into_iter().collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.iter().fold(mask_addresses(text), |text, secret| text.replace(secret.as_str(), MASK))
}

/// Adds a secret as programs may print it: as it is, percent-encoded and decoded, with its quotes and backslashes escaped,
/// and as it is sent to a server.
fn add_spellings(secrets: &mut BTreeSet<String>, user: &str, secret: &str) {
    let plain = percent_decoded(secret);
    for text in [secret, plain.as_str()] {
        let json = serde_json::json!(text).to_string();
        secrets.extend([
            text.to_owned(),
            percent_encoded(text, "-._~"),
            // The functions of Python, JavaScript and Rust leave different characters as they are.
            percent_encoded(text, "-._~/"),
            percent_encoded(text, "-._~!*'()"),
            percent_encoded(text, "-._~!$&'()*+,;=%"),
            json[1..json.len() - 1].to_owned(),
        ]);
        for sent in [text.to_owned(), format!("{}:{text}", percent_decoded(user))] {
            secrets.extend([STANDARD_NO_PAD.encode(&sent), URL_SAFE_NO_PAD.encode(&sent)]);
        }
    }
}

/// The text with every character percent-encoded that is neither a letter nor a digit, nor one of `unescaped`.
pub(crate) fn percent_encoded(text: &str, unescaped: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || unescaped.as_bytes().contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The text with its percent-encoded characters decoded.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        let escaped = rest
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(escaped.unwrap_or(*first));
        bytes = if escaped.is_some() { &rest[2..] } else { rest };
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// Masks the credentials of every address in a text.
fn mask_addresses(text: &str) -> String {
    replace_credentials(text, |_, _| Some("****@"))
}

/// The text without the credentials of the addresses in it. The user of an ssh address is not a credential.
pub(crate) fn remove_credentials(text: &str) -> String {
    replace_credentials(text, |scheme, credentials| {
        (!scheme.ends_with("ssh") || credentials.contains(':')).then_some("")
    })
}

/// Replaces, in each address of a text, the credentials with their `@`, if `replacement` has something for this scheme
/// and these credentials.
fn replace_credentials(text: &str, replacement: impl Fn(&str, &str) -> Option<&'static str>) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        replaced.push_str(before);
        replaced.push_str("://");
        let credentials = credentials_of(after).map(|length| after.split_at(length));
        rest = after;
        if let Some((credentials, host)) = credentials
            && let Some(replacement) = replacement(before, credentials)
        {
            replaced.push_str(replacement);
            rest = &host[1..];
        }
    }
    replaced + rest
}

/// The length of the credentials in `address`, the part of an address after `://`; `None` if it has none.
/// Works for malformed addresses too: uv prints an address, for example, because its password has a `/` that
/// is not encoded.
fn credentials_of(address: &str) -> Option<usize> {
    let end = |stops: &[char]| {
        let end = address.find(|character: char| character.is_whitespace() || stops.contains(&character));
        &address[..end.unwrap_or(address.len())]
    };
    let address = end(&['`', '"', '<', '>']);
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    // The address of a file: `git+file:///repository@v1`.
    if authority.is_empty() {
        return None;
    }
    let (host, in_authority) = match authority.rfind('@') {
        Some(at) => (&authority[at + 1..], Some(at)),
        None => (authority, None),
    };
    if is_host(host) { in_authority } else { address.rfind('@') }
}

/// Whether a text is a host, with or without a port, and not a part of a password. A name without a dot
/// counts as a host if its port is a number.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_number = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    host.contains('.') && port.is_none_or(is_number)
        || host.starts_with('[')
        || host == "localhost"
        || port.is_some_and(|port| !port.is_empty() && is_number(port))
}

/// The netrc that uv reads.
pub(crate) fn netrc_file() -> Option<PathBuf> {
    let named = std::env::var_os("NETRC").map(PathBuf::from);
    named.or_else(|| Some(home()?.join(if cfg!(windows) { "_netrc" } else { ".netrc" })))
}

/// The file in which `uv auth login` stores logins, if it does not use a keyring.
pub(crate) fn login_file() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let folder = variable("UV_CREDENTIALS_DIR").or_else(|| {
        let uv = if cfg!(windows) {
            variable("APPDATA")?.join("uv/data")
        } else {
            variable("XDG_DATA_HOME").or_else(|| Some(home()?.join(".local/share")))?.join("uv")
        };
        Some(uv.join("credentials"))
    });
    Some(folder?.join(LOGINS))
}

/// The name of the file that `uv auth login` writes.
pub(crate) const LOGINS: &str = "credentials.toml";

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from)
}

/// Every login and password of a netrc. Words in comments and macros may be among them, which does no harm.
fn netrc_credentials(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut login = "";
    let mut words = text.split_whitespace().map(|word| word.trim_matches('"'));
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => login = "",
            "login" => login = words.next().unwrap_or_default(),
            "password" => found.push((login.to_owned(), words.next().unwrap_or_default().to_owned())),
            _ => {}
        }
    }
    found
}

/// The contents of the file that `uv auth login` writes.
#[derive(serde::Deserialize)]
struct Logins {
    #[serde(default)]
    credential: Vec<Login>,
}

#[derive(serde::Deserialize)]
struct Login {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    token: String,
}

/// Every login and password, or token, of the file that `uv auth login` writes.
fn login_credentials(text: &str) -> Vec<(String, String)> {
    let logins = toml::from_str::<Logins>(text).map_or_else(|_| Vec::new(), |logins| logins.credential);
    let pairs =
        logins.into_iter().flat_map(|login| [(login.username, login.password), (String::new(), login.token)]);
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str, environment: &[(&str, &str)]) -> String {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        mask(text, &environment.iter().map(owned).collect::<Vec<_>>(), &[])
    }

    #[test]
    fn credentials_in_addresses_are_masked() {
        for (text, expected) in [
            ("https://user:secret@example.com/simple/x", "https://****@example.com/simple/x"),
            (
                "http://token@host.test/ and `ssh://git@host/`",
                "http://****@host.test/ and `ssh://****@host/`",
            ),
            ("https://user:p@ss@example.com/", "https://****@example.com/"),
            ("'https://user:pa/s@s@127.0.0.1:80/'", "'https://****@127.0.0.1:80/'"),
            ("https://user:p@s/word?#@example.com/", "https://****@example.com/"),
            ("https://user:secret@nexus:8081/a@b", "https://****@nexus:8081/a@b"),
        ] {
            assert_eq!(masked(text, &[]), expected);
        }
    }

    #[test]
    fn removing_leaves_an_address_that_works() {
        let removed = remove_credentials("a @ https://u:p@a.test/a.whl, b @ git+ssh://git@b.test/b@v1");
        assert_eq!(removed, "a @ https://a.test/a.whl, b @ git+ssh://git@b.test/b@v1");
    }

    #[test]
    fn addresses_without_credentials_are_as_they_were() {
        for text in [
            "git+https://github.com/python/cpython@v3.13",
            "https://localhost/a@b https://[::1]:8080/a@b",
            "https://nexus:8081/@scope/a",
            "https://nexus/simple",
            "git+file:///srv/repository@v1",
            "://",
        ] {
            assert_eq!(masked(text, &[]), text);
        }
    }

    #[test]
    fn secrets_of_the_environment_are_masked_in_every_spelling() {
        let password = "p@ss/w:rd%41\"";
        let environment = [("UV_INDEX_X_USERNAME", "ada.lovelace"), ("UV_INDEX_X_PASSWORD", password)];
        for printed in [
            "p@ss/w:rd%41\"",
            "p%40ss%2Fw%3Ard%2541%22",
            "p%40ss/w%3Ard%2541%22",
            "p@ss/w:rd%41\\\"",
            "ada.lovelace",
            "YWRhLmxvdmVsYWNlOnBAc3MvdzpyZCU0MSI",
        ] {
            assert_eq!(masked(&format!("said {printed}!"), &environment), "said ****!");
        }
    }

    #[test]
    fn addresses_in_the_environment_are_secrets_wherever_they_are_repeated() {
        let index = [("UV_INDEX", "one=https://a.test/ two=https://ada:p%40ssword@b.test/simple")];
        assert_eq!(masked("user ada, p%40ssword or p@ssword", &index), "user ada, **** or ****");
        let proxy = [("HTTPS_PROXY", "http://t0ken-0f-proxy@proxy.test:3128")];
        assert_eq!(masked("t0ken-0f-proxy", &proxy), "****");
    }

    #[test]
    fn names_that_promise_a_secret_are_believed_where_the_value_is_long() {
        let environment = [("USE_TOKEN", "true"), ("GITHUB_TOKEN", "ghp_0123456789")];
        assert_eq!(masked("it is true: ghp_0123456789", &environment), "it is true: ****");
    }

    #[test]
    fn what_uv_was_told_at_a_login_is_masked() {
        let logins = "[[credential]]\nservice = 'https://a.test'\nusername = 'ada'\nscheme = 'basic'\npassword = 'hunter2'\n[[credential]]\nscheme = 'bearer'\ntoken = 't0ken'\n";
        assert_eq!(mask("ada hunter2 t0ken", &[], &login_credentials(logins)), "ada **** ****");
    }

    #[test]
    fn passwords_of_a_netrc_are_masked() {
        let netrc = "# mine\nmachine a.test login ada password hunter2-a\ndefault\n  login b\n  password \"hunter2-b\"\n";
        let masked = mask("hunter2-a hunter2-b machine", &[], &netrc_credentials(netrc));
        assert_eq!(masked, "**** **** machine");
    }
}
