//! Writing: entries in, a zip out, whole or not at all, and hashed on the way.

use std::io::{self, BufReader, Read, Write};
use std::mem;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use sha2::{Digest, Sha256};
use zip::read::read_zipfile_from_stream;
use zip::result::ZipError;
use zip::write::StreamWriter;
use zip::{DateTime, System, ZIP64_BYTES_THR, ZipWriter};

use super::compression::PieceReader;
use super::{ArchiveError, Contents, Entry, Shape, compress, entry_name};
use crate::support::file_access::set_mode;
use crate::support::unfinished_file::unfinished_file;
use crate::support::wording;

/// How much of a piece is read at once, in bytes.
const READ: usize = 128 * 1024;

/// How much is written and hashed at once, in bytes: as much as fits into the caches of a CPU.
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

/// Writes the entries to `path`, in the order of their paths' bytes. The file appears there whole or not at all. Two entries
/// of one path, and paths that Linux cannot have, are errors.
pub fn write(mut entries: Vec<Entry>, path: &Path) -> Result<Written, ArchiveError> {
    entries.sort_by(|left, right| left.path.as_bytes().cmp(right.path.as_bytes()));
    check_paths(&entries)?;

    let not_writable = |source| ArchiveError::not_writable(path, source);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder).map_err(not_writable)?;
    // Beside its place, so that it can be renamed; removed where it is not, also on an error.
    let temporary = unfinished_file(folder, ".zip").map_err(not_writable)?;
    let (temporary, sha256, zip_bytes) = write_hashed(&entries, temporary).map_err(|error| match error {
        Failure::Read(error) => ArchiveError::Read(error),
        Failure::Write(error) => not_writable(error),
    })?;
    // A temporary file is private to its user; the bundle is an ordinary file, which CDK may read as another one.
    set_mode(temporary.path(), 0o644).map_err(not_writable)?;
    temporary.persist(path).map_err(|error| not_writable(error.error))?;

    let unzipped_bytes = entries.iter().map(|entry| entry.contents.size()).sum();
    Ok(Written { sha256, zip_bytes, unzipped_bytes, entries: entries.len() })
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

/// Whether reading a file of the bundle failed, or writing the zip.
enum Failure {
    Read(io::Error),
    Write(io::Error),
}

/// Writes sorted entries, and returns the output, its SHA-256 in hex and its size in bytes.
fn write_hashed<Output: Write + Send>(
    entries: &[Entry],
    mut output: Output,
) -> Result<(Output, String, u64), Failure> {
    // The output is written and hashed on another thread while this one reads.
    thread::scope(|scope| {
        let (full, to_write) = sync_channel::<Vec<u8>>(CHUNKS);
        let (emptied, empty) = sync_channel::<Vec<u8>>(CHUNKS);
        let writer = scope.spawn(move || -> io::Result<_> {
            let (mut hasher, mut written) = (Sha256::new(), 0);
            for chunk in to_write {
                output.write_all(&chunk)?;
                hasher.update(&chunk);
                written += chunk.len() as u64;
                // The other thread is gone once everything was read.
                let _ = emptied.send(chunk);
            }
            Ok((output, wording::hex(&hasher.finalize()), written))
        });
        let mut archive = ZipWriter::new(StreamWriter::new(Chunks::new(full, empty)));
        for entry in entries {
            append(&mut archive, entry)?;
            if archive.get_ref().is_some_and(|chunks| chunks.get_ref().is_closed) {
                break;
            }
        }
        archive.finish().map_err(|error| Failure::Write(error.into()))?.into_inner().finish();
        writer.join().unwrap_or_else(|panic| resume_unwind(panic)).map_err(Failure::Write)
    })
}

/// Writes one entry.
fn append(archive: &mut ZipWriter<StreamWriter<Chunks>>, entry: &Entry) -> Result<(), Failure> {
    match &entry.contents {
        Contents::Piece(piece) => {
            // `zip` reads little at a time.
            let data = BufReader::with_capacity(piece.length.min(READ), PieceReader::new(piece));
            append_compressed(archive, &entry.path, &piece.shape, piece.length as u64, data)
        }
        contents => {
            let contents = contents.read().map_err(Failure::Read)?;
            let compressed = compress(&contents).map_err(Failure::Read)?;
            let data = compressed.data.as_slice();
            append_compressed(archive, &entry.path, &compressed.shape, data.len() as u64, data)
        }
    }
}

/// Writes an entry whose data is compressed already. `zip` takes such data only from another zip, so it gets the data behind
/// the header that it would have there. What it then writes has the sizes and the checksum in front of the data: a reader
/// that cannot seek, such as Java's `ZipInputStream`, knows where the data ends.
fn append_compressed(
    archive: &mut ZipWriter<StreamWriter<Chunks>>,
    path: &str,
    shape: &Shape,
    length: u64,
    data: impl Read,
) -> Result<(), Failure> {
    let header = local_header(path, shape, length);
    let mut entry = header.as_slice().chain(data);
    let mode = if shape.is_executable { 0o755 } else { 0o644 };
    read_zipfile_from_stream(&mut entry)
        .and_then(|file| file.ok_or(ZipError::FileNotFound))
        .and_then(|file| archive.raw_copy_file_touch(file, DateTime::DEFAULT, Some(mode)))
        .map_err(|error| match error {
            // The output reports no errors, so it was the input.
            ZipError::Io(error) => Failure::Read(error),
            error => Failure::Write(error.into()),
        })
}

/// The header of an entry as it stands before the data in a zip.
///
/// Source: 4.3.7 and 4.5.3 in <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>.
fn local_header(path: &str, shape: &Shape, length: u64) -> Vec<u8> {
    /// The language encoding flag: the path is UTF-8.
    const UTF8: u16 = 1 << 11;
    // `zip` reads the system from the upper byte, as it stands in the central directory, and writes it there. Set, because
    // it would otherwise be that of the host.
    let version = u16::from_le_bytes([20, System::Unix.into()]);
    let method: u16 = if shape.is_deflated { 8 } else { 0 };
    let flags = if path.is_ascii() { 0 } else { UTF8 };
    let is_large = length.max(shape.size) >= ZIP64_BYTES_THR;
    let size = |size: u64| u32::try_from(size).ok().filter(|_| !is_large).unwrap_or(u32::MAX);
    let (extra_length, extra): (u16, Vec<u8>) = if is_large {
        let sizes = [shape.size.to_le_bytes(), length.to_le_bytes()];
        (20, [&[1, 0, 16, 0], sizes.as_flattened()].concat())
    } else {
        (0, Vec::new())
    };
    // Paths are no longer than Linux allows.
    let path_length = u16::try_from(path.len()).unwrap_or(u16::MAX);
    [
        b"PK\x03\x04".as_slice(),
        &version.to_le_bytes(),
        &flags.to_le_bytes(),
        &method.to_le_bytes(),
        &DateTime::DEFAULT.timepart().to_le_bytes(),
        &DateTime::DEFAULT.datepart().to_le_bytes(),
        &shape.crc.to_le_bytes(),
        &size(length).to_le_bytes(),
        &size(shape.size).to_le_bytes(),
        &path_length.to_le_bytes(),
        &extra_length.to_le_bytes(),
        path.as_bytes(),
        &extra,
    ]
    .concat()
}

/// A writer of large chunks, which it passes on to be written and hashed, and takes back when they are.
///
/// It never fails: a `ZipWriter` that is dropped after an error ends the zip, and prints to stderr where that fails. Whoever
/// gets the chunks knows why no more of them are taken.
struct Chunks {
    chunk: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    /// How many more chunks may be made.
    left: usize,
    /// Whether no more chunks are taken.
    is_closed: bool,
}

impl Chunks {
    fn new(full: SyncSender<Vec<u8>>, empty: Receiver<Vec<u8>>) -> Self {
        Self { chunk: Vec::with_capacity(CHUNK), full, empty, left: CHUNKS - 1, is_closed: false }
    }

    fn finish(mut self) {
        self.pass_on();
    }

    fn pass_on(&mut self) {
        // New memory costs more than waiting for some that was used before.
        let next = if self.left > 0 {
            self.left -= 1;
            Some(Vec::with_capacity(CHUNK))
        } else {
            self.empty.recv().ok()
        };
        let is_taken = next.is_some_and(|mut next| {
            next.clear();
            self.full.send(mem::replace(&mut self.chunk, next)).is_ok()
        });
        self.is_closed = !is_taken;
    }
}

impl Write for Chunks {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.is_closed {
            return Ok(buffer.len());
        }
        let length = buffer.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&buffer[..length]);
        if self.chunk.len() == CHUNK {
            self.pass_on();
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
    use crate::codes::ErrorCode;
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
        assert_eq!(written.sha256, "0da29c11d6388f15a1654c6df1d6991a9ab124fd6d3db637ee660fe153d3f37e");
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
                (header.name, header.mode.unwrap(), header.flags, size)
            })
            .collect();
        let expected = [
            ("a.py", 0o100_644, 0, 440),
            ("b/zeros.bin", 0o100_644, 0, 70_000),
            ("bin/run", 0o100_755, 0, 10),
            ("empty", 0o100_644, 0, 0),
            ("ü name.txt", 0o100_644, 1 << 11, 2),
        ];
        assert_eq!(found, expected.map(|(name, mode, flags, size)| (name.to_owned(), mode, flags, size)));
        assert_eq!(fs_err::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    /// Header, name, header in the directory, name: nothing else.
    #[test]
    fn an_entry_costs_no_more_than_its_headers_need() {
        let (written, bytes) = written(vec![entry("a.py", b"x")]);
        assert_eq!(written.zip_bytes, 30 + 4 + 1 + 46 + 4 + 22);
        let directory = &bytes[35..];
        assert_eq!(directory[..4], *b"PK\x01\x02");
        // The system that it was made on, on every host.
        assert_eq!(directory[5], 3);
    }

    #[test]
    fn sizes_from_4_gb_on_stand_in_an_extra_field() {
        let shape = Shape { is_deflated: true, crc: 1, size: 1 << 32, is_executable: false };
        let header = local_header("a", &shape, 99);
        assert_eq!(header[18..26], [0xff; 8]);
        assert_eq!(header[28..30], [20, 0]);
        assert_eq!(header[31..], [1, 0, 16, 0, 0, 0, 0, 0, 1, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0]);
        let shape = Shape { size: u64::from(u32::MAX) - 1, ..shape };
        assert_eq!(local_header("a", &shape, 99).len(), 31);
    }

    #[test]
    fn two_files_of_one_path_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let entries = vec![entry("a/b.py", b"1"), entry("c", b""), entry("a/b.py", b"2")];
        let error = write(entries, &folder.path().join("out/bundle.zip")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DuplicateFile);
        assert!(error.to_string().contains("two files `a/b.py`"), "{error}");
        assert!(!folder.path().join("out").exists());
    }

    #[test]
    fn names_are_those_of_linux() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.zip");
        let names = ["C:colon.py", "a/b.py", "a\\b.py", "colon.py", "con", "d/C:e.py", "ends in\\", "ü\n"];
        write(names.map(|name| entry(name, name.as_bytes())).to_vec(), &path).unwrap();
        let mut zip = ZipReader::open(&path).unwrap();
        for (number, name) in names.iter().enumerate() {
            assert_eq!(zip.header(number).unwrap().name, *name);
            let mut contents = Vec::new();
            zip.entry(number).unwrap().for_each_part(|part| contents.extend_from_slice(part)).unwrap();
            assert_eq!(contents, name.as_bytes());
        }
        for name in ["", "/a", "a/", "a//b", "../a", "a\0"] {
            let error = write(vec![entry(name, b"")], &path).unwrap_err();
            assert_eq!(error.code(), ErrorCode::BadFileName, "{name}");
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
        assert_eq!(error.code(), ErrorCode::Io);
        assert!(Error::from(error).is_damage());
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// A disk of which this many bytes are free.
    struct Disk(usize);

    impl Write for Disk {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            if self.0 < buffer.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0 -= buffer.len();
            Ok(buffer.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_an_error_wherever_it_fills() {
        // Not compressible, and more than all chunks together.
        let mut state = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(2 * CHUNK * CHUNKS)
        .collect();
        let entries = [entry("a", &noise), entry("b", &noise), entry("c", b"")];
        let Ok((_, _, size)) = write_hashed(&entries, Disk(usize::MAX)) else { panic!("not written") };
        let size = usize::try_from(size).unwrap();
        assert!(size > 2 * noise.len());
        for free in [0, 1, CHUNK, 3 * CHUNK, size / 2, size - 1] {
            match write_hashed(&entries, Disk(free)) {
                Err(Failure::Write(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
                _ => panic!("{free} bytes are too few"),
            }
        }
    }

    #[test]
    fn an_unwritable_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("file"), "").unwrap();
        let error = write(sample(), &folder.path().join("file/bundle.zip")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutputNotWritable);
        assert!(error.to_string().contains("file/bundle.zip"), "{error}");
    }
}
