//! Helper process: starts the executable that talks to a remote store, and exchanges lines with it.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdout};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::message::{FromHelper, HELPER_VERB, ToHelper};
use crate::tools::process::{Conversation, Process};

/// The beginnings of the names of variables that a helper sees: where services look for credentials and settings, proxies, certificates,
/// and our own.
const VARIABLES: &[&str] = &[
    "UV_LAMBDA_CDK_REMOTE_CACHE",
    "AWS_",
    "GOOGLE_",
    "GCE_",
    "CLOUDSDK_",
    "AZURE_",
    "AZBLOB_",
    "IDENTITY_",
    "MSI_",
    "ACTIONS_",
    "GITHUB_",
    "SSL_CERT_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "XDG_",
];

/// The executable that is started as a helper.
static EXECUTABLE: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Names the executable that is started as a helper. An executable is its own helper, and needs no name.
pub fn set_executable(path: PathBuf) {
    *EXECUTABLE.lock().unwrap_or_else(PoisonError::into_inner) = Some(path);
}

/// A helper that runs. It ends when this is dropped.
#[derive(Debug)]
pub struct HelperProcess {
    /// Passes lines to a thread that writes them: the pipe may be full.
    lines: Sender<Vec<u8>>,
    _conversation: Conversation,
}

/// The answers of a helper, until it ends.
#[derive(Debug)]
pub struct Answers {
    lines: Lines<BufReader<ChildStdout>>,
    complaints: JoinHandle<Option<String>>,
}

impl HelperProcess {
    /// Starts a helper. An error is the end of a sentence.
    pub fn start() -> Result<(Self, Answers), String> {
        let executable = executable()?;
        let mut process = Process::new(&executable);
        process.args([HELPER_VERB]).current_dir(&std::env::temp_dir()).inherit(|name| {
            let name = name.to_ascii_uppercase();
            VARIABLES.iter().any(|beginning| name.starts_with(beginning))
        });
        let not_started = |error| format!("`{}` cannot be started: {error}", executable.display());
        let (conversation, mut input, output, complaints) = process.converse().map_err(not_started)?;
        // Each request to the store has a limit of its own.
        conversation.pause();
        let (lines, said) = channel::<Vec<u8>>();
        let write =
            move || said.iter().try_for_each(|line| input.write_all(&line).and_then(|()| input.flush()));
        thread::Builder::new().spawn(write).map_err(not_started)?;
        let complaints = thread::Builder::new().spawn(|| last_line(complaints)).map_err(not_started)?;
        let answers = Answers { lines: BufReader::new(output).lines(), complaints };
        Ok((Self { lines, _conversation: conversation }, answers))
    }

    /// Sends a message. If the helper has ended, its [`Answers`] end too.
    pub fn tell(&self, message: &ToHelper) {
        if let Ok(mut line) = serde_json::to_vec(message) {
            line.push(b'\n');
            let _ = self.lines.send(line);
        }
    }
}

impl Answers {
    /// Calls `hear` with each answer. Returns the last line of the helper's standard error when it has ended.
    pub fn listen(self, mut hear: impl FnMut(FromHelper)) -> Option<String> {
        let lines = self.lines.map_while(Result::ok);
        lines.filter_map(|line| serde_json::from_str(&line).ok()).for_each(&mut hear);
        self.complaints.join().ok().flatten()
    }
}

fn executable() -> Result<PathBuf, String> {
    let named = EXECUTABLE.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match named {
        Some(executable) => Ok(executable),
        None if cfg!(feature = "remote-cache") => std::env::current_exe().map_err(|error| error.to_string()),
        None => Err(format!(
            "the package that reaches it is not installed: run `npm install @uv-lambda-cdk/remote-cache@{}`; in a checkout, run `npm run build:remote-cache`",
            env!("CARGO_PKG_VERSION")
        )),
    }
}

/// The last line that is not empty: it tells most.
fn last_line(complaints: ChildStderr) -> Option<String> {
    let lines = BufReader::new(complaints).lines().map_while(Result::ok);
    lines.filter(|line| !line.trim().is_empty()).last()
}
