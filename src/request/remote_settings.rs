//! Settings: which remote store, and whether this machine writes there.

use std::time::Duration;

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

/// A setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongSetting {
    /// The option or the variable.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it, as the end of a sentence.
    pub problem: String,
}

impl RemoteSettings {
    /// The settings of an option with an address and of the environment; `None` if neither has an address.
    pub fn read(
        option: Option<String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, WrongSetting> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let (name, value) = match (option, variable(ADDRESS_VARIABLE)) {
            (Some(value), _) => ("remoteCache", value),
            (None, Some(value)) => (ADDRESS_VARIABLE, value),
            (None, None) => return Ok(None),
        };
        let address = Address::parse(&value).map_err(|problem| WrongSetting { name, value, problem })?;
        let mode = match variable(MODE_VARIABLE) {
            None => Mode::default(),
            Some(value) => match value.as_str() {
                "read" => Mode::Read,
                "read-write" => Mode::ReadWrite,
                _ => {
                    let problem = "it is `read` or `read-write`".to_owned();
                    return Err(WrongSetting { name: MODE_VARIABLE, value, problem });
                }
            },
        };
        let time_to_send = match variable(TIME_VARIABLE) {
            None => TIME_TO_SEND,
            Some(value) => match value.parse() {
                Ok(seconds) => Duration::from_secs(seconds),
                Err(_) => {
                    let problem = "it is a whole number of seconds".to_owned();
                    return Err(WrongSetting { name: TIME_VARIABLE, value, problem });
                }
            },
        };
        Ok(Some(Self { address, mode, time_to_send }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        option: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Option<RemoteSettings>, WrongSetting> {
        RemoteSettings::read(option.map(str::to_owned), |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_option_comes_before_the_variable_and_reading_is_the_default() {
        assert_eq!(read(None, &[(ADDRESS_VARIABLE, "")]), Ok(None));
        let both = read(Some("s3://one"), &[(ADDRESS_VARIABLE, "s3://two")]).unwrap().unwrap();
        assert_eq!((both.address.to_string().as_str(), both.mode), ("s3://one", Mode::Read));
        let written = read(None, &[(ADDRESS_VARIABLE, "s3://two"), (MODE_VARIABLE, "read-write")]);
        assert_eq!(written.unwrap().unwrap().mode, Mode::ReadWrite);
    }

    #[test]
    fn wrong_settings_are_named() {
        let name = |variables: &[(&str, &str)]| read(None, variables).unwrap_err().name;
        assert_eq!(name(&[(ADDRESS_VARIABLE, "bucket")]), ADDRESS_VARIABLE);
        assert_eq!(name(&[(ADDRESS_VARIABLE, "s3://a"), (MODE_VARIABLE, "write")]), MODE_VARIABLE);
        assert_eq!(name(&[(ADDRESS_VARIABLE, "s3://a"), (TIME_VARIABLE, "1m")]), TIME_VARIABLE);
        assert_eq!(read(Some("bucket"), &[]).unwrap_err().name, "remoteCache");
    }
}
