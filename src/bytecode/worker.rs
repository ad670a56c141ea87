//! Worker: one Python process, and the exchange with it. `compile.py` is the other side, and documents the
//! protocol.

use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::panic::resume_unwind;
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::marshal::canonical;
use super::{BytecodeError, Compiled, Source};
use crate::target::PythonVersion;
use crate::tools::interpreter::Interpreter;
use crate::tools::process::{Conversation, Process};

/// The program that Python runs.
const PROGRAM: &str = include_str!("compile.py");

/// How Python is started: without user and site packages, without writing bytecode itself, with UTF-8 whatever
/// the locale, and without the compiler's warnings, which concern the author of a package.
const ARGUMENTS: [&str; 8] = ["-s", "-S", "-B", "-X", "utf8", "-W", "ignore", "-c"];

/// The flags of a `.pyc` that carries a hash of its source (1), not to be checked (2 would check it).
const UNCHECKED_HASH: [u8; 4] = [1, 0, 0, 0];

/// The longest identity in bytes. A longer one does not come from our program.
const LONGEST_IDENTITY: u32 = 256;

/// The number of bytes that an error quotes of Python's standard error: enough for the end of a traceback.
const LONGEST_COMPLAINT: usize = 2048;

/// The results of one worker, each with the index of its source.
pub(super) type Answers = Vec<(usize, Compiled)>;

/// An error, and the index of the source where it occurred.
pub(super) struct Failure {
    pub(super) index: usize,
    pub(super) error: BytecodeError,
}

/// The state that all workers share.
pub(super) struct Work<'a> {
    interpreter: &'a Interpreter,
    version: PythonVersion,
    sources: &'a [Source<'a>],
    /// The index of the next source to compile.
    next: AtomicUsize,
    /// Set when a worker fails, so that the others stop.
    is_over: AtomicBool,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        interpreter: &'a Interpreter,
        version: PythonVersion,
        sources: &'a [Source<'a>],
    ) -> Self {
        Self { interpreter, version, sources, next: AtomicUsize::new(0), is_over: AtomicBool::new(false) }
    }

    /// Starts one Python and compiles until no source is left.
    pub(super) fn run_worker(&self) -> Result<Answers, Failure> {
        let outcome = self.converse();
        if outcome.is_err() {
            self.is_over.store(true, Ordering::Relaxed);
        }
        outcome
    }

    /// Talks to one Python on three threads, so that no pipe fills up while its other end waits: one writes
    /// sources, one reads standard error, and this one reads bytecode and makes it canonical.
    fn converse(&self) -> Result<Answers, Failure> {
        let (python, input, output, complaints) = self
            .start()
            .map_err(|source| BytecodeError::Start { interpreter: self.interpreter.path.clone(), source })
            .map_err(|error| Failure { index: 0, error })?;
        // One source waits in the pipe while Python compiles the one before. More would be missing for
        // workers that are idle at the end.
        let (announce, announced) = sync_channel(1);
        thread::scope(move |scope| {
            let feeder = scope.spawn(move || self.feed(input, &announce));
            let listener = scope.spawn(move || listen(complaints));
            let mut collected = self.collect(output, &announced);
            // Nothing more is needed from Python. The end of the process and of the channel wakes the other
            // threads.
            let ended = python.end();
            drop(announced);
            let fed = feeder.join();
            let heard = listener.join().unwrap_or_default();
            if let Err(Failure {
                error: BytecodeError::Died { complaint, .. } | BytecodeError::Unusable { complaint, .. },
                ..
            }) = &mut collected
            {
                *complaint = heard;
            }
            // If Python was killed at its time limit, that is the cause of every other error.
            if let (Err(error), Err(Failure { index, .. })) = (ended, &collected) {
                return Err(Failure { index: *index, error: error.into() });
            }
            fed.unwrap_or_else(|panic| resume_unwind(panic))?;
            collected
        })
    }

    fn start(&self) -> io::Result<(Conversation, ChildStdin, ChildStdout, ChildStderr)> {
        Process::new(&self.interpreter.path)
            .args(ARGUMENTS)
            .args([PROGRAM])
            // `-I` is not among the arguments because it would ignore this variable.
            .env("PYTHONHASHSEED", "0")
            .converse()
    }

    /// Reads sources and writes them to Python, until none is left or Python has ended.
    fn feed(&self, input: ChildStdin, announce: &SyncSender<usize>) -> Result<(), Failure> {
        let mut input = BufWriter::new(input);
        while !self.is_over.load(Ordering::Relaxed) {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(source) = self.sources.get(index) else { break };
            let content = std::fs::read(source.path).map_err(|error| Failure {
                index,
                error: BytecodeError::Read { path: source.path.to_path_buf(), source: error },
            })?;
            // Announced first, so that the collector waits for it. Both fail only if Python has ended, which
            // the collector reports.
            if announce.send(index).is_err()
                || write_request(&mut input, source.runtime_path.as_bytes(), &content).is_err()
            {
                break;
            }
        }
        Ok(())
    }

    /// Reads Python's answers to the announced sources.
    fn collect(&self, output: ChildStdout, announced: &Receiver<usize>) -> Result<Answers, Failure> {
        let mut output = BufReader::new(output);
        let magic_number = self.check_identity(&mut output).map_err(|error| Failure { index: 0, error })?;
        let mut answers = Answers::new();
        for index in announced {
            let Some(source) = self.sources.get(index) else { continue };
            let compiled = match read_answer(&mut output) {
                Ok(Answer::Code { source_hash, marshalled }) => canonical(&marshalled, self.version)
                    .map(|code| [&magic_number[..], &UNCHECKED_HASH, &source_hash, &code].concat())
                    .map(Compiled::Bytecode)
                    .map_err(|error| BytecodeError::Marshal {
                        path: source.path.to_path_buf(),
                        source: error,
                    }),
                Ok(Answer::NotPython { reason }) => Ok(Compiled::NotPython { reason }),
                Err(_) => Err(BytecodeError::Died {
                    interpreter: self.interpreter.path.clone(),
                    path: source.path.to_path_buf(),
                    complaint: String::new(),
                }),
            };
            answers.push((index, compiled.map_err(|error| Failure { index, error })?));
        }
        Ok(answers)
    }

    /// Reads Python's identity, and returns its magic number if the identity is the expected one.
    fn check_identity(&self, output: &mut impl Read) -> Result<[u8; 4], BytecodeError> {
        let interpreter = || self.interpreter.path.clone();
        let (found, magic_number) = read_identity(output)
            .map_err(|_| BytecodeError::Unusable { interpreter: interpreter(), complaint: String::new() })?;
        let expected = format!("cpython {}", self.interpreter.version);
        if found == expected {
            Ok(magic_number)
        } else {
            Err(BytecodeError::OtherPython { interpreter: interpreter(), expected, found })
        }
    }
}

/// Python's answer to one source.
enum Answer {
    Code { source_hash: [u8; 8], marshalled: Vec<u8> },
    NotPython { reason: String },
}

fn write_request(input: &mut impl Write, path: &[u8], content: &[u8]) -> io::Result<()> {
    for field in [path, content] {
        let length = u32::try_from(field.len()).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
        input.write_all(&length.to_le_bytes())?;
        input.write_all(field)?;
    }
    input.flush()
}

fn read_identity(output: &mut impl Read) -> io::Result<(String, [u8; 4])> {
    let identity = read_field(output, LONGEST_IDENTITY)?;
    Ok((String::from_utf8_lossy(&identity).into_owned(), read_array(output)?))
}

fn read_answer(output: &mut impl Read) -> io::Result<Answer> {
    let [kind] = read_array(output)?;
    match kind {
        b'c' => {
            let source_hash = read_array(output)?;
            Ok(Answer::Code { source_hash, marshalled: read_field(output, u32::MAX)? })
        }
        b'n' => {
            let reason = read_field(output, u32::MAX)?;
            Ok(Answer::NotPython { reason: String::from_utf8_lossy(&reason).into_owned() })
        }
        _ => Err(io::Error::from(ErrorKind::InvalidData)),
    }
}

/// Reads a length of at most `longest`, and as many bytes.
fn read_field(output: &mut impl Read, longest: u32) -> io::Result<Vec<u8>> {
    let length = u32::from_le_bytes(read_array(output)?);
    if length > longest {
        return Err(io::Error::from(ErrorKind::InvalidData));
    }
    // Grows as bytes arrive, so that a wrong length takes no memory.
    let mut content = Vec::new();
    let read = output.take(u64::from(length)).read_to_end(&mut content)?;
    if u32::try_from(read) == Ok(length) {
        Ok(content)
    } else {
        Err(io::Error::from(ErrorKind::UnexpectedEof))
    }
}

fn read_array<const SIZE: usize>(output: &mut impl Read) -> io::Result<[u8; SIZE]> {
    let mut array = [0; SIZE];
    output.read_exact(&mut array)?;
    Ok(array)
}

/// Reads Python's standard error to its end, and returns the last part as the end of a sentence.
fn listen(mut complaints: ChildStderr) -> String {
    let mut heard = Vec::new();
    let mut chunk = [0; LONGEST_COMPLAINT];
    while let Ok(size @ 1..) = complaints.read(&mut chunk) {
        heard.extend_from_slice(&chunk[..size]);
        let surplus = heard.len().saturating_sub(LONGEST_COMPLAINT);
        heard.drain(..surplus);
    }
    match String::from_utf8_lossy(&heard).trim() {
        "" => String::new(),
        complaint => format!(": {complaint}"),
    }
}
