//! Compression: the contents of a file as a zip holds them, made by one pinned compressor from the whole file at once, so
//! that neither the CPU nor the number of workers shows in the bytes.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use libdeflater::{CompressionLvl, Compressor, Crc, Decompressor};
use serde::{Deserialize, Serialize};

use crate::support::file_access;

/// The levels of libdeflate, each the lowest at which bundles are no larger than those of `zip -9`. Large files are extension modules as
/// a rule, for which a lower level does: of those of pandas, numpy and pyarrow, level 6 makes 99.9 % of `zip -9` in 72 % of the time of
/// level 7.
const LEVEL: i32 = 7;
const LEVEL_OF_LARGE: i32 = 6;

/// The size of a large file, in bytes.
const LARGE: usize = 128 * 1024;

/// What a zip says of a file beside its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Whether the data is deflated; otherwise it is stored as it is.
    pub is_deflated: bool,
    /// CRC-32 of the contents.
    pub crc: u32,
    /// Size of the contents in bytes.
    pub size: u64,
    /// Whether the file can be run. Modes on disk follow the umask and the checkout, so they do not count.
    pub is_executable: bool,
}

/// The data of a file, ready to be written into a zip.
#[derive(Debug)]
pub struct Compressed {
    /// What the zip says of the file.
    pub shape: Shape,
    /// The data.
    pub data: Vec<u8>,
}

/// The data of a file, ready to be written into a zip, at some place in another file.
#[derive(Debug, Clone)]
pub struct Piece {
    /// What the zip says of the file.
    pub shape: Shape,
    /// The other file, open, so that nobody can take it away.
    pub file: Arc<File>,
    /// Where the data begins in it.
    pub offset: u64,
    /// Length of the data in bytes.
    pub length: usize,
    /// CRC-32 of the data, by which damage is noticed.
    pub checksum: u32,
}

/// A piece no longer has the bytes that were written.
#[derive(Debug, thiserror::Error)]
#[error("cached data was damaged")]
pub struct DamagedPiece;

impl From<DamagedPiece> for io::Error {
    fn from(damaged: DamagedPiece) -> Self {
        Self::new(io::ErrorKind::InvalidData, damaged)
    }
}

/// Compresses the contents of a file. Data that would not become smaller is stored.
pub fn compress(contents: &[u8]) -> io::Result<Compressed> {
    let mut shape = Shape {
        is_deflated: true,
        crc: checksum(contents),
        size: contents.len() as u64,
        is_executable: contents.starts_with(b"#!") || contents.starts_with(b"\x7fELF"),
    };
    let level = if contents.len() < LARGE { LEVEL } else { LEVEL_OF_LARGE };
    let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap_or_default());
    let mut data = vec![0; capacity(compressor.deflate_compress_bound(contents.len()))];
    let length = compressor.deflate_compress(contents, &mut data).map_err(io::Error::other)?;
    if length >= contents.len() {
        shape.is_deflated = false;
        return Ok(Compressed { shape, data: contents.to_vec() });
    }
    data.truncate(length);
    Ok(Compressed { shape, data })
}

/// How much memory to ask for, in bytes, for a buffer of this size. An allocator that gets a middling buffer back may keep it for the
/// next one, and then holds many. It returns one of more than 32 MiB to the system at once, and what was never written to takes no
/// memory.
pub fn capacity(size: usize) -> usize {
    const MIDDLING: usize = 1024 * 1024;
    const RETURNED: usize = 33 * 1024 * 1024;
    if size < MIDDLING { size } else { size.max(RETURNED) }
}

/// CRC-32.
pub fn checksum(data: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(data);
    crc.sum()
}

impl Piece {
    /// The data. Fails with [`DamagedPiece`] where it is not what was written.
    pub fn read(&self) -> io::Result<Compressed> {
        let mut data = vec![0; self.length];
        file_access::read_at(&self.file, &mut data, self.offset)?;
        if checksum(&data) == self.checksum {
            Ok(Compressed { shape: self.shape, data })
        } else {
            Err(DamagedPiece.into())
        }
    }

    /// The contents of the file, as they were before they were compressed.
    pub fn inflate(&self) -> io::Result<Vec<u8>> {
        let Compressed { shape, data } = self.read()?;
        if !shape.is_deflated {
            return Ok(data);
        }
        let mut contents = vec![0; usize::try_from(shape.size).map_err(io::Error::other)?];
        Decompressor::new().deflate_decompress(&data, &mut contents).map_err(io::Error::other)?;
        Ok(contents)
    }
}

/// Reads the data of a piece as a stream. The read that reaches its end fails with [`DamagedPiece`] where the data is not what
/// was written.
pub(super) struct PieceReader<'a> {
    piece: &'a Piece,
    /// How many bytes were read.
    position: usize,
    crc: Crc,
}

impl<'a> PieceReader<'a> {
    pub(super) fn new(piece: &'a Piece) -> Self {
        Self { piece, position: 0, crc: Crc::new() }
    }
}

impl Read for PieceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.piece.length - self.position);
        if length == 0 {
            return Ok(0);
        }
        let buffer = &mut buffer[..length];
        file_access::read_at(&self.piece.file, buffer, self.piece.offset + self.position as u64)?;
        self.crc.update(buffer);
        self.position += length;
        if self.position == self.piece.length && self.crc.sum() != self.piece.checksum {
            return Err(DamagedPiece.into());
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// A piece of this data, three bytes into a file.
    fn piece(data: &[u8]) -> Piece {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"...").unwrap();
        file.write_all(data).unwrap();
        Piece {
            shape: compress(data).unwrap().shape,
            file: Arc::new(file),
            offset: 3,
            length: data.len(),
            checksum: checksum(data),
        }
    }

    #[test]
    fn a_piece_is_read_as_a_stream() {
        let data: Vec<u8> = (0..=255).collect();
        let mut read = Vec::new();
        PieceReader::new(&piece(&data)).read_to_end(&mut read).unwrap();
        assert_eq!(read, data);
    }

    #[test]
    fn damage_fails_at_the_end_of_a_piece_at_the_latest() {
        let mut damaged = piece(&vec![b'a'; 100_000]);
        damaged.checksum ^= 1;
        let error = io::copy(&mut PieceReader::new(&damaged), &mut io::sink()).unwrap_err();
        assert!(error.downcast::<DamagedPiece>().is_ok());
        let mut cut_off = piece(&[b'a'; 100]);
        cut_off.length += 1;
        assert!(io::copy(&mut PieceReader::new(&cut_off), &mut io::sink()).is_err());
    }

    #[test]
    fn only_what_becomes_smaller_is_deflated() {
        for (contents, is_deflated) in [(vec![0; 1000], true), (b"ab".to_vec(), false), (Vec::new(), false)] {
            let compressed = compress(&contents).unwrap();
            assert_eq!(compressed.shape.is_deflated, is_deflated);
            assert_eq!(compressed.data == contents, !is_deflated);
        }
    }
}
