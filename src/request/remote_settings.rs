//! Settings: which remote store, and whether this machine writes there.

use std::time::Duration;

use super::RequestError;
use super::remote_address::Address;

/// The variable with the address of the remote store.
pub const ADDRESS_VARIABLE: &str = "UV_LAMBDA_CDK_REMOTE_CACHE";

/// The variable that says whether this machine writes into the remote store: `read` or `read-write`.
pub const MODE_VARIABLE: &str = "UV_LAMBDA_CDK_REMOTE_CACHE_MODE";

/// The variable that replaces [`TIME_TO_SEND`], in seconds.
const TIME_VARIABLE: &str = "UV_LAMBDA_CDK_REMOTE_CACHE_UPLOAD_TIME";

/// How long the process waits at its end for objects that are still to be written.
const TIME_TO_SEND: Duration = Duration::from_mins(1);

/// A remote store, and how it is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteSettings {
    /// Where it is.
    pub address: Address,
    /// Whether this machine writes there.
    pub mode: Mode,
    /// How long the process waits at its end for objects that are still to be written.
    pub time_to_send: Duration,
}

/// Whether this machine writes into the remote store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Mode {
    /// It does not: whoever can write there can put code into functions.
    #[default]
    Read,
    /// It does.
    ReadWrite,
}

impl RemoteSettings {
    /// The settings of an option with an address and of this process's environment; `None` if neither has an address.
    pub fn of_environment(option: Option<String>) -> Result<Option<Self>, RequestError> {
        Self::read(option, |name| std::env::var(name).ok())
    }

    /// The settings of an option with an address and of the environment; `None` if neither has an address.
    fn read(
        option: Option<String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, RequestError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let (name, value) = match (option, variable(ADDRESS_VARIABLE)) {
            (Some(value), _) => ("remoteCache", value),
            (None, Some(value)) => (ADDRESS_VARIABLE, value),
            (None, None) => return Ok(None),
        };
        let address = Address::parse(&value).map_err(|problem| wrong(name, &value, problem))?;
        let mode = match variable(MODE_VARIABLE) {
            None => Mode::default(),
            Some(value) => match value.as_str() {
                "read" => Mode::Read,
                "read-write" => Mode::ReadWrite,
                _ => return Err(wrong(MODE_VARIABLE, &value, "it is `read` or `read-write`")),
            },
        };
        let time_to_send = match variable(TIME_VARIABLE) {
            None => TIME_TO_SEND,
            Some(value) => {
                let seconds = value
                    .parse()
                    .map_err(|_| wrong(TIME_VARIABLE, &value, "it is a whole number of seconds"));
                Duration::from_secs(seconds?)
            }
        };
        Ok(Some(Self { address, mode, time_to_send }))
    }
}

fn wrong(name: &'static str, value: &str, problem: impl Into<String>) -> RequestError {
    RequestError::RemoteCache { name, value: without_secrets(value), problem: problem.into() }
}

/// A wrong address without the parts in which somebody may have written a secret: its parameters, and what is before an `@`, which need
/// not be where an address has credentials.
fn without_secrets(address: &str) -> String {
    let shown = address.split(['?', '#']).next().unwrap_or_default();
    match shown.rsplit_once('@') {
        None => shown.to_owned(),
        Some((before, host)) => {
            let scheme = before.split_once("://").map(|(scheme, _)| format!("{scheme}://"));
            format!("{}****@{host}", scheme.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        option: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Option<RemoteSettings>, RequestError> {
        RemoteSettings::read(option.map(str::to_owned), |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_option_comes_before_the_variable_and_reading_is_the_default() {
        assert_eq!(read(None, &[(ADDRESS_VARIABLE, "")]).unwrap(), None);
        let both = read(Some("s3://one"), &[(ADDRESS_VARIABLE, "s3://two")]).unwrap().unwrap();
        assert_eq!((both.address.to_string().as_str(), both.mode), ("s3://one", Mode::Read));
        let written = read(None, &[(ADDRESS_VARIABLE, "s3://two"), (MODE_VARIABLE, "read-write")]);
        assert_eq!(written.unwrap().unwrap().mode, Mode::ReadWrite);
    }

    #[test]
    fn wrong_settings_are_named() {
        let error = |option, variables: &[(&str, &str)]| read(option, variables).unwrap_err().to_string();
        assert!(
            error(None, &[(ADDRESS_VARIABLE, "bucket")])
                .starts_with("`UV_LAMBDA_CDK_REMOTE_CACHE` is `bucket`: ")
        );
        assert_eq!(
            error(None, &[(ADDRESS_VARIABLE, "s3://a"), (MODE_VARIABLE, "write")]),
            "`UV_LAMBDA_CDK_REMOTE_CACHE_MODE` is `write`: it is `read` or `read-write`"
        );
        assert_eq!(
            error(None, &[(ADDRESS_VARIABLE, "s3://a"), (TIME_VARIABLE, "1m")]),
            "`UV_LAMBDA_CDK_REMOTE_CACHE_UPLOAD_TIME` is `1m`: it is a whole number of seconds"
        );
        assert!(error(Some("bucket"), &[]).starts_with("`remoteCache` is `bucket`: "));
        let secret = error(Some("s3://a?secret_access_key=planted"), &[]);
        assert!(secret.contains("`secret_access_key`") && !secret.contains("planted"), "{secret}");
    }

    #[test]
    fn a_secret_at_any_place_of_an_address_is_not_shown() {
        for (address, shown) in [
            ("s3://key:secret@bucket/prefix?region=x", "s3://****@bucket/prefix"),
            ("s3:/key:secret@bucket", "****@bucket"),
            ("key:sec@ret@bucket", "****@bucket"),
            ("s3://bucket#secret", "s3://bucket"),
            ("s3://bucket", "s3://bucket"),
        ] {
            assert_eq!(without_secrets(address), shown);
        }
    }
}
