//! Bounded output: what a child prints, read to its end in bounded memory, so that neither the child blocks nor
//! this process grows with it.

use std::io::{self, Read};
use std::mem;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// How much is read at once: as much as a pipe of Linux holds.
const CHUNK: usize = 64 << 10;

/// Which part of the output is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// The first bytes: for an answer, which is worth nothing if it is not whole.
    First(usize),
    /// As many of the first bytes as of the last: for messages, whose cause stands at either end.
    Ends(usize),
}

/// The stored part of an output.
#[derive(Debug)]
struct Stored {
    limit: Limit,
    first: Vec<u8>,
    last: Vec<u8>,
    /// The length of the whole output.
    total: usize,
}

impl Stored {
    fn new(limit: Limit) -> Self {
        Self { limit, first: Vec::new(), last: Vec::new(), total: 0 }
    }

    fn push(&mut self, chunk: &[u8]) {
        let (Limit::First(length) | Limit::Ends(length)) = self.limit;
        self.total = self.total.saturating_add(chunk.len());
        let (first, rest) = chunk.split_at(chunk.len().min(length - self.first.len()));
        self.first.extend_from_slice(first);
        if let Limit::Ends(_) = self.limit {
            let rest = &rest[rest.len().saturating_sub(length)..];
            let surplus = (self.last.len() + rest.len()).saturating_sub(length);
            self.last.drain(..surplus);
            self.last.extend_from_slice(rest);
        }
    }

    fn cut(&self) -> usize {
        self.total - self.first.len() - self.last.len()
    }

    /// The stored bytes. Between two ends, a line says how many bytes are cut.
    fn into_bytes(mut self) -> Vec<u8> {
        if self.cut() > 0 && matches!(self.limit, Limit::Ends(_)) {
            // Words are whole or cut whole: half of a password would not be masked.
            let whole = self.first.iter().rposition(u8::is_ascii_whitespace).unwrap_or(0);
            self.first.truncate(whole);
            let whole = self.last.iter().position(u8::is_ascii_whitespace).unwrap_or(self.last.len());
            self.last.drain(..whole);
            let cut = self.cut();
            self.first.extend_from_slice(format!("\n[... {cut} bytes are cut here ...]\n").as_bytes());
        }
        self.first.append(&mut self.last);
        self.first
    }
}

/// Gets each line of an output while the child still runs.
pub(super) type Listener = Box<dyn FnMut(&str) + Send>;

/// Cuts what a pipe brings into lines for a listener.
struct Lines {
    listener: Listener,
    /// The beginning of the next line.
    begun: Vec<u8>,
}

impl Lines {
    /// A line that is longer is dropped: no line that anybody listens for is.
    const LONGEST: usize = 4 << 10;

    fn push(&mut self, chunk: &[u8]) {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            if self.begun.len() + part.len() <= Self::LONGEST {
                self.begun.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                (self.listener)(String::from_utf8_lossy(&self.begun).trim_end());
                self.begun.clear();
            }
        }
    }
}

/// An output that a thread reads.
#[derive(Debug)]
pub(super) struct BoundedOutput {
    stored: Arc<Mutex<Stored>>,
}

impl BoundedOutput {
    /// Reads `pipe` on a thread of its own. When the pipe ends, `end` is dropped.
    pub(super) fn read(
        mut pipe: impl Read + Send + 'static,
        limit: Limit,
        end: Sender<()>,
        listener: Option<Listener>,
    ) -> io::Result<Self> {
        let stored = Arc::new(Mutex::new(Stored::new(limit)));
        let shared = Arc::clone(&stored);
        let mut lines = listener.map(|listener| Lines { listener, begun: Vec::new() });
        thread::Builder::new().spawn(move || {
            let mut chunk = vec![0; CHUNK];
            loop {
                match pipe.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(size) => {
                        if let Some(lines) = &mut lines {
                            lines.push(&chunk[..size]);
                        }
                        let mut stored = shared.lock().unwrap_or_else(PoisonError::into_inner);
                        stored.push(&chunk[..size]);
                        // Too long an answer is an error already: the closed pipe ends a program that prints without end.
                        if matches!(stored.limit, Limit::First(_)) && stored.cut() > 0 {
                            break;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            drop(end);
        })?;
        Ok(Self { stored })
    }

    /// The stored bytes, and how many bytes are cut. Does not wait for the end of the pipe.
    pub(super) fn take(self) -> (Vec<u8>, usize) {
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        // A process that outlives the child may still write: its output is read and dropped.
        let stored = mem::replace(&mut *stored, Stored::new(Limit::Ends(0)));
        let cut = stored.cut();
        (stored.into_bytes(), cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(limit: Limit, chunks: &[&str]) -> (String, usize) {
        let mut stored = Stored::new(limit);
        for chunk in chunks {
            stored.push(chunk.as_bytes());
        }
        let cut = stored.cut();
        (String::from_utf8(stored.into_bytes()).unwrap(), cut)
    }

    #[test]
    fn an_answer_is_its_beginning() {
        assert_eq!(stored(Limit::First(4), &["abc"]), ("abc".to_owned(), 0));
        assert_eq!(stored(Limit::First(4), &["abc", "def", "ghi"]), ("abcd".to_owned(), 5));
    }

    #[test]
    fn a_message_is_its_two_ends_with_the_number_of_bytes_between() {
        assert_eq!(stored(Limit::Ends(3), &["ab", "cd", "ef"]), ("abcdef".to_owned(), 0));
        let cut = "a\n[... 7 bytes are cut here ...]\n j".to_owned();
        for chunks in
            [&["a cdefgh j"][..], &["a cde", "fgh j"], &["a", " cdefg", "h", " j"], &["a cdefg", "h j"]]
        {
            assert_eq!(stored(Limit::Ends(3), chunks).0, cut, "{chunks:?}");
        }
    }

    #[test]
    fn a_listener_gets_whole_lines() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&heard);
        let listener = Box::new(move |line: &str| shared.lock().unwrap().push(line.to_owned()));
        let mut lines = Lines { listener, begun: Vec::new() };
        for chunk in ["Down", "loading\r\n and", " on\nno end"] {
            lines.push(chunk.as_bytes());
        }
        assert_eq!(*heard.lock().unwrap(), ["Downloading", " and on"]);
    }

    #[test]
    fn a_word_at_the_cut_is_cut_whole() {
        let message =
            stored(Limit::Ends(12), &["at https://ada:secret@a.test is https://ada:secret@b.test it"]).0;
        assert!(!message.contains("ada") && !message.contains("secret"), "{message}");
    }
}
