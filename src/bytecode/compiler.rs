//! Compiler: the exchange with a Python that compiles. `compile.py` is the other side, and documents the protocol.

use std::io::{self, ErrorKind, Read};

use super::marshal::canonical;
use super::{BytecodeError, Compiled, Source, supported_version};
use crate::tools::interpreter::Interpreter;
use crate::tools::python::{Program, Python, read_array, read_field};

/// The program that Python runs: without user and site packages, without writing bytecode itself, with UTF-8 whatever
/// the locale, and without the compiler's warnings, which concern the author of a package.
static PROGRAM: Program = Program {
    text: include_str!("compile.py"),
    arguments: &["-s", "-S", "-B", "-X", "utf8", "-W", "ignore", "-c"],
    is_quick: false,
};

/// The flags of a `.pyc` that carries a hash of its source (1), not to be checked (2 would check it).
const UNCHECKED_HASH: [u8; 4] = [1, 0, 0, 0];

/// The longest identity in bytes. A longer one does not come from our program.
const LONGEST_IDENTITY: u32 = 256;

/// Compiles sources, one after the other. Its Python starts with the first one, unless one is idle.
#[derive(Debug)]
pub struct Compiler<'a> {
    interpreter: &'a Interpreter,
    python: Option<Python>,
}

impl<'a> Compiler<'a> {
    /// A compiler for one thread.
    pub fn new(interpreter: &'a Interpreter) -> Self {
        Self { interpreter, python: None }
    }

    /// Starts the Python that compiles, so that the first source need not wait for it.
    pub fn start_early(interpreter: &Interpreter) {
        Python::start_early(interpreter, &PROGRAM);
    }

    /// Compiles one source, and does `meanwhile` on this thread while Python works.
    pub fn compile<Made>(
        &mut self,
        source: &Source<'_>,
        meanwhile: impl FnOnce() -> Made,
    ) -> Result<(Compiled, Made), BytecodeError> {
        supported_version(&self.interpreter.version)?;
        let not_started =
            |source| BytecodeError::Start { interpreter: self.interpreter.path.clone(), source };
        let mut python = match self.python.take() {
            Some(python) => python,
            None => Python::take(self.interpreter, &PROGRAM).map_err(not_started)?,
        };
        send(&mut python, source);
        let made = meanwhile();
        let mut compiled = self.receive(&mut python, source);
        if matches!(compiled, Err(BytecodeError::Died { .. } | BytecodeError::Unusable { .. }))
            && python.was_idle
        {
            python = Python::start(self.interpreter, &PROGRAM).map_err(not_started)?;
            send(&mut python, source);
            compiled = self.receive(&mut python, source);
        }
        match compiled {
            Ok(compiled) => {
                self.python = Some(python);
                Ok((compiled, made))
            }
            Err(error) => Err(end(python, error)),
        }
    }

    /// Reads Python's answer to the source that was sent last.
    fn receive(&self, python: &mut Python, source: &Source<'_>) -> Result<Compiled, BytecodeError> {
        let output = &mut python.output;
        let interpreter = || self.interpreter.path.clone();
        let (found, magic_number) = read_identity(output)
            .map_err(|_| BytecodeError::Unusable { interpreter: interpreter(), complaint: String::new() })?;
        let expected = format!("cpython {}", self.interpreter.version);
        if found != expected {
            return Err(BytecodeError::OtherPython { interpreter: interpreter(), expected, found });
        }
        match read_answer(output) {
            Ok(Answer::Code { source_hash, marshalled }) => {
                canonical(&marshalled, supported_version(&self.interpreter.version)?)
                    .map(|code| [&magic_number[..], &UNCHECKED_HASH, &source_hash, &code].concat())
                    .map(Compiled::Bytecode)
                    .map_err(|error| BytecodeError::Marshal {
                        path: source.path.to_path_buf(),
                        source: error,
                    })
            }
            Ok(Answer::NotPython { reason }) => Ok(Compiled::NotPython { reason }),
            Err(_) => Err(BytecodeError::Died {
                interpreter: interpreter(),
                path: source.path.to_path_buf(),
                complaint: String::new(),
            }),
        }
    }
}

impl Drop for Compiler<'_> {
    fn drop(&mut self) {
        if let Some(python) = self.python.take() {
            python.rest();
        }
    }
}

/// Writes a source to Python. This fails only if Python has ended; then reading the answer fails as well.
fn send(python: &mut Python, source: &Source<'_>) {
    let _ = python.send(&[source.runtime_path.as_bytes(), source.content]);
}

/// Ends Python after an error, and completes the error with its last words.
fn end(python: Python, mut error: BytecodeError) -> BytecodeError {
    let heard = match python.end() {
        Ok(heard) => heard,
        // If Python was killed at its time limit, that is the cause of every other error.
        Err(timed_out) => return timed_out.into(),
    };
    if let BytecodeError::Died { complaint, .. } | BytecodeError::Unusable { complaint, .. } = &mut error {
        *complaint = heard;
    }
    error
}

/// Python's answer to one source.
enum Answer {
    Code { source_hash: [u8; 8], marshalled: Vec<u8> },
    NotPython { reason: String },
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
