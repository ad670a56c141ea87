//! Python: programs of ours that answer many questions, each in a process that waits for the next question.
//!
//! Starting a Python costs as much as compiling several files, so one that has no more work waits for the next bundle. It ends with
//! this process.

use std::fmt::{self, Debug};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::interpreter::Interpreter;
use super::process::{Conversation, Process, TimedOut};

/// The number of bytes that an error quotes of Python's standard error: enough for the end of a traceback.
const LONGEST_COMPLAINT: usize = 2048;

/// The Pythons that wait for work.
static IDLE: Mutex<Vec<Python>> = Mutex::new(Vec::new());

/// A program that reads questions from standard input until that ends.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// What Python runs.
    pub text: &'static str,
    /// How it is started, up to `-c`.
    pub arguments: &'static [&'static str],
    /// Whether each question has the short time limit of [`Process::question`].
    pub is_quick: bool,
}

/// A Python that runs a program.
pub struct Python {
    interpreter: Interpreter,
    program: &'static Program,
    input: BufWriter<ChildStdin>,
    /// What it answers.
    pub output: BufReader<ChildStdout>,
    /// Whether it has answered questions before. Somebody may have ended it since.
    pub was_idle: bool,
    /// Reads its standard error.
    listener: JoinHandle<String>,
    conversation: Conversation,
}

impl Python {
    /// A Python that is idle, or else a new one.
    pub fn take(interpreter: &Interpreter, program: &'static Program) -> io::Result<Self> {
        let idle = {
            let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
            let place = idle
                .iter()
                .position(|python| python.program == program && python.interpreter == *interpreter);
            place.map(|place| idle.swap_remove(place))
        };
        match idle {
            Some(mut python) => {
                python.was_idle = true;
                python.conversation.resume();
                Ok(python)
            }
            None => Self::start(interpreter, program),
        }
    }

    /// Starts a Python, unless one is idle, so that the first question need not wait for it. An error comes again with that question.
    pub fn start_early(interpreter: &Interpreter, program: &'static Program) {
        if let Ok(python) = Self::take(interpreter, program) {
            python.rest();
        }
    }

    /// A new Python.
    pub fn start(interpreter: &Interpreter, program: &'static Program) -> io::Result<Self> {
        let mut process = Process::new(&interpreter.path);
        process
            .args(program.arguments)
            .args([program.text])
            // Where `-I` is not among the arguments: it ignores this variable.
            .env("PYTHONHASHSEED", "0")
            // It would hold a folder that somebody wants to remove.
            .current_dir(&std::env::temp_dir());
        if program.is_quick {
            process.question();
        }
        let (conversation, input, output, complaints) = process.converse()?;
        let listener = thread::Builder::new().spawn(|| listen(complaints))?;
        let (input, output) = (BufWriter::new(input), BufReader::new(output));
        let interpreter = interpreter.clone();
        Ok(Self { interpreter, program, input, output, was_idle: false, listener, conversation })
    }

    /// Writes a question: for each field its length in 4 bytes, and its bytes. This fails if Python has ended; then there is no
    /// answer either.
    pub fn send(&mut self, fields: &[&[u8]]) -> io::Result<()> {
        for field in fields {
            let length = u32::try_from(field.len()).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
            self.input.write_all(&length.to_le_bytes())?;
            self.input.write_all(field)?;
        }
        self.input.flush()
    }

    /// Lets Python wait for the next question.
    pub fn rest(self) {
        self.conversation.pause();
        IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }

    /// Ends Python, and returns the last part of its standard error as the end of a sentence.
    pub fn end(self) -> Result<String, TimedOut> {
        self.conversation.end()?;
        Ok(self.listener.join().unwrap_or_default())
    }
}

impl Debug for Python {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Python").field("interpreter", &self.interpreter).finish_non_exhaustive()
    }
}

/// Reads a length of at most `longest`, and as many bytes.
pub fn read_field(output: &mut impl Read, longest: u32) -> io::Result<Vec<u8>> {
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

/// Reads a fixed number of bytes.
pub fn read_array<const SIZE: usize>(output: &mut impl Read) -> io::Result<[u8; SIZE]> {
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
