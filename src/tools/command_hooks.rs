//! Runs the commands of `commandHooks`, on this machine as in the container. Whether their results are reproducible is up to
//! their author.

use std::io;
use std::path::Path;

use crate::request::command_hooks::CommandHook;
use crate::secrets::mask_credentials;
use crate::tools::process::{Process, TimedOut};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
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
    /// It did not end in time.
    #[error("the `{when}` command {source}")]
    TimedOut {
        /// When it ran.
        when: &'static str,
        /// The cause, which names the command.
        source: TimedOut,
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
        /// Its output.
        words: String,
    },
}

impl HookError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Start { .. } | Self::Failed { .. } => "HOOK_FAILED",
            Self::TimedOut { .. } => TimedOut::CODE,
        }
    }
}

/// Runs commands one after another in `folder`, with the caller's whole environment: they are the
/// caller's own.
pub fn run(hooks: &[CommandHook], when: &'static str, folder: &Path) -> Result<(), HookError> {
    for hook in hooks {
        let (program, arguments) = command_line(hook);
        let command = || mask_credentials(&hook.to_string());
        let output = Process::new(Path::new(program))
            .args(arguments)
            .inherit(|_| true)
            .current_dir(folder)
            .name(command())
            .abridge()
            .run()
            .map_err(|source| match source.downcast() {
                Ok(source) => HookError::TimedOut { when, source },
                Err(source) => HookError::Start { when, command: command(), source },
            })?;
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

/// The program that runs a command, and its arguments.
fn command_line(hook: &CommandHook) -> (&str, Vec<&str>) {
    match hook {
        CommandHook::Program { program, arguments } => {
            (program, arguments.iter().map(String::as_str).collect())
        }
        CommandHook::Line(line) if cfg!(windows) => ("cmd", vec!["/C", line]),
        CommandHook::Line(line) => ("sh", vec!["-c", line]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hook(value: serde_json::Value) -> CommandHook {
        value.try_into().unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn arguments_are_passed_as_they_are_and_lines_are_the_shells() {
        let folder = tempfile::tempdir().unwrap();
        let hooks = [hook(json!(["touch", "a $HOME"])), hook(json!("echo one > b && echo two >> b"))];
        run(&hooks, "beforeBundling", folder.path()).unwrap();
        assert!(folder.path().join("a $HOME").exists());
        assert_eq!(fs_err::read_to_string(folder.path().join("b")).unwrap(), "one\ntwo\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_failure_says_which_command_and_what_it_said() {
        let folder = tempfile::tempdir().unwrap();
        let fails = |value| run(&[hook(value)], "afterBundling", folder.path()).unwrap_err().to_string();
        let message = fails(json!("echo cause; exit 3"));
        assert_eq!(
            message,
            "the `afterBundling` command `echo cause; exit 3` failed (exit status: 3):\ncause"
        );
        assert!(
            fails(json!(["/no/such/program"])).starts_with("failed to start the `afterBundling` command")
        );
    }
}
