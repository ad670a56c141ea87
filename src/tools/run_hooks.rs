//! Runs the commands of `hooks`, on this machine as in the container. Whether their results are reproducible is up to
//! their author.

use std::io;
use std::path::{Path, PathBuf};

use crate::codes::ErrorCode;
use crate::request::hooks::Hook;
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
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Start { .. } | Self::Failed { .. } => ErrorCode::HookFailed,
            Self::TimedOut { .. } => ErrorCode::TimedOut,
        }
    }
}

/// Runs commands one after another in `folder`, with the caller's whole environment: they are the
/// caller's own.
pub fn run(hooks: &[Hook], when: &'static str, folder: &Path) -> Result<(), HookError> {
    for hook in hooks {
        let command = || mask_credentials(&hook.to_string());
        let mut process = process(hook, folder);
        let output = process.inherit(|_| true).current_dir(folder).name(command()).abridge().run().map_err(
            |source| match source.downcast() {
                Ok(source) => HookError::TimedOut { when, source },
                Err(source) => HookError::Start { when, command: command(), source },
            },
        )?;
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

/// The process of a command that starts in `folder`.
fn process(hook: &Hook, folder: &Path) -> Process {
    match hook {
        Hook::Program { program, arguments } => {
            let mut process = Process::new(&executable(program, folder));
            process.args(arguments);
            process
        }
        Hook::Line(line) => shell(line),
    }
}

#[cfg(not(windows))]
fn shell(line: &str) -> Process {
    let mut process = Process::new(Path::new("sh"));
    process.args(["-c", line]);
    process
}

/// The shell of Windows takes its line as it is, with the quotes of its own language. `/S` makes it remove exactly
/// the outer pair of quotes, and `/D` keeps the `AutoRun` commands of this machine's registry out.
#[cfg(windows)]
fn shell(line: &str) -> Process {
    let mut process = Process::new(Path::new("cmd"));
    process.args(["/D", "/S", "/C"]).raw_argument(&format!("\"{line}\""));
    process
}

#[cfg(not(windows))]
fn executable(program: &str, _folder: &Path) -> PathBuf {
    PathBuf::from(program)
}

/// The file that a user of Windows means: `npm` is `npm.cmd` there, and the system by itself looks for `npm.exe` only.
#[cfg(windows)]
fn executable(program: &str, folder: &Path) -> PathBuf {
    which::which_in(program, std::env::var_os("PATH"), folder).unwrap_or_else(|_| PathBuf::from(program))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hook(value: serde_json::Value) -> Hook {
        value.try_into().unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn arguments_are_passed_as_they_are_and_lines_are_the_shells() {
        let folder = tempfile::tempdir().unwrap();
        let hooks = [hook(json!(["touch", "a $HOME"])), hook(json!("echo one > b && echo two >> b"))];
        run(&hooks, "beforeBuild", folder.path()).unwrap();
        assert!(folder.path().join("a $HOME").exists());
        assert_eq!(fs_err::read_to_string(folder.path().join("b")).unwrap(), "one\ntwo\n");
    }

    #[cfg(windows)]
    #[test]
    fn a_script_is_found_without_its_extension_and_a_line_has_its_own_quotes() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("tool.cmd"), "@echo %~1> a\r\n").unwrap();
        let hooks =
            [hook(json!([".\\tool", "one two"])), hook(json!("\"tool\" \"b c\" && echo \"done\">> a"))];
        run(&hooks, "beforeBuild", folder.path()).unwrap();
        assert_eq!(fs_err::read_to_string(folder.path().join("a")).unwrap(), "b c\r\n\"done\"\r\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_failure_says_which_command_and_what_it_said() {
        let folder = tempfile::tempdir().unwrap();
        let fails = |value| run(&[hook(value)], "beforeZip", folder.path()).unwrap_err().to_string();
        let message = fails(json!("echo cause; exit 3"));
        assert_eq!(message, "the `beforeZip` command `echo cause; exit 3` failed (exit status: 3):\ncause");
        assert!(fails(json!(["/no/such/program"])).starts_with("failed to start the `beforeZip` command"));
    }
}
