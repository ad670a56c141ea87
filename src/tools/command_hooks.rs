//! Hooks: commands of the user's own that run around the installation, on this machine as in the
//! container. What they do to the bundle is theirs to keep reproducible.

use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::secrets::mask::mask_credentials;
use crate::tools::process::Process;

/// The commands of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Hooks {
    /// Run in the copy of the member's folder, before its wheel is built.
    pub before_bundling: Vec<Hook>,
    /// Run in a folder with the files that ship, before they are checked, compiled and zipped.
    pub after_bundling: Vec<Hook>,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(untagged)]
pub enum Hook {
    /// A program and its arguments.
    Arguments(Vec<String>),
    /// A line for the shell: `sh`, or `cmd` on Windows.
    Line(String),
}

/// Why a hook did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// It has no program.
    #[error("a command in `{when}` is empty: write a program and its arguments, or a line for the shell")]
    Empty {
        /// When it was to run.
        when: &'static str,
    },
    /// It did not start.
    #[error("failed to start the `{when}` command `{command}`: {source}")]
    Start {
        /// When it was to run.
        when: &'static str,
        /// The command.
        command: String,
        /// The cause.
        source: io::Error,
    },
    /// It failed.
    #[error("the `{when}` command `{command}` failed ({status}):\n{words}")]
    Failed {
        /// When it ran.
        when: &'static str,
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        words: String,
    },
}

impl HookError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "HOOK_FAILED"
    }
}

/// Runs commands one after another in `folder`, with the caller's whole environment: they are the
/// caller's own.
pub fn run(hooks: &[Hook], when: &'static str, folder: &Path) -> Result<(), HookError> {
    for hook in hooks {
        let arguments = hook.arguments();
        let Some((program, rest)) = arguments.split_first() else { return Err(HookError::Empty { when }) };
        let command = || mask_credentials(&hook.to_string());
        let output = Process::new(Path::new(program))
            .args(rest)
            .inherit(|_| true)
            .current_dir(folder)
            .run()
            .map_err(|source| HookError::Start { when, command: command(), source })?;
        if !output.status.success() {
            let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), output.stderr);
            return Err(HookError::Failed {
                when,
                command: command(),
                status: output.status.to_string(),
                words: mask_credentials(words.trim()),
            });
        }
    }
    Ok(())
}

impl Hook {
    /// The command as one argument of the command line.
    pub fn to_argument(&self) -> String {
        match self {
            Self::Arguments(arguments) => serde_json::json!(arguments).to_string(),
            Self::Line(line) => line.clone(),
        }
    }

    fn arguments(&self) -> Vec<&str> {
        match self {
            Self::Arguments(arguments) => arguments.iter().map(String::as_str).collect(),
            Self::Line(line) if cfg!(windows) => vec!["cmd", "/C", line],
            Self::Line(line) => vec!["sh", "-c", line],
        }
    }
}

impl std::fmt::Display for Hook {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Arguments(arguments) => formatter.write_str(&arguments.join(" ")),
            Self::Line(line) => formatter.write_str(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(parts: &[&str]) -> Hook {
        Hook::Arguments(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    #[cfg(unix)]
    #[test]
    fn arguments_are_passed_as_they_are_and_lines_are_the_shells() {
        let folder = tempfile::tempdir().unwrap();
        let hooks =
            [arguments(&["touch", "a $HOME"]), Hook::Line("echo one > b && echo two >> b".to_owned())];
        run(&hooks, "beforeBundling", folder.path()).unwrap();
        assert!(folder.path().join("a $HOME").exists());
        assert_eq!(fs_err::read_to_string(folder.path().join("b")).unwrap(), "one\ntwo\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_failure_says_which_command_and_what_it_said() {
        let folder = tempfile::tempdir().unwrap();
        let fails = |hook| run(&[hook], "afterBundling", folder.path()).unwrap_err().to_string();
        let message = fails(Hook::Line("echo cause; exit 3".to_owned()));
        assert_eq!(
            message,
            "the `afterBundling` command `echo cause; exit 3` failed (exit status: 3):\ncause"
        );
        assert!(
            fails(arguments(&["/no/such/program"]))
                .starts_with("failed to start the `afterBundling` command")
        );
        assert!(fails(arguments(&[])).contains("is empty"));
    }
}
