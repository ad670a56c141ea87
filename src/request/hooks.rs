//! The option `hooks`: commands of the caller that run around the build. [`crate::tools::run_hooks`] runs them.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::request::options_from_json::null_as_default;

/// The commands of a request, in the order in which they run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Args)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[serde(expecting = "an object such as `{ beforeBuild: [...], beforeZip: [...] }`")]
pub struct Hooks {
    /// A command to run in the copy of the package before it is built: a line for `sh`, or a JSON array of a program and its
    /// arguments; may be repeated
    #[arg(id = "hooks.beforeBuild", long = "before-build", value_name = "COMMAND")]
    #[serde(deserialize_with = "null_as_default")]
    pub before_build: Vec<Hook>,
    /// A command to run in a folder with the files that ship, before they are compiled and zipped; may be repeated
    #[arg(id = "hooks.beforeZip", long = "before-zip", value_name = "COMMAND")]
    #[serde(deserialize_with = "null_as_default")]
    pub before_zip: Vec<Hook>,
}

/// One command. In JSON it is an array (a program and its arguments) or one line for the shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Hook {
    /// A program, started without a shell.
    Program {
        /// The program.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// A line for the shell: `sh`, or `cmd` on Windows.
    Line(String),
}

/// The value is not a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a program and its arguments as an array of texts, or one line for the shell")]
pub struct NotACommand;

impl TryFrom<Value> for Hook {
    type Error = NotACommand;

    fn try_from(value: Value) -> Result<Self, NotACommand> {
        match value {
            Value::String(line) if !line.trim().is_empty() => Ok(Self::Line(line)),
            Value::Array(_) => {
                let texts: Vec<String> = serde_json::from_value(value).map_err(|_| NotACommand)?;
                let (program, arguments) = texts.split_first().ok_or(NotACommand)?;
                Ok(Self::Program { program: program.clone(), arguments: arguments.to_vec() })
            }
            _ => Err(NotACommand),
        }
    }
}

impl From<Hook> for Value {
    fn from(hook: Hook) -> Self {
        match hook {
            Hook::Program { program, arguments } => std::iter::once(program).chain(arguments).collect(),
            Hook::Line(line) => Self::String(line),
        }
    }
}

impl FromStr for Hook {
    type Err = NotACommand;

    /// Reads a command of the command line: a JSON array is a program and its arguments, other text is a line for the shell.
    fn from_str(text: &str) -> Result<Self, NotACommand> {
        let array = serde_json::from_str(text).ok().filter(Value::is_array);
        array.unwrap_or_else(|| Value::String(text.to_owned())).try_into()
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { program, arguments } => {
                formatter.write_str(program)?;
                arguments.iter().try_for_each(|argument| write!(formatter, " {argument}"))
            }
            Self::Line(line) => formatter.write_str(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_is_an_array_of_texts_or_a_line() {
        for (text, value) in [
            ("make", json!("make")),
            (r#"["cp", "a b", ""]"#, json!(["cp", "a b", ""])),
            ("[ -f a ] && make", json!("[ -f a ] && make")),
        ] {
            let hook: Hook = text.parse().unwrap();
            assert_eq!(Value::from(hook), value);
        }
        for value in [json!([]), json!(["cp", 1]), json!(" "), json!(1), json!({})] {
            assert_eq!(Hook::try_from(value.clone()), Err(NotACommand), "{value}");
        }
    }
}
