//! Writing: entries in, a zip out, whole or not at all, and hashed on the way.

use std::io::{self, Read, Write};
use std::mem;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, DataDescriptorOutput, ZipArchiveWriter};
use sha2::{Digest, Sha256};

use super::compression::PieceReader;
use super::{ArchiveError, Contents, Entry, Piece, compress, entry_name};
use crate::support::wording;

/// How much is read, written and hashed at once, in bytes: as much as fits into the caches of a CPU.
const CHUNK: usize = 256 * 1024;

/// How many of these there are: one is filled, one hashed, and the others keep either from waiting.
const CHUNKS: usize = 4;

/// A zip that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// SHA-256 of the zip, in hex.
    pub sha256: String,
    /// Size of the zip in bytes.
    pub zip_bytes: u64,
    /// Size of the unpacked files in bytes.
    pub unzipped_bytes: u64,
    /// Number of files.
    pub entries: usize,
}

/// Writes the entries to `path`, in the order of their paths' bytes. The file appears there whole or
/// not at all. Two entries
/// of one path, and paths that Linux cannot have, are errors.
pub fn write(mut entries: Vec<Entry>, path: &Path) -> Result<Written, ArchiveError> {
    entries.sort_by(|left, right| left.path.as_bytes().cmp(right.path.as_bytes()));
    check_paths(&entries)?;

    let not_writable = |source| ArchiveError::not_writable(path, source);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder).map_err(not_writable)?;
    let temporary =
        tempfile::Builder::new().prefix(".").suffix(".zip").tempfile_in(folder).map_err(not_writable)?;

    let unzipped_bytes = entries.iter().map(|entry| entry.contents.size()).sum();
    // Hashed on another thread while this one reads and writes.
    let (temporary, written, digest) = thread::scope(|scope| {
        let (full, to_hash) = sync_channel::<Vec<u8>>(CHUNKS);
        let (emptied, empty) = sync_channel::<Vec<u8>>(CHUNKS);
        let hasher = scope.spawn(move || {
            let mut hasher = Sha256::new();
            for chunk in to_hash {
                hasher.update(&chunk);
                // The writer is gone once everything is written.
                let _ = emptied.send(chunk);
            }
            hasher.finalize()
        });
        let mut archive = ZipArchiveWriter::new(Chunks::new(temporary, full, empty));
        let mut buffer = vec![0; CHUNK];
        for entry in &entries {
            append(&mut archive, entry, &mut buffer).map_err(|error| match error {
                Failure::Read(error) => ArchiveError::Read(error),
                Failure::Write(error) => not_writable(error),
            })?;
        }
        let chunks = archive.finish().map_err(|error| not_writable(io::Error::other(error)))?;
        let (temporary, written) = chunks.finish().map_err(not_writable)?;
        Ok((temporary, written, hasher.join().unwrap_or_else(|panic| resume_unwind(panic))))
    })?;

    make_readable(temporary.path()).map_err(not_writable)?;
    temporary.persist(path).map_err(|error| not_writable(error.error))?;
    Ok(Written { sha256: wording::hex(&digest), zip_bytes: written, unzipped_bytes, entries: entries.len() })
}

/// Checks the paths of sorted entries.
fn check_paths(entries: &[Entry]) -> Result<(), ArchiveError> {
    for Entry { path, .. } in entries {
        if let Some(problem) = entry_name::problem(path) {
            return Err(ArchiveError::BadFileName { entry: path.clone(), problem });
        }
    }
    match entries.windows(2).find(|pair| pair[0].path == pair[1].path) {
        Some(pair) => Err(ArchiveError::DuplicateFile { entry: pair[0].path.clone() }),
        None => Ok(()),
    }
}

/// Which side of the copying failed.
enum Failure {
    Read(io::Error),
    Write(io::Error),
}

/// Writes one entry. What `buffer` holds does not matter.
fn append(
    archive: &mut ZipArchiveWriter<impl Write>,
    entry: &Entry,
    buffer: &mut [u8],
) -> Result<(), Failure> {
    let compressed;
    let (shape, source) = match &entry.contents {
        Contents::Piece(piece) => (piece.shape, Source::Piece(piece)),
        contents => {
            compressed = contents.read().and_then(|contents| compress(&contents)).map_err(Failure::Read)?;
            (compressed.shape, Source::Memory(&compressed.data))
        }
    };
    let other = |error| Failure::Write(io::Error::other(error));
    let (mut output, _) = archive
        .new_file(&entry.path)
        .compression_method(if shape.is_deflated {
            CompressionMethod::DEFLATE
        } else {
            CompressionMethod::STORE
        })
        // The first moment that a zip can hold.
        .last_modified(
            UtcDateTime::from_components(1980, 1, 1, 0, 0, 0, 0)
                .ok_or(Failure::Write(io::ErrorKind::InvalidInput.into()))?,
        )
        .unix_permissions(if shape.is_executable { 0o755 } else { 0o644 })
        .start()
        .map_err(other)?;
    match source {
        Source::Memory(data) => output.write_all(data).map_err(Failure::Write)?,
        Source::Piece(piece) => copy(PieceReader::new(piece), &mut output, buffer)?,
    }
    output.finish(DataDescriptorOutput::new(shape.crc, shape.size)).map_err(other)?;
    Ok(())
}

fn copy(mut input: impl Read, output: &mut impl Write, buffer: &mut [u8]) -> Result<(), Failure> {
    loop {
        let length = input.read(buffer).map_err(Failure::Read)?;
        if length == 0 {
            return Ok(());
        }
        output.write_all(&buffer[..length]).map_err(Failure::Write)?;
    }
}

/// Where the data of an entry is.
enum Source<'a> {
    Memory(&'a [u8]),
    Piece(&'a Piece),
}

/// A temporary file is private to its user; the bundle is an ordinary file, which CDK may read as
/// another one.
fn make_readable(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o644))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// A writer of large chunks, which it passes on to be hashed, and takes back when they are.
struct Chunks<Inner> {
    inner: Inner,
    chunk: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    /// How many more chunks may be made.
    left: usize,
    written: u64,
}

impl<Inner: Write> Chunks<Inner> {
    fn new(inner: Inner, full: SyncSender<Vec<u8>>, empty: Receiver<Vec<u8>>) -> Self {
        Self { inner, chunk: Vec::with_capacity(CHUNK), full, empty, left: CHUNKS - 1, written: 0 }
    }

    fn finish(mut self) -> io::Result<(Inner, u64)> {
        self.pass_on()?;
        Ok((self.inner, self.written))
    }

    fn pass_on(&mut self) -> io::Result<()> {
        self.inner.write_all(&self.chunk)?;
        self.written += self.chunk.len() as u64;
        // New memory costs more than waiting for some that was used before.
        let mut next = if self.left > 0 {
            self.left -= 1;
            Vec::with_capacity(CHUNK)
        } else {
            self.empty.recv().map_err(io::Error::other)?
        };
        next.clear();
        self.full.send(mem::replace(&mut self.chunk, next)).map_err(io::Error::other)
    }
}

impl<Inner: Write> Write for Chunks<Inner> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let length = buffer.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&buffer[..length]);
        if self.chunk.len() == CHUNK {
            self.pass_on()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Piece, ZipReader, checksum};
    use super::*;
    use crate::error::Error;

    fn entry(path: &str, contents: &[u8]) -> Entry {
        Entry { path: path.to_owned(), contents: Contents::Bytes(contents.to_vec()) }
    }

    fn sample() -> Vec<Entry> {
        vec![
            entry("b/zeros.bin", &[0; 70_000]),
            entry("a.py", b"print('a')\n".repeat(40).as_slice()),
            entry("bin/run", b"#!/bin/sh\n"),
            entry("empty", b""),
            entry("ü name.txt", "ü".as_bytes()),
        ]
    }

    /// The same entries, compressed before, in one file.
    fn in_pieces(entries: Vec<Entry>) -> Vec<Entry> {
        let compressed: Vec<_> =
            entries.iter().map(|entry| compress(&entry.contents.read().unwrap()).unwrap()).collect();
        let mut file = tempfile::tempfile().unwrap();
        for compressed in &compressed {
            file.write_all(&compressed.data).unwrap();
        }
        let (file, mut offset) = (Arc::new(file), 0);
        let piece = |(entry, compressed): (Entry, super::super::Compressed)| {
            let length = compressed.data.len();
            offset += length as u64;
            let contents = Contents::Piece(Piece {
                shape: compressed.shape,
                file: Arc::clone(&file),
                offset: offset - length as u64,
                length,
                checksum: checksum(&compressed.data),
            });
            Entry { contents, ..entry }
        };
        entries.into_iter().zip(compressed).map(piece).collect()
    }

    fn written(entries: Vec<Entry>) -> (Written, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.zip");
        (write(entries, &path).unwrap(), fs_err::read(&path).unwrap())
    }

    /// Guards the promise across upgrades: where this hash changes, every user's functions are
    /// redeployed once, and the changelog has to say so.
    #[test]
    fn the_bytes_are_those_of_every_release_before() {
        let (written, bytes) = written(sample());
        assert_eq!(written.zip_bytes, bytes.len() as u64);
        assert_eq!(written.sha256, wording::hex(&Sha256::digest(&bytes)));
        assert_eq!(written.sha256, "4b99f9af7e56cf411f76a7a6ecaf26d4aaa151b6ace6421d70b16c1c8ba6c452");
    }

    #[test]
    fn order_and_workers_do_not_show() {
        let mut reversed = sample();
        reversed.reverse();
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(written(sample()).1, one.install(|| written(reversed).1));
    }

    #[test]
    fn it_does_not_show_when_a_file_was_compressed() {
        assert_eq!(written(sample()), written(in_pieces(sample())));
    }

    #[test]
    fn a_zip_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/bundle.zip");
        write(sample(), &path).unwrap();
        let mut zip = ZipReader::open(&path).unwrap();
        let found: Vec<_> = (0..zip.entries())
            .map(|number| {
                let header = zip.header(number).unwrap();
                assert_eq!(header.modified.as_deref(), Some("1980-01-01 00:00:00"));
                let mut size = 0;
                zip.entry(number).unwrap().for_each_part(|part| size += part.len()).unwrap();
                (header.name, header.mode.unwrap(), size)
            })
            .collect();
        let expected = [
            ("a.py", 0o644, 440),
            ("b/zeros.bin", 0o644, 70_000),
            ("bin/run", 0o755, 10),
            ("empty", 0o644, 0),
            ("ü name.txt", 0o644, 2),
        ];
        assert_eq!(found, expected.map(|(name, mode, size)| (name.to_owned(), mode, size)));
        assert_eq!(fs_err::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn two_files_of_one_path_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let entries = vec![entry("a/b.py", b"1"), entry("c", b""), entry("a/b.py", b"2")];
        let error = write(entries, &folder.path().join("out/bundle.zip")).unwrap_err();
        assert_eq!(error.code(), "DUPLICATE_FILE");
        assert!(error.to_string().contains("two files `a/b.py`"), "{error}");
        assert!(!folder.path().join("out").exists());
    }

    #[test]
    fn names_that_linux_cannot_have_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.zip");
        for name in ["", "/a", "a/", "a//b", "../a", "a\0"] {
            let error = write(vec![entry(name, b"")], &path).unwrap_err();
            assert_eq!(error.code(), "BAD_FILE_NAME", "{name}");
        }
        let error = write(vec![entry("../a\u{1b}", b"")], &path).unwrap_err().to_string();
        assert!(error.contains("`../a\\u{1b}`"), "{error}");
    }

    #[test]
    fn a_damaged_piece_fails_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut entries = in_pieces(sample());
        let Some(Entry { contents: Contents::Piece(piece), .. }) = entries.get_mut(1) else {
            panic!("{entries:?}")
        };
        piece.offset += 1;
        let error = write(entries, &folder.path().join("bundle.zip")).unwrap_err();
        assert_eq!(error.code(), "IO");
        assert!(Error::from(error).is_damage());
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_unwritable_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("file"), "").unwrap();
        let error = write(sample(), &folder.path().join("file/bundle.zip")).unwrap_err();
        assert_eq!(error.code(), "OUTPUT_NOT_WRITABLE");
        assert!(error.to_string().contains("file/bundle.zip"), "{error}");
    }
}
