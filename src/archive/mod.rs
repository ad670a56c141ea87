//! Archive: a zip whose bytes depend on its contents alone. Entries are sorted by their bytes, times
//! and modes are fixed, and each entry is compressed as one whole buffer by a pinned compressor, so
//! that neither the CPU nor the number of workers shows.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use libdeflater::{CompressionLvl, Compressor, Crc, Decompressor};
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, DataDescriptorOutput, ZipArchive, ZipArchiveWriter};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{support::file_listing, support::wording};

/// The level of libdeflate: the lowest at which its output is no larger than that of `zip -9`.
const LEVEL: i32 = 7;

/// How much is read, written and hashed at once, in bytes: what fits into the caches of a CPU.
const CHUNK: usize = 256 * 1024;

/// How many of these there are: one is filled, one hashed, and the others keep either from waiting.
const CHUNKS: usize = 4;

/// One file of the bundle.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its path inside the bundle, with `/` between the parts.
    pub path: String,
    /// What is in it.
    pub contents: Contents,
}

/// The contents of an entry.
#[derive(Debug, Clone)]
pub enum Contents {
    /// As a file on disk has them.
    File {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// Made by the pipeline.
    Bytes(Vec<u8>),
    /// Compressed already, in a file that holds such pieces.
    Piece(Piece),
}

impl Contents {
    /// The size in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::File { size, .. } => *size,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Piece(piece) => piece.shape.size,
        }
    }

    /// The bytes.
    pub fn read(&self) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Self::File { path, .. } => fs_err::read(path).map(Into::into),
            Self::Bytes(bytes) => Ok(bytes.into()),
            Self::Piece(piece) => piece.inflate().map(Into::into),
        }
    }
}

/// What a zip says of an entry beside its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Whether the data is deflated; otherwise it is stored as it is.
    pub is_deflated: bool,
    /// CRC-32 of the contents.
    pub crc: u32,
    /// Size of the contents in bytes.
    pub size: u64,
    /// Whether what is in it can be run. Modes on disk follow the umask and the checkout, so they do not count.
    pub is_executable: bool,
}

/// The data of an entry, ready to be written into a zip.
#[derive(Debug)]
pub struct Compressed {
    /// What the zip says of it.
    pub shape: Shape,
    /// The data.
    pub data: Vec<u8>,
}

/// The data of an entry, ready to be written into a zip, as it lies in a file.
#[derive(Debug, Clone)]
pub struct Piece {
    /// What the zip says of it.
    pub shape: Shape,
    /// The file, open, so that nobody can take it away.
    pub file: Arc<File>,
    /// Where the data begins in the file.
    pub offset: u64,
    /// Length of the data in bytes.
    pub length: usize,
    /// CRC-32 of the data, by which damage is noticed.
    pub checksum: u32,
}

impl Piece {
    /// The data, of which not one bit has changed since it was written.
    pub fn read(&self) -> io::Result<Compressed> {
        let mut data = vec![0; self.length];
        file_listing::read_at(&self.file, &mut data, self.offset)?;
        if checksum(&data) == self.checksum {
            Ok(Compressed { shape: self.shape, data })
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, DamagedPiece))
        }
    }

    /// Copies the data, a buffer at a time.
    fn copy(&self, output: &mut impl Write, buffer: &mut [u8]) -> Result<(), Failure> {
        let mut crc = Crc::new();
        let mut copied = 0;
        while copied < self.length {
            let length = buffer.len().min(self.length - copied);
            let buffer = &mut buffer[..length];
            file_listing::read_at(&self.file, buffer, self.offset + copied as u64).map_err(Failure::Read)?;
            crc.update(buffer);
            output.write_all(buffer).map_err(Failure::Write)?;
            copied += length;
        }
        if crc.sum() == self.checksum {
            Ok(())
        } else {
            Err(Failure::Read(io::Error::new(io::ErrorKind::InvalidData, DamagedPiece)))
        }
    }

    fn inflate(&self) -> io::Result<Vec<u8>> {
        let Compressed { shape, data } = self.read()?;
        if !shape.is_deflated {
            return Ok(data);
        }
        let mut contents = vec![0; usize::try_from(shape.size).map_err(io::Error::other)?];
        Decompressor::new().deflate_decompress(&data, &mut contents).map_err(io::Error::other)?;
        Ok(contents)
    }
}

/// A piece is not what was written once.
#[derive(Debug, thiserror::Error)]
#[error("kept data was damaged")]
pub struct DamagedPiece;

/// CRC-32.
pub fn checksum(data: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(data);
    crc.sum()
}

/// Compresses contents as every entry is.
pub fn compress(contents: &[u8]) -> io::Result<Compressed> {
    let mut shape = Shape {
        is_deflated: true,
        crc: checksum(contents),
        size: contents.len() as u64,
        is_executable: contents.starts_with(b"#!") || contents.starts_with(b"\x7fELF"),
    };
    let mut compressor = Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default());
    let mut data = vec![0; compressor.deflate_compress_bound(contents.len())];
    let length = compressor.deflate_compress(contents, &mut data).map_err(io::Error::other)?;
    if length >= contents.len() {
        shape.is_deflated = false;
        return Ok(Compressed { shape, data: contents.to_vec() });
    }
    data.truncate(length);
    Ok(Compressed { shape, data })
}

/// What was written.
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

/// Why no archive was written, or one could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The output folder cannot be written to.
    #[error("failed to write the bundle to `{}`: {source}", .path.display())]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file of the bundle cannot be read.
    #[error("failed to read a file of the bundle: {0}")]
    Read(#[source] io::Error),
    /// The zip is damaged.
    #[error("failed to read the zip `{}`: {problem}", .path.display())]
    Damaged {
        /// The zip.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl ArchiveError {
    /// The file at `path` cannot be written.
    pub fn not_writable(path: &Path, source: io::Error) -> Self {
        Self::NotWritable { path: path.to_path_buf(), source }
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotWritable { .. } => "OUTPUT_NOT_WRITABLE",
            Self::Read(_) => "IO",
            Self::Damaged { .. } => "BAD_ZIP",
        }
    }
}

/// Writes the entries to `path`, in the order of their paths' bytes. The file appears there whole or
/// not at all.
pub fn write(mut entries: Vec<Entry>, path: &Path) -> Result<Written, ArchiveError> {
    let not_writable = |source| ArchiveError::not_writable(path, source);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder).map_err(not_writable)?;
    let temporary =
        tempfile::Builder::new().prefix(".").suffix(".zip").tempfile_in(folder).map_err(not_writable)?;

    entries.sort_by(|left, right| left.path.as_bytes().cmp(right.path.as_bytes()));
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

/// Gives every entry of a zip to `visit`: its name and its unpacked contents, in the zip's order.
pub fn read(path: &Path, mut visit: impl FnMut(&str, Vec<u8>) -> io::Result<()>) -> Result<(), ArchiveError> {
    let damaged = |problem: String| ArchiveError::Damaged { path: path.to_path_buf(), problem };
    let bytes = fs_err::read(path).map_err(ArchiveError::Read)?;
    let archive = ZipArchive::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let mut entries = archive.entries();
    let mut decompressor = Decompressor::new();
    while let Some(entry) = entries.next_entry().map_err(|error| damaged(error.to_string()))? {
        if entry.is_dir() {
            continue;
        }
        // Normalising refuses absolute paths and those that climb out with `..`.
        let name =
            entry.file_path().try_normalize().map_err(|error| damaged(error.to_string()))?.into_owned();
        let data = archive.get_entry(entry.wayfinder()).map_err(|error| damaged(error.to_string()))?;
        let contents = match entry.compression_method() {
            CompressionMethod::STORE => data.data().to_vec(),
            CompressionMethod::DEFLATE => {
                let size = usize::try_from(entry.uncompressed_size_hint())
                    .map_err(|error| damaged(error.to_string()))?;
                let mut contents = vec![0; size];
                decompressor
                    .deflate_decompress(data.data(), &mut contents)
                    .map_err(|error| damaged(format!("`{}`: {error}", name.as_str())))?;
                contents
            }
            other => {
                return Err(damaged(format!(
                    "`{}` is compressed by an unknown method ({other:?})",
                    name.as_str()
                )));
            }
        };
        visit(name.as_str(), contents).map_err(ArchiveError::Read)?;
    }
    Ok(())
}

/// The names of the files in a zip.
pub fn names(zip: &Path) -> Result<Vec<String>, ArchiveError> {
    let mut names = Vec::new();
    read(zip, |name, _| {
        names.push(name.to_owned());
        Ok(())
    })?;
    Ok(names)
}

/// The contents of a file in a zip.
pub fn contents(zip: &Path, name: &str) -> Result<Vec<u8>, ArchiveError> {
    let mut found = Vec::new();
    read(zip, |other, contents| {
        if other == name {
            found = contents;
        }
        Ok(())
    })?;
    Ok(found)
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
        Source::Piece(piece) => piece.copy(&mut output, buffer)?,
    }
    output.finish(DataDescriptorOutput::new(shape.crc, shape.size)).map_err(other)?;
    Ok(())
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
    use super::*;

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
    fn what_was_written_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/bundle.zip");
        write(sample(), &path).unwrap();
        let mut names = Vec::new();
        read(&path, |name, contents| {
            names.push((name.to_owned(), contents.len()));
            Ok(())
        })
        .unwrap();
        let expected =
            [("a.py", 440), ("b/zeros.bin", 70_000), ("bin/run", 10), ("empty", 0), ("ü name.txt", 2)];
        assert_eq!(names, expected.map(|(name, size)| (name.to_owned(), size)));
        assert_eq!(fs_err::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_zip_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.zip");
        fs_err::write(&path, b"no zip").unwrap();
        assert_eq!(read(&path, |_, _| Ok(())).unwrap_err().code(), "BAD_ZIP");
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
