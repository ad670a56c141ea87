//! How packs are made: new files are compiled and compressed on all cores, known ones are copied from earlier packs.
//!
//! Each thread takes one file after the other, and does everything that there is to do with it while it is in memory. So no core
//! waits for a step to end, and memory holds as many files as there are threads.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::{IndexedFile, Pack, PackError, PackedFile, Writer};
use crate::archive::{Compressed, Contents, Piece, compress};
use crate::bytecode::{Compiled, Compiler, Source};
use crate::elf::{CheckedFile, Elf, FileContents};
use crate::select::Selection;
use crate::support::wording;
use crate::tools::interpreter::Interpreter;
use crate::workshop::CompileOrder;

/// How many bytes of files are in memory at once, where the next file can be chosen so. A single file may be larger.
const IN_MEMORY: u64 = 56 * 1024 * 1024;

/// How much memory Python takes to compile, in bytes.
const PYTHON: u64 = 32 * 1024 * 1024;

/// How many times longer it takes to compile a source than to compress as many bytes.
const COMPILING: u64 = 8;

/// How packs are made.
#[derive(Debug, Clone, Copy)]
pub struct PackSettings<'a> {
    /// The interpreter that compiles.
    pub interpreter: &'a Interpreter,
    /// The folder of the modules at run time.
    pub root: &'a str,
    /// The order in which sources are compiled.
    pub order: CompileOrder,
    /// Packs of earlier builds. A file of the same name and contents is copied from there.
    pub earlier: &'a [Pack],
}

/// A file that goes into a pack.
#[derive(Debug)]
struct Job {
    /// The number of the pack.
    pack: usize,
    path: String,
    contents: Contents,
}

/// A file on its way into a pack.
struct Made {
    digest: String,
    elf: Option<Elf>,
    contents: Compressed,
    bytecode: Option<Compressed>,
}

/// Makes a pack of each selection, at the path beside it.
pub fn make(
    selections: Vec<(Selection, PathBuf)>,
    settings: PackSettings<'_>,
) -> Result<Vec<Pack>, PackError> {
    let mut jobs = Vec::new();
    let mut writers = Vec::new();
    for (pack, (selection, path)) in selections.into_iter().enumerate() {
        jobs.extend(selection.entries.into_iter().map(|(path, contents)| Job { pack, path, contents }));
        writers.push((Mutex::new(Writer::begin(&path, selection.packages)?), path));
    }
    // The largest first: a large one at the end would keep one core busy alone.
    jobs.sort_by_key(|job| Reverse(job.cost()));
    if settings.order == CompileOrder::Reversed {
        jobs.reverse();
    }
    let known = settings.earlier.iter().flat_map(|pack| &pack.files);
    let known = known.map(|file| ((file.path.as_str(), file.digest.as_str()), file)).collect();
    let maker = Maker { queue: Queue::new(jobs), writers, settings, known };
    for outcome in rayon::broadcast(|_| maker.work()) {
        outcome?;
    }
    let packs: io::Result<Vec<Pack>> = maker
        .writers
        .into_iter()
        .map(|(writer, path)| writer.into_inner().unwrap_or_else(PoisonError::into_inner).end(&path))
        .collect();
    Ok(packs?)
}

/// What all threads share that make packs.
struct Maker<'a> {
    queue: Queue,
    writers: Vec<(Mutex<Writer>, PathBuf)>,
    settings: PackSettings<'a>,
    /// The files of earlier packs, by path and digest.
    known: HashMap<(&'a str, &'a str), &'a PackedFile>,
}

impl Maker<'_> {
    /// Takes files from the queue until none is left.
    fn work(&self) -> Result<(), PackError> {
        let mut compiler = Compiler::new(self.settings.interpreter);
        while let Some(job) = self.queue.next() {
            let made = self.made(&job, &mut compiler).and_then(|made| self.write(&job, made));
            self.queue.done(&job);
            made.inspect_err(|_| self.queue.clear())?;
        }
        Ok(())
    }

    fn made(&self, job: &Job, compiler: &mut Compiler<'_>) -> Result<Made, PackError> {
        let contents = job.contents.read()?;
        let digest = wording::hex(&Sha256::digest(&contents));
        if let Some(file) = self.known.get(&(job.path.as_str(), digest.as_str())) {
            return Ok(Made::taken_over(file)?);
        }
        let (bytecode, compressed) = match &job.contents {
            Contents::File { path, .. } if job.is_python() => {
                let runtime_path = format!("{}/{}", self.settings.root, job.path);
                let source = Source { path, runtime_path, content: &contents };
                compiler.compile(&source, || compress(&contents))?
            }
            _ => (Compiled::NotPython { reason: String::new() }, compress(&contents)),
        };
        Ok(Made {
            elf: match &job.contents {
                Contents::Piece(_) => None,
                _ => Elf::read(&CheckedFile { path: &job.path, contents: FileContents::Bytes(&contents) })?,
            },
            contents: compressed?,
            bytecode: match bytecode {
                Compiled::Bytecode(bytecode) => Some(compress(&bytecode)?),
                Compiled::NotPython { .. } => None,
            },
            digest,
        })
    }

    fn write(&self, job: &Job, made: Made) -> Result<(), PackError> {
        let Some((writer, _)) = self.writers.get(job.pack) else { return Ok(()) };
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(made.write(&job.path, &mut writer)?)
    }
}

/// The files that are still to be packed, the next one in front.
struct Queue(Mutex<Waiting>);

struct Waiting {
    jobs: VecDeque<Job>,
    /// How many bytes of memory the jobs need that threads have taken.
    in_memory: u64,
}

impl Queue {
    fn new(jobs: Vec<Job>) -> Self {
        Self(Mutex::new(Waiting { jobs: jobs.into(), in_memory: 0 }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next file that memory has room for; if it has none for any, the one that needs least.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        let room = IN_MEMORY.saturating_sub(waiting.in_memory);
        let numbered = || waiting.jobs.iter().enumerate();
        let next = match numbered().find(|(_, job)| job.memory() <= room) {
            Some((place, _)) => place,
            None => numbered().min_by_key(|(_, job)| job.memory())?.0,
        };
        let job = waiting.jobs.remove(next)?;
        waiting.in_memory += job.memory();
        Some(job)
    }

    fn done(&self, job: &Job) {
        self.lock().in_memory -= job.memory();
    }

    fn clear(&self) {
        self.lock().jobs.clear();
    }
}

impl Job {
    fn is_python(&self) -> bool {
        self.path.ends_with(".py")
    }

    /// How long it takes, in bytes that are compressed in that time.
    fn cost(&self) -> u64 {
        self.contents.size() * if self.is_python() { COMPILING } else { 1 }
    }

    /// How many bytes of memory it takes.
    fn memory(&self) -> u64 {
        self.contents.size() + if self.is_python() { PYTHON } else { 0 }
    }
}

impl Made {
    fn taken_over(file: &PackedFile) -> io::Result<Self> {
        Ok(Self {
            digest: file.digest.clone(),
            elf: file.elf.clone(),
            contents: file.contents.read()?,
            bytecode: file.bytecode.as_ref().map(Piece::read).transpose()?,
        })
    }

    fn write(self, path: &str, writer: &mut Writer) -> io::Result<()> {
        let contents = writer.add(&self.contents)?;
        let bytecode = self.bytecode.map(|bytecode| writer.add(&bytecode)).transpose()?;
        let Self { digest, elf, .. } = self;
        writer.index.files.push(IndexedFile { path: path.to_owned(), digest, elf, contents, bytecode });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(path: &str, size: u64) -> Job {
        Job { pack: 0, path: path.to_owned(), contents: Contents::File { path: path.into(), size } }
    }

    #[test]
    fn a_file_that_memory_has_no_room_for_waits_for_smaller_ones() {
        let queue =
            Queue::new(vec![job("large", IN_MEMORY - 2), job("middle", 3), job("small", 1), job("last", 9)]);
        let large = queue.next().unwrap();
        assert_eq!(queue.next().unwrap().path, "small");
        queue.done(&large);
        assert_eq!(queue.next().unwrap().path, "middle");
        queue.clear();
        assert!(queue.next().is_none());
    }

    #[test]
    fn sources_and_large_files_come_first() {
        assert!(job("a.py", 1000).cost() > job("a.so", 5000).cost());
    }
}
