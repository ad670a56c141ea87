//! Pack: what one package brings into a bundle, ready to be zipped: its files and their bytecode, checked,
//! compiled and compressed. Bundles are put together from packs, and what a pack holds is never made again.
//!
//! A pack is one file: the compressed data, one piece after another; the index, as JSON; and an end of fixed
//! length, which says where the index begins and what its SHA-256 is. The index has a checksum of every piece.

pub mod bundle_files;
mod cached_packs;
mod compile_and_compress;
pub mod find_or_make;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use compile_and_compress::{PackSettings, make};

use crate::archive::{Compressed, Contents, Piece, Shape, checksum};
use crate::bytecode::BytecodeError;
use crate::codes::ErrorCode;
use crate::elf::Elf;
use crate::select::Package;
use crate::support::unfinished_file::unfinished_file;
use crate::support::wheel_metadata::{is_record, record};
use crate::support::wording;

/// The last bytes of every pack.
const MAGIC: &[u8; 8] = b"ulc-pack";

/// Length of the end: where the index begins, its SHA-256, and [`MAGIC`].
const END: usize = 8 + 32 + MAGIC.len();

/// A pack, open.
#[derive(Debug, Clone)]
pub struct Pack {
    /// Where it lies.
    pub path: PathBuf,
    /// Its files, sorted by path.
    pub files: Vec<PackedFile>,
    /// Who owns which of them.
    pub packages: Vec<Package>,
}

/// A file in a pack.
#[derive(Debug, Clone)]
pub struct PackedFile {
    /// Its path inside the bundle.
    pub path: String,
    /// SHA-256 of its contents, in hex.
    pub digest: String,
    /// What is known of it, where it is an ELF file.
    pub elf: Option<Elf>,
    /// Its contents.
    pub contents: Piece,
    /// Its bytecode, where it is Python.
    pub bytecode: Option<Piece>,
}

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Nothing was compiled.
    #[error(transparent)]
    Bytecode(#[from] BytecodeError),
    /// A file could not be read, or the pack not be written.
    #[error("failed to prepare a package for the bundle: {0}")]
    Io(#[from] io::Error),
}

impl PackError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Bytecode(error) => error.code(),
            Self::Io(_) => ErrorCode::Io,
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Index {
    files: Vec<IndexedFile>,
    packages: Vec<Package>,
}

#[derive(Debug, Serialize, Deserialize)]
struct IndexedFile {
    path: String,
    digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elf: Option<Elf>,
    contents: IndexedPiece,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytecode: Option<IndexedPiece>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct IndexedPiece {
    shape: Shape,
    offset: u64,
    length: usize,
    checksum: u32,
}

impl Pack {
    /// Opens a pack. Fails where it is missing, or is not what was written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = fs_err::File::open(path)?;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the pack is damaged");
        let length = file.metadata()?.len();
        let end_at = length.checked_sub(END as u64).ok_or_else(damaged)?;
        let mut end = [0; END];
        file.seek(SeekFrom::Start(end_at))?;
        file.read_exact(&mut end)?;
        let (index_at, rest) = end.split_at(8);
        let (digest, magic) = rest.split_at(32);
        let index_at = u64::from_le_bytes(index_at.try_into().map_err(|_| damaged())?);
        if magic != MAGIC || index_at > end_at {
            return Err(damaged());
        }
        let mut index = vec![0; usize::try_from(end_at - index_at).map_err(|_| damaged())?];
        file.seek(SeekFrom::Start(index_at))?;
        file.read_exact(&mut index)?;
        if Sha256::digest(&index).as_slice() != digest {
            return Err(damaged());
        }
        let Index { files, packages } = serde_json::from_slice(&index).map_err(|_| damaged())?;

        let file: Arc<File> = Arc::new(file.into_parts().0);
        let piece = |indexed: IndexedPiece| {
            let IndexedPiece { shape, offset, length, checksum } = indexed;
            Piece { shape, file: Arc::clone(&file), offset, length, checksum }
        };
        let files = files.into_iter().map(|indexed| PackedFile {
            path: indexed.path,
            digest: indexed.digest,
            elf: indexed.elf,
            contents: piece(indexed.contents),
            bytecode: indexed.bytecode.map(piece),
        });
        Ok(Self { path: path.to_path_buf(), files: files.collect(), packages })
    }
}

impl PackedFile {
    /// Its contents, as they were before they were compressed.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        Contents::Piece(self.contents.clone()).read().map(Cow::into_owned)
    }
}

impl Pack {
    /// Fails with [`io::ErrorKind::InvalidData`] if a file is not the one of its digest, or the RECORD of its package lists another
    /// digest for it. Reads every piece.
    pub fn check_files(&self) -> io::Result<()> {
        let is_wrong = || io::Error::new(io::ErrorKind::InvalidData, "a file is not the one of its digest");
        let mut listed = BTreeMap::new();
        for file in self.files.iter().filter(|file| is_record(&file.path)) {
            let text = String::from_utf8_lossy(&file.read()?).into_owned();
            let rows = record(&text).filter_map(Result::ok);
            listed.extend(
                rows.filter_map(|row| Some((row.sha256()?, row.path))).map(|(digest, path)| (path, digest)),
            );
        }
        self.files.par_iter().try_for_each(|file| {
            let digest = wording::hex(&Sha256::digest(file.read()?));
            let is_listed = listed.get(&file.path).is_none_or(|listed| *listed == digest);
            if digest != file.digest || !is_listed {
                return Err(is_wrong());
            }
            file.bytecode.as_ref().map_or(Ok(()), |bytecode| bytecode.read().map(drop))
        })
    }

    /// Fails where one bit of its pieces has changed.
    pub fn check(&self) -> io::Result<()> {
        self.files.par_iter().try_for_each(|file| {
            file.contents.read()?;
            file.bytecode.as_ref().map_or(Ok(()), |bytecode| bytecode.read().map(drop))
        })
    }
}

/// A pack in the making.
struct Writer {
    file: io::BufWriter<tempfile::NamedTempFile>,
    written: u64,
    index: Index,
}

impl Writer {
    /// Begins a pack beside `path`.
    fn begin(path: &Path, packages: Vec<Package>) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs_err::create_dir_all(folder)?;
        let file = unfinished_file(folder, "")?;
        Ok(Self { file: io::BufWriter::new(file), written: 0, index: Index { files: Vec::new(), packages } })
    }

    fn add(&mut self, compressed: &Compressed) -> io::Result<IndexedPiece> {
        let Compressed { shape, data } = compressed;
        let offset = self.written;
        self.file.write_all(data)?;
        self.written += data.len() as u64;
        Ok(IndexedPiece { shape: *shape, offset, length: data.len(), checksum: checksum(data) })
    }

    /// Ends the pack, which appears at `path` whole or not at all.
    fn end(mut self, path: &Path) -> io::Result<Pack> {
        self.index.files.sort_by(|left, right| left.path.cmp(&right.path));
        let index = serde_json::to_vec(&self.index)?;
        self.file.write_all(&index)?;
        self.file.write_all(&self.written.to_le_bytes())?;
        self.file.write_all(&Sha256::digest(&index))?;
        self.file.write_all(MAGIC)?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(path).map_err(|error| error.error)?;
        Pack::open(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::compress;

    fn written(folder: &Path) -> Pack {
        let path = folder.join("pack");
        let mut writer = Writer::begin(&path, Vec::new()).unwrap();
        let contents = writer.add(&compress(&[b'a'; 1000]).unwrap()).unwrap();
        let bytecode = Some(writer.add(&compress(b"b").unwrap()).unwrap());
        writer.index.files.push(IndexedFile {
            path: "a.py".to_owned(),
            digest: "0".to_owned(),
            elf: None,
            contents,
            bytecode,
        });
        writer.end(&path).unwrap()
    }

    #[test]
    fn what_was_packed_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let pack = written(folder.path());
        let [file] = pack.files.as_slice() else { panic!("{pack:?}") };
        let read = |piece: &Piece| Contents::Piece(piece.clone()).read().unwrap().into_owned();
        assert_eq!(
            (read(&file.contents), read(file.bytecode.as_ref().unwrap())),
            (vec![b'a'; 1000], b"b".to_vec())
        );
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn damage_anywhere_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let pack = written(folder.path());
        let whole = fs_err::read(&pack.path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs_err::write(&pack.path, damaged).unwrap();
            let Ok(opened) = Pack::open(&pack.path) else { continue };
            let pieces = opened.files.iter().flat_map(|file| [Some(&file.contents), file.bytecode.as_ref()]);
            let mut pieces = pieces.flatten().map(|piece| Contents::Piece(piece.clone()));
            assert!(pieces.any(|piece| piece.read().is_err()), "byte {at}");
        }
        fs_err::write(&pack.path, &whole[1..]).unwrap();
        assert!(Pack::open(&pack.path).is_err());
        fs_err::write(&pack.path, "").unwrap();
        assert!(Pack::open(&pack.path).is_err());
    }
}
