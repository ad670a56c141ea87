//! Process: the only place that starts one. Argument arrays, never a shell; an environment that is
//! listed name by name, never inherited whole.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// What every child may see of the caller's environment, because nothing works without it: where
/// programs, home and temporary folders are, and what Windows needs to start a process at all.
const ESSENTIAL: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TEMP",
    "TMP",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
];

/// A child process that has yet to start.
#[derive(Debug)]
pub struct Process {
    command: Command,
}

/// What a finished process said.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error, as text.
    pub stderr: String,
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Self {
        Self {
            status: output.status,
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Process {
    /// Prepares `program`, with the essential environment only and no standard input.
    pub fn new(program: &Path) -> Self {
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Self { command };
        process.inherit(|name| ESSENTIAL.iter().any(|known| name.eq_ignore_ascii_case(known)));
        process
    }

    /// Adds arguments.
    pub fn args<Arguments>(&mut self, arguments: Arguments) -> &mut Self
    where
        Arguments: IntoIterator,
        Arguments::Item: AsRef<OsStr>,
    {
        self.command.args(arguments);
        self
    }

    /// Sets one environment variable.
    pub fn env(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.command.env(name, value);
        self
    }

    /// Lets through those variables of the caller's environment whose name `wanted` accepts.
    pub fn inherit(&mut self, wanted: impl Fn(&str) -> bool) -> &mut Self {
        let inherited: Vec<(OsString, OsString)> =
            std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(&wanted)).collect();
        self.command.envs(inherited);
        self
    }

    /// Sets the folder the process starts in.
    pub fn current_dir(&mut self, folder: &Path) -> &mut Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs to the end and collects what the process said.
    pub fn run(&mut self) -> io::Result<Output> {
        self.command.output().map(Output::from)
    }

    /// Runs to the end with `input` as the standard input. For processes that say little while they
    /// read.
    pub fn run_with_input(&mut self, input: &[u8]) -> io::Result<Output> {
        let mut child = self.spawn()?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(input)?;
        }
        child.wait_with_output().map(Output::from)
    }

    /// Starts the process with a pipe to its standard input, for a conversation.
    pub fn spawn(&mut self) -> io::Result<Child> {
        self.command.stdin(Stdio::piped()).spawn()
    }
}
