//! Reading: zips that anybody may have made. Contents come as a stream, so memory is bounded by the number of entries; and
//! what a header claims is compared with what is there.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::read::{Config, ZipFile};
use zip::result::{ZipError, ZipResult};
use zip::unstable::read::ZipIterable;

use super::{ArchiveError, entry_name};
use crate::support::file_access;
use crate::support::wording;

/// What every zip may hold unpacked, in bytes: four times what Lambda takes as a zip.
const ALWAYS_READ: u64 = 1024 * MEGABYTE;

/// What a zip may hold unpacked for each of its bytes. Packages are about four times as large as their zips, repetitive text
/// thirty times; a bomb of one layer is a thousand times as large.
const READ_PER_BYTE: u64 = 100;

/// What no zip may hold unpacked, in bytes: more than Lambda takes in any form, which is an image of 10,240 MB.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const NEVER_READ: u64 = 10_240 * MEGABYTE;

const MEGABYTE: u64 = 1024 * 1024;

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// A zip, open.
pub struct ZipReader {
    path: PathBuf,
    file: File,
    /// The size of the file in bytes.
    bytes: u64,
    archive: ZipArchive<BufReader<File>>,
}

/// What a zip says about an entry beside its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryHeader {
    /// The name.
    pub name: String,
    /// The Unix mode; `None` where the zip has none.
    pub mode: Option<u32>,
    /// The time of its last change, as text; `None` where the zip has none.
    pub modified: Option<String>,
    /// The general purpose flags.
    pub flags: u16,
    /// The name of the compression method.
    pub compression: String,
    /// The size of the compressed data in bytes.
    pub compressed_size: u64,
}

/// An entry of a zip, whose contents are read as a stream.
pub struct ZipEntry<'a> {
    zip: &'a Path,
    name: String,
    contents: ZipFile<'a, BufReader<File>>,
    /// How many bytes of the contents were read.
    read: u64,
}

impl ZipReader {
    /// Opens a zip and reads its directory.
    ///
    /// Three kinds of zip are refused as [`ArchiveError::BadZip`]:
    ///
    /// - zips with two entries of one name, or with entries that share bytes: each reader finds something else in them;
    /// - bombs: together, the files may claim 1 GB or a hundred times the size of the zip, whichever is more, and never more
    ///   than 10 GB. What a file claims bounds what is read of it;
    /// - what is no zip.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let not_readable = |source| ArchiveError::ZipNotReadable { path: path.to_path_buf(), source };
        // Not through fs_err: the path stands in the error already.
        let metadata = std::fs::metadata(path).map_err(not_readable)?;
        // A pipe or a device may never end.
        if !metadata.is_file() {
            return Err(not_readable(io::Error::other("it is no file")));
        }
        let file = File::open(path).map_err(not_readable)?;
        let bytes = file.metadata().map_err(not_readable)?.len();
        let reader = BufReader::new(file.try_clone().map_err(not_readable)?);
        let archive = ZipArchive::new(reader).map_err(|error| bad_zip(path, None, error))?;
        let mut zip = Self { path: path.to_path_buf(), file, bytes, archive };
        zip.check_sizes()?;
        zip.check_names()?;
        zip.check_overlap()?;
        Ok(zip)
    }

    /// Size of the zip in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of the zip, in hex.
    pub fn sha256(&self) -> Result<String, ArchiveError> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        let mut offset = 0;
        loop {
            let length = self.read_raw(offset, &mut buffer)?;
            hasher.update(&buffer[..length]);
            offset += length as u64;
            if length < buffer.len() {
                return Ok(wording::hex(&hasher.finalize()));
            }
        }
    }

    /// Fills `buffer` with the bytes of the zip at `offset`. Returns how many there were: fewer than asked for only at the end.
    pub fn read_raw(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let left = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        file_access::read_at(&self.file, &mut buffer[..length], offset)
            .map_err(|source| ArchiveError::ZipNotReadable { path: self.path.clone(), source })?;
        Ok(length)
    }

    /// Number of entries, folders included.
    pub fn entries(&self) -> usize {
        self.archive.len()
    }

    /// What the zip says about the entry of this number.
    pub fn header(&self, number: usize) -> Result<EntryHeader, ArchiveError> {
        let entry = self.archive.by_index_data(number).map_err(|error| bad_zip(&self.path, None, error))?;
        let name = entry.name().map_err(|error| bad_zip(&self.path, None, error))?;
        Ok(EntryHeader {
            name: name.into_owned(),
            mode: entry.unix_mode(),
            modified: entry.last_modified().map(|time| time.to_string()),
            flags: entry.flags().as_u16(),
            compression: entry.compression().to_string(),
            compressed_size: entry.compressed_size(),
        })
    }

    /// The entry of this number. Fails where its name leads out of the folder that the zip is unpacked into.
    pub fn entry(&mut self, number: usize) -> Result<ZipEntry<'_>, ArchiveError> {
        let name = self.header(number)?.name;
        let contents =
            self.archive.by_index(number).map_err(|error| bad_zip(&self.path, Some(&name), error))?;
        // `enclosed_name` holds `\` for a separator and `C:` for a drive on every host, and so refuses or renames files of Linux.
        let is_refused = entry_name::leads_out(&name)
            || cfg!(windows) && (name.contains(['\\', ':']) || contents.enclosed_name().is_none());
        if is_refused {
            let problem =
                format!("`{}` leads out of the folder that it is unpacked into", name.escape_debug());
            return Err(ArchiveError::BadZip { path: self.path.clone(), problem });
        }
        Ok(ZipEntry { zip: &self.path, name, contents, read: 0 })
    }

    /// Compares the sizes that the entries claim with what may be read.
    fn check_sizes(&self) -> Result<(), ArchiveError> {
        let most = self.bytes.saturating_mul(READ_PER_BYTE).clamp(ALWAYS_READ, NEVER_READ);
        let (mut total, mut largest) = (0u64, (0, 0));
        for number in 0..self.entries() {
            let entry =
                self.archive.by_index_data(number).map_err(|error| bad_zip(&self.path, None, error))?;
            total = total.saturating_add(entry.size());
            largest = largest.max((entry.size(), number));
        }
        if total <= most {
            return Ok(());
        }
        let problem = format!(
            "its files claim to be {} unpacked (`{}` {}), and from a zip of {} no more than {} is read",
            wording::size(total),
            self.header(largest.1)?.name.escape_debug(),
            wording::size(largest.0),
            wording::size(self.bytes),
            wording::size(most)
        );
        Err(ArchiveError::BadZip { path: self.path.clone(), problem })
    }

    /// Checks that no two entries have one name: some readers take the first of them, and others the last.
    fn check_names(&self) -> Result<(), ArchiveError> {
        if !self.archive.has_duplicate_names() {
            return Ok(());
        }
        let name = self.duplicate_name().map_err(|error| bad_zip(&self.path, None, error))?;
        let problem = format!("it has two entries of the name `{}`", name.escape_debug());
        Err(ArchiveError::BadZip { path: self.path.clone(), problem })
    }

    /// The first name that occurs again. The archive knows the last entry of each name only.
    fn duplicate_name(&self) -> ZipResult<String> {
        let mut names = HashSet::new();
        let reader = BufReader::new(self.file.try_clone()?);
        for entry in ZipIterable::try_new(reader, Config::default())?.files()? {
            let entry = entry?;
            if !names.insert(entry.name_raw().to_vec()) {
                return Ok(String::from_utf8_lossy(entry.name_raw()).into_owned());
            }
        }
        Ok(String::new())
    }

    /// Checks that no two entries share bytes, by which a small zip can hold many large files.
    fn check_overlap(&mut self) -> Result<(), ArchiveError> {
        match self.archive.has_overlapping_entries() {
            Ok(false) => Ok(()),
            Ok(true) => Err(ArchiveError::BadZip {
                path: self.path.clone(),
                problem: "its entries overlap, or go on behind the place where the directory begins"
                    .to_owned(),
            }),
            Err(error) => Err(bad_zip(&self.path, None, error)),
        }
    }
}

impl ZipEntry<'_> {
    /// The path of the entry inside the zip, as it stands there.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a folder, which has no contents.
    pub fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    /// Whether its owner may execute it.
    pub fn is_executable(&self) -> bool {
        self.contents.unix_mode().is_some_and(|mode| mode & 0o100 != 0)
    }

    /// Fills `buffer` with what comes next. Returns how many bytes there were: fewer than asked for only at the end, where
    /// the size and the checksum have been found right.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let length = match self.contents.read(&mut buffer[filled..]) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(bad_zip(self.zip, Some(&self.name), ZipError::Io(error))),
            };
            if length == 0 {
                break;
            }
            filled += length;
        }
        self.read += filled as u64;
        if filled < buffer.len() && self.read != self.contents.size() {
            let problem = format!(
                "`{}` has {} bytes, and claims to have {}",
                self.name.escape_debug(),
                self.read,
                self.contents.size()
            );
            return Err(ArchiveError::BadZip { path: self.zip.to_path_buf(), problem });
        }
        Ok(filled)
    }

    /// Gives the contents to `take`, a part at a time.
    pub fn for_each_part(&mut self, mut take: impl FnMut(&[u8])) -> Result<(), ArchiveError> {
        let mut buffer = vec![0; CHUNK];
        loop {
            let length = self.read(&mut buffer)?;
            take(&buffer[..length]);
            if length < buffer.len() {
                return Ok(());
            }
        }
    }

    /// Writes the contents to `path`, and makes the folders above it.
    pub fn unpack(&mut self, path: &Path) -> Result<(), ArchiveError> {
        let mut file = path
            .parent()
            .map_or(Ok(()), fs_err::create_dir_all)
            .and_then(|()| File::create(path))
            .map_err(|source| self.not_unpacked(source))?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let length = self.read(&mut buffer)?;
            file.write_all(&buffer[..length]).map_err(|source| self.not_unpacked(source))?;
            if length < buffer.len() {
                return Ok(());
            }
        }
    }

    pub(super) fn not_unpacked(&self, source: io::Error) -> ArchiveError {
        ArchiveError::NotUnpacked { path: self.zip.to_path_buf(), entry: self.name.clone(), source }
    }
}

/// What is wrong with a zip, or with one of its entries.
fn bad_zip(path: &Path, entry: Option<&str>, error: ZipError) -> ArchiveError {
    let path = path.to_path_buf();
    let cause = match error {
        // Only what the system says has a number; the rest is about the bytes.
        ZipError::Io(source) if source.raw_os_error().is_some() => {
            return ArchiveError::ZipNotReadable { path, source };
        }
        ZipError::Io(cause) => cause.to_string(),
        ZipError::InvalidArchive(cause) => cause.into_owned(),
        ZipError::UnsupportedArchive(cause) => cause.to_owned(),
        cause => cause.to_string(),
    };
    let problem = match entry {
        Some(entry) => format!("`{}` cannot be unpacked ({cause})", entry.escape_debug()),
        None => format!("it is no zip, or a damaged one ({cause})"),
    };
    ArchiveError::BadZip { path, problem }
}
