//! Process: the only place that starts one. Argument arrays, never a shell; an environment that is
//! listed name by name, never inherited whole; bounded output; a time limit; an end with this process.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::bounded_output::{BoundedOutput, Limit, Listener};
#[cfg(unix)]
use super::orphans::Group;
use crate::secrets::mask_credentials;
use crate::support::waiting::Waiting;

/// The environment variable that replaces the time limit of every child, in seconds.
pub const TIMEOUT_VARIABLE: &str = "UV_LAMBDA_CDK_TIMEOUT";

/// The time limit of a question, such as `uv --version`: a cold disk and a slow scanner need a few seconds.
const TIME_OF_QUESTION: Duration = Duration::from_secs(30);

/// The time limit of all other work: the longest builds of native packages stay below it.
const TIME_OF_WORK: Duration = Duration::from_hours(1);

/// The longest answer to a question.
const ANSWER: usize = 64 << 10;

/// The longest standard output of all other work: the names of a million files.
const LISTING: usize = 64 << 20;

/// The length of each end of a text for messages: far more than anybody reads.
const END_OF_MESSAGE: usize = 32 << 10;

/// How long the outputs of a killed group may take to close. A process that left the group may hold them
/// open for ever.
const CLOSING: Duration = Duration::from_secs(1);

/// The first and the longest pause between two looks at a child that closed its outputs and has not ended.
const PAUSES: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(20));

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
pub struct Process {
    command: Command,
    /// How messages name it; `None` for the program and its subcommand.
    name: Option<String>,
    time: Duration,
    stdout: Limit,
    /// Gets each line of standard error.
    listener: Option<Listener>,
}

/// What a finished process said.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error, as text: the whole, or its two ends.
    pub stderr: String,
}

/// A child did not end within its time limit. As the inner error of an [`io::Error`], it is found by
/// [`io::Error::downcast`].
#[derive(Debug, thiserror::Error)]
#[error(
    "`{command}` did not end within {seconds} s and was killed: if it needs longer, set `{TIMEOUT_VARIABLE}` to more seconds; if not, run it yourself to see why it hangs (it may ask a question on the terminal){words}"
)]
pub struct TimedOut {
    /// The command, credentials masked.
    pub command: String,
    /// The time limit.
    pub seconds: u64,
    /// What it said on standard error until then, after a line break, credentials masked; empty if it said
    /// nothing.
    words: String,
}

impl TimedOut {
    fn new(command: String, limit: Duration, words: &str) -> Self {
        let words = match mask_credentials(words.trim()) {
            nothing if nothing.is_empty() => nothing,
            words => format!("\n{words}"),
        };
        Self { command, seconds: limit.as_secs(), words }
    }

    /// Whether this is why `error` happened.
    pub fn caused(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}

impl From<TimedOut> for io::Error {
    fn from(error: TimedOut) -> Self {
        Self::new(io::ErrorKind::TimedOut, error)
    }
}

impl Process {
    /// Prepares `program`, with the essential environment only and no standard input. It may take an hour
    /// and print 64 MiB.
    pub fn new(program: &Path) -> Self {
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        Group::prepare(&mut command);
        let mut process =
            Self { command, name: None, time: TIME_OF_WORK, stdout: Limit::First(LISTING), listener: None };
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

    /// Adds text to the command line as it is, without the quotes that [`Process::args`] adds.
    #[cfg(windows)]
    pub fn raw_argument(&mut self, text: &str) -> &mut Self {
        std::os::windows::process::CommandExt::raw_arg(&mut self.command, text);
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

    /// Takes away those variables of the caller's environment whose name or value `secret` accepts.
    pub fn hide(&mut self, secret: impl Fn(&str, &str) -> bool) -> &mut Self {
        for (name, value) in std::env::vars_os() {
            if secret(&name.to_string_lossy(), &value.to_string_lossy()) {
                self.command.env_remove(name);
            }
        }
        self
    }

    /// Sets the folder the process starts in.
    pub fn current_dir(&mut self, folder: &Path) -> &mut Self {
        self.command.current_dir(folder);
        self
    }

    /// Sets how messages name the command. The default is the program and its subcommand.
    pub fn name(&mut self, name: impl Into<String>) -> &mut Self {
        self.name = Some(name.into());
        self
    }

    /// Makes the process a question: it may take 30 seconds and print 64 KiB.
    pub fn question(&mut self) -> &mut Self {
        self.time = TIME_OF_QUESTION;
        self.stdout = Limit::First(ANSWER);
        self
    }

    /// Sets how many bytes the process may print on standard output. More are an error.
    pub fn longest_answer(&mut self, bytes: usize) -> &mut Self {
        self.stdout = Limit::First(bytes);
        self
    }

    /// Treats standard output as text for messages: of a long one, only the two ends are stored.
    pub fn abridge(&mut self) -> &mut Self {
        self.stdout = Limit::Ends(END_OF_MESSAGE);
        self
    }

    /// Calls `listener` with each line of standard error as soon as it is printed.
    pub fn listen(&mut self, listener: impl FnMut(&str) + Send + 'static) -> &mut Self {
        self.listener = Some(Box::new(listener));
        self
    }

    /// Runs to the end and collects what the process said. If the process exceeds its time limit, it is killed, and so
    /// are its descendants (on Unix); the error is then [`TimedOut`].
    pub fn run(&mut self) -> io::Result<Output> {
        self.run_to_end(None)
    }

    /// Like [`Process::run`], with `input` as the standard input. The process may end without reading all of it.
    pub fn run_with_input(&mut self, input: &[u8]) -> io::Result<Output> {
        self.run_to_end(Some(input.to_vec()))
    }

    /// Starts a conversation: the caller writes and reads at will. The time limit is that of the whole conversation, or of each part
    /// between two pauses.
    pub fn converse(&mut self) -> io::Result<(Conversation, ChildStdin, ChildStdout, ChildStderr)> {
        let limit = self.time_limit()?;
        let mut child = Running::start(self.command.stdin(Stdio::piped()))?;
        let pipes = (child.process.stdin.take(), child.process.stdout.take(), child.process.stderr.take());
        let (Some(input), Some(output), Some(complaints)) = pipes else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        Ok((Conversation::new(child, self.to_string(), limit)?, input, output, complaints))
    }

    fn run_to_end(&mut self, input: Option<Vec<u8>>) -> io::Result<Output> {
        let limit = self.time_limit()?;
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = Running::start(self.command.stdin(stdin))?;
        if let (Some(mut pipe), Some(input)) = (child.process.stdin.take(), input) {
            // A thread, because the process may print while it reads. If the pipe breaks, the status tells why.
            thread::Builder::new().spawn(move || drop(pipe.write_all(&input)))?;
        }
        let (Some(stdout), Some(stderr)) = (child.process.stdout.take(), child.process.stderr.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (end, ended) = channel();
        let stdout = BoundedOutput::read(stdout, self.stdout, end.clone(), None)?;
        let stderr = BoundedOutput::read(stderr, Limit::Ends(END_OF_MESSAGE), end, self.listener.take())?;

        let status = child.wait(&ended, Waiting::new(format!("`{}`", one_line(&self.to_string()))), limit)?;
        if status.is_none() {
            child.kill();
            let _ = ended.recv_timeout(CLOSING);
        }
        let (stderr, _) = stderr.take();
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        let Some(status) = status else { return Err(TimedOut::new(self.to_string(), limit, &stderr).into()) };
        let (stdout, cut) = stdout.take();
        if let Limit::First(longest) = self.stdout
            && cut > 0
        {
            let text = format!("`{self}` printed more than {longest} bytes on standard output");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(Output { status, stdout, stderr })
    }

    fn time_limit(&self) -> io::Result<Duration> {
        let Some(value) = std::env::var_os(TIMEOUT_VARIABLE) else { return Ok(self.time) };
        match value.to_str().map(str::parse) {
            Some(Ok(seconds @ 1..)) => Ok(Duration::from_secs(seconds)),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "`{TIMEOUT_VARIABLE}` is `{}`: set it to a whole number of seconds, at least 1",
                    value.display()
                ),
            )),
        }
    }
}

/// The name of the command in messages: never the whole command line, which may hold a program or a credential.
impl Display for Process {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            return formatter.write_str(name);
        }
        let program = Path::new(self.command.get_program());
        write!(formatter, "{}", program.file_name().unwrap_or(program.as_os_str()).display())?;
        let mut arguments = self.command.get_args();
        if let Some(first) = arguments.next()
            && (arguments.next().is_none() || !first.as_encoded_bytes().starts_with(b"-"))
        {
            write!(formatter, " {}", first.display())?;
        }
        Ok(())
    }
}

/// A command in one line: a command of the user's may have many.
fn one_line(command: &str) -> String {
    match command.trim().split_once('\n') {
        Some((first, _)) => format!("{} ...", first.trim_end()),
        None => command.trim().to_owned(),
    }
}

/// A child that is killed when this is dropped, unless it has ended.
#[derive(Debug)]
struct Running {
    process: Child,
    // Windows has no process groups of this kind. There, a child may outlive this process, and a limit ends the child but not
    // what it started.
    #[cfg(unix)]
    group: Group,
}

impl Running {
    fn start(command: &mut Command) -> io::Result<Self> {
        let process = command.spawn()?;
        Ok(Self {
            #[cfg(unix)]
            group: Group::watch(&process),
            process,
        })
    }

    /// Waits until both outputs are closed, which `ended` tells, and the child has ended. Returns `None` if that takes
    /// longer than `limit`; the child is then not reaped, so that its group can be killed.
    fn wait(
        &mut self,
        ended: &Receiver<()>,
        mut waiting: Waiting,
        limit: Duration,
    ) -> io::Result<Option<ExitStatus>> {
        let (mut pause, longest_pause) = PAUSES;
        let mut is_closed = false;
        loop {
            let step = waiting.tick().min(limit.saturating_sub(waiting.elapsed()));
            if step.is_zero() && waiting.elapsed() >= limit {
                return Ok(None);
            }
            if !is_closed {
                is_closed = matches!(ended.recv_timeout(step), Err(RecvTimeoutError::Disconnected));
            } else if let Some(status) = self.process.try_wait()? {
                return Ok(Some(status));
            } else {
                thread::sleep(pause.min(step));
                pause = longest_pause.min(pause * 2);
            }
        }
    }

    /// Kills a child that is not reaped yet.
    fn kill(&mut self) {
        #[cfg(unix)]
        self.group.kill();
        // It fails only if the child has ended.
        let _ = self.process.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.process.try_wait(), Ok(Some(_))) {
            self.kill();
            let _ = self.process.wait();
        }
    }
}

/// A child that the caller talks to. It ends when this is dropped.
#[derive(Debug)]
pub struct Conversation {
    /// The thread that owns the child, and the channel that tells the thread whether its time limit counts. A closed channel ends the
    /// child.
    owner: Option<(Sender<Clock>, JoinHandle<End>)>,
    command: String,
    limit: Duration,
}

/// Whether the time limit of a child counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// From now on.
    Runs,
    /// Not while nobody talks to the child.
    Stands,
}

/// Why a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    ByCaller,
    ByLimit,
}

impl Conversation {
    fn new(child: Running, command: String, limit: Duration) -> io::Result<Self> {
        let (clock, set) = channel();
        let owner = thread::Builder::new().spawn(move || {
            let mut now = Clock::Runs;
            let end = loop {
                let next = match now {
                    Clock::Runs => set.recv_timeout(limit),
                    Clock::Stands => set.recv().map_err(|_| RecvTimeoutError::Disconnected),
                };
                match next {
                    Ok(next) => now = next,
                    Err(RecvTimeoutError::Timeout) => break End::ByLimit,
                    Err(RecvTimeoutError::Disconnected) => break End::ByCaller,
                }
            };
            drop(child);
            end
        })?;
        Ok(Self { owner: Some((clock, owner)), command, limit })
    }

    /// Stops the time limit: nobody talks to the child for a while.
    pub fn pause(&self) {
        self.set(Clock::Stands);
    }

    /// Starts the time limit anew.
    pub fn resume(&self) {
        self.set(Clock::Runs);
    }

    fn set(&self, clock: Clock) {
        if let Some((owner, _)) = &self.owner {
            // It fails only if the child reached its limit, which the end tells.
            let _ = owner.send(clock);
        }
    }

    /// Ends the child. Fails if its time limit ended it before.
    pub fn end(mut self) -> Result<(), TimedOut> {
        match self.stop() {
            End::ByCaller => Ok(()),
            End::ByLimit => Err(TimedOut::new(self.command.clone(), self.limit, "")),
        }
    }

    fn stop(&mut self) -> End {
        let Some((clock, owner)) = self.owner.take() else { return End::ByCaller };
        drop(clock);
        owner.join().unwrap_or(End::ByCaller)
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str) -> Process {
        let mut process = Process::new(Path::new("/bin/sh"));
        process.args(["-c", script]);
        process
    }

    fn with_limit(script: &str, limit: Duration) -> Process {
        let mut process = shell(script);
        process.time = limit;
        process
    }

    #[test]
    fn a_process_says_what_it_said_and_how_it_ended() {
        let output = shell("echo out; echo err >&2; exit 3").run().unwrap();
        assert_eq!((output.stdout.as_slice(), output.stderr.as_str()), (&b"out\n"[..], "err\n"));
        assert_eq!(output.status.code(), Some(3));
    }

    #[test]
    fn a_process_that_closes_its_outputs_is_waited_for() {
        let output = shell("exec >&- 2>&-; sleep 0.2; exit 4").run().unwrap();
        assert_eq!(output.status.code(), Some(4));
    }

    #[test]
    fn a_process_may_print_while_it_reads_and_end_before_it_has_read_all() {
        let input = vec![b'x'; 1 << 20];
        let mut cat = Process::new(Path::new("cat"));
        assert_eq!(cat.run_with_input(&input).unwrap().stdout, input);
        assert!(shell("exit 0").run_with_input(&input).unwrap().status.success());
    }

    #[test]
    fn an_answer_that_is_too_long_is_an_error_and_does_not_block() {
        let error = shell("yes | head -c 5000000").question().run().unwrap_err();
        assert_eq!(error.to_string(), "`sh` printed more than 65536 bytes on standard output");
    }

    #[test]
    fn of_a_long_message_the_two_ends_are_stored() {
        let mut process = shell("echo begin; yes | head -c 5000000; echo end; yes | head -c 5000000 >&2");
        let output = process.abridge().run().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.starts_with("begin\ny\n") && stdout.ends_with("y\nend\n"));
        assert!(
            stdout.contains("\n[... 493447") && stdout.contains(" bytes are cut here ...]\n"),
            "{}",
            stdout.len()
        );
        assert!(stdout.len() < 70_000 && output.stderr.len() < 70_000);
    }

    #[test]
    fn a_process_over_its_limit_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("alive");
        let script = format!("echo cause >&2; (sleep 1; touch '{}') & sleep 60", file.display());
        let begin = Instant::now();
        let error = with_limit(&script, Duration::from_millis(300)).run().unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(TimedOut::caused(&error));
        let error: TimedOut = error.downcast().unwrap();
        assert!(error.to_string().starts_with("`sh` did not end within 0 s and was killed: "), "{error}");
        assert!(error.to_string().ends_with(" on the terminal)\ncause"), "{error}");
        thread::sleep(Duration::from_millis(1200));
        assert!(!file.exists());
    }

    #[test]
    fn a_process_that_left_the_group_does_not_hold_up_the_error() {
        if which::which("setsid").is_err() {
            return;
        }
        let begin = Instant::now();
        assert!(with_limit("setsid sleep 3 & sleep 60", Duration::from_millis(100)).run().is_err());
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    }

    #[test]
    fn a_conversation_ends_with_its_owner_or_at_its_limit() {
        let (conversation, ..) = shell("sleep 60").converse().unwrap();
        assert!(conversation.end().is_ok());
        let (conversation, ..) = with_limit("sleep 60", Duration::from_millis(50)).converse().unwrap();
        thread::sleep(Duration::from_millis(300));
        assert!(conversation.end().is_err());
    }

    #[test]
    fn the_limit_does_not_count_while_a_conversation_pauses() {
        let (conversation, ..) = with_limit("sleep 60", Duration::from_millis(200)).converse().unwrap();
        conversation.pause();
        thread::sleep(Duration::from_millis(400));
        conversation.resume();
        thread::sleep(Duration::from_millis(50));
        assert!(conversation.end().is_ok());
    }

    #[test]
    fn a_command_is_named_by_its_program_and_subcommand() {
        let name = |arguments: &[&str]| {
            let mut process = Process::new(Path::new("/usr/bin/uv"));
            process.args(arguments).to_string()
        };
        assert_eq!(name(&["sync", "--frozen"]), "uv sync");
        assert_eq!(name(&["--version"]), "uv --version");
        assert_eq!(name(&["-c", "a program"]), "uv");
        assert_eq!(shell("").name("my command").to_string(), "my command");
        assert_eq!(one_line("my command"), "my command");
        assert_eq!(one_line("\nfirst \nsecond\n"), "first ...");
    }
}
