//! How packs are made: what is new is compiled and compressed on all cores, what is known is taken over.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::{IndexedFile, Pack, PackError, PackedFile, Writer};
use crate::archive::{Compressed, Contents, Piece, compress};
use crate::bytecode::{self, Compiled, Source};
use crate::elf::{CheckedFile, Elf, FileContents};
use crate::select::Selection;
use crate::support::wording;
use crate::tools::interpreter::Interpreter;
use crate::workshop::CompileOrder;

/// How many bytes of source are compiled at once: enough that starting Python does not count, little enough to
/// keep memory flat.
const COMPILED_AT_ONCE: u64 = 24 * 1024 * 1024;

/// How many bytes are compressed at once, before they are written: enough to keep every core busy.
const COMPRESSED_AT_ONCE: u64 = 32 * 1024 * 1024;

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
    let known: HashMap<(&str, &str), &PackedFile> = settings
        .earlier
        .iter()
        .flat_map(|pack| &pack.files)
        .map(|file| ((file.path.as_str(), file.digest.as_str()), file))
        .collect();
    let known = |job: &Job, digest: &str| known.get(&(job.path.as_str(), digest)).copied();

    let mut jobs = Vec::new();
    let mut writers = Vec::new();
    for (pack, (selection, path)) in selections.into_iter().enumerate() {
        jobs.extend(selection.entries.into_iter().map(|(path, contents)| Job { pack, path, contents }));
        writers.push((Writer::begin(&path, selection.packages)?, path));
    }
    for group in runs(&jobs, COMPILED_AT_ONCE, Job::source_size) {
        let digests = group.par_iter().map(Job::digest).collect::<Result<Vec<String>, _>>()?;
        let new = group.iter().zip(&digests).filter(|(job, digest)| known(job, digest).is_none());
        let bytecode = compile(new.map(|(job, _)| job), settings)?;

        let jobs: Vec<(&Job, String)> = group.iter().zip(digests).collect();
        for batch in runs(&jobs, COMPRESSED_AT_ONCE, |(job, _)| job.contents.size()) {
            let made: Result<Vec<Made>, PackError> = batch
                .par_iter()
                .map(|(job, digest)| match known(job, digest) {
                    Some(file) => Made::taken_over(file),
                    None => Made::new(job, digest, bytecode.get(&(job.pack, job.path.as_str()))),
                })
                .collect();
            for ((job, _), made) in batch.iter().zip(made?) {
                if let Some((writer, _)) = writers.get_mut(job.pack) {
                    made.write(&job.path, writer)?;
                }
            }
        }
    }
    let packs: io::Result<Vec<Pack>> = writers.into_iter().map(|(writer, path)| writer.end(&path)).collect();
    Ok(packs?)
}

impl Job {
    fn is_python(&self) -> bool {
        self.path.ends_with(".py")
    }

    /// How many bytes there are to compile.
    fn source_size(&self) -> u64 {
        if self.is_python() { self.contents.size() } else { 0 }
    }

    fn digest(&self) -> io::Result<String> {
        Ok(wording::hex(&Sha256::digest(self.contents.read()?)))
    }
}

impl Made {
    fn new(job: &Job, digest: &str, bytecode: Option<&Vec<u8>>) -> Result<Self, PackError> {
        let looked_at = match &job.contents {
            Contents::File { path, .. } => FileContents::OnDisk(path),
            Contents::Bytes(bytes) => FileContents::Bytes(bytes),
            Contents::Piece(_) => FileContents::Known(None),
        };
        Ok(Self {
            digest: digest.to_owned(),
            elf: Elf::read(&CheckedFile { path: &job.path, contents: looked_at })?,
            contents: compress(&job.contents.read()?)?,
            bytecode: bytecode.map(|bytecode| compress(bytecode)).transpose()?,
        })
    }

    fn taken_over(file: &PackedFile) -> Result<Self, PackError> {
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

/// The bytecode of those of the files that are Python, by pack and path.
fn compile<'a>(
    jobs: impl Iterator<Item = &'a Job>,
    settings: PackSettings<'_>,
) -> Result<HashMap<(usize, &'a str), Vec<u8>>, PackError> {
    let (mut names, mut sources): (Vec<(usize, &str)>, Vec<Source<'_>>) = jobs
        .filter(|job| job.is_python())
        .filter_map(|job| match &job.contents {
            Contents::File { path, .. } => {
                let runtime_path = format!("{}/{}", settings.root, job.path);
                Some(((job.pack, job.path.as_str()), Source { path, runtime_path }))
            }
            Contents::Bytes(_) | Contents::Piece(_) => None,
        })
        .unzip();
    if settings.order == CompileOrder::Reversed {
        names.reverse();
        sources.reverse();
    }
    let compiled = bytecode::compile(settings.interpreter, &sources, rayon::current_num_threads())?;
    let made = names.into_iter().zip(compiled).filter_map(|(name, compiled)| match compiled {
        Compiled::Bytecode(bytes) => Some((name, bytes)),
        Compiled::NotPython { .. } => None,
    });
    Ok(made.collect())
}

/// Runs of items that together are about this size.
fn runs<Item>(items: &[Item], size: u64, size_of: impl Fn(&Item) -> u64) -> impl Iterator<Item = &[Item]> {
    let mut gathered = 0;
    items.chunk_by(move |item, _| {
        gathered += size_of(item);
        let goes_on = gathered < size;
        if !goes_on {
            gathered = 0;
        }
        goes_on
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_hold_everything_once_and_in_order() {
        let lengths: Vec<usize> = runs(&[1, 2, 1, 5, 1], 3, |size| *size).map(<[u64]>::len).collect();
        assert_eq!(lengths, [2, 2, 1]);
    }
}
