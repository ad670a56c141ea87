//! Zips that are damaged or have false headers, in `diff` and in the unpacking of wheels: they are errors. They never use more
//! memory than there is, and never end the process.

#![expect(clippy::unwrap_used, reason = "what a test cannot do, it fails at")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libdeflater::{CompressionLvl, Compressor};
use tempfile::TempDir;
use uv_lambda_cdk::archive::{ArchiveError, ZipReader, checksum, unpack};

/// The memory that a process may ask for, in bytes, its executable and libraries included.
const MEMORY: u64 = 96 * 1024 * 1024;

/// An entry of a zip, and the claims of its headers.
#[derive(Clone)]
struct Entry {
    name: &'static str,
    method: u16,
    flags: u16,
    crc: u32,
    size: u64,
    compressed_size: u64,
    data: Vec<u8>,
    /// The entry whose header and data it claims as its own.
    shares: Option<usize>,
}

/// An entry with true headers.
fn entry(name: &'static str, contents: &[u8]) -> Entry {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut data = vec![0; compressor.deflate_compress_bound(contents.len())];
    let length = compressor.deflate_compress(contents, &mut data).unwrap();
    data.truncate(length);
    Entry {
        name,
        method: 8,
        flags: 0,
        crc: checksum(contents),
        size: contents.len() as u64,
        compressed_size: length as u64,
        data,
        shares: None,
    }
}

/// The entry that claims another size.
fn claiming(size: u64) -> Entry {
    Entry { size, ..entry("a.py", CONTENTS) }
}

const CONTENTS: &[u8] = b"x = 1\nx = 1\nx = 1\nx = 1\nx = 1\n";

/// A zip of these entries.
fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut zip, mut directory, mut offsets) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        let Entry { name, method, flags, crc, size, compressed_size, data, shares } = entry;
        let is_large = (*size).max(*compressed_size) >= u64::from(u32::MAX);
        let small = |size: u64| if is_large { u32::MAX } else { u32::try_from(size).unwrap() };
        let mut extra = Vec::new();
        if is_large {
            extra.extend([1, 0, 16, 0]);
            extra.extend(size.to_le_bytes());
            extra.extend(compressed_size.to_le_bytes());
        }
        let mut about = Vec::new();
        for field in [20, *flags, *method, 0, 0x21] {
            about.extend(field.to_le_bytes());
        }
        for field in [*crc, small(*compressed_size), small(*size)] {
            about.extend(field.to_le_bytes());
        }
        for field in [name.len(), extra.len()] {
            about.extend(u16::try_from(field).unwrap().to_le_bytes());
        }
        let offset = shares.map_or(zip.len(), |shared| offsets[shared]);
        offsets.push(offset);
        if shares.is_none() {
            zip.extend(b"PK\x03\x04");
            zip.extend(&about);
            zip.extend(name.as_bytes());
            zip.extend(&extra);
            zip.extend(data);
        }
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&about);
        // The comment, the disk and the internal attributes; then a mode of 644.
        directory.extend([0; 6]);
        directory.extend(0x81a4_0000_u32.to_le_bytes());
        directory.extend(u32::try_from(offset).unwrap().to_le_bytes());
        directory.extend(name.as_bytes());
        directory.extend(&extra);
    }
    let (begin, length) = (zip.len(), directory.len());
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend([u16::try_from(entries.len()).unwrap().to_le_bytes(); 2].as_flattened());
    zip.extend(u32::try_from(length).unwrap().to_le_bytes());
    zip.extend(u32::try_from(begin).unwrap().to_le_bytes());
    zip.extend([0; 2]);
    zip
}

struct Zips(TempDir);

impl Zips {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs_err::write(&path, bytes).unwrap();
        path
    }

    /// `diff` of a good zip and this one, with little memory.
    fn diff(&self, bytes: &[u8]) -> (i32, String, String) {
        let good = self.write("good.zip", &zip(&[entry("a.py", CONTENTS)]));
        diff(&good, &self.write("hostile.zip", bytes))
    }

    /// The error about a zip that cannot be read.
    fn refused(&self, bytes: &[u8]) -> String {
        let (code, stdout, stderr) = self.diff(bytes);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        let path = self.0.path().join("hostile.zip");
        let begin = format!("error[BAD_ZIP]: failed to read the zip `{}`: ", path.display());
        assert!(stderr.starts_with(&begin), "{stderr}");
        stderr[begin.len()..].trim_end().to_owned()
    }
}

/// Runs the command line with [`MEMORY`]. A failed allocation ends the process with a signal, which has no exit code and fails the test.
fn diff(first: &Path, second: &Path) -> (i32, String, String) {
    let executable = env!("CARGO_BIN_EXE_uv-lambda-cdk");
    let mut command = if cfg!(unix) {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -v {} && exec \"$0\" \"$@\"", MEMORY / 1024), executable]);
        shell
    } else {
        Command::new(executable)
    };
    let Output { status, stdout, stderr } = command.arg("diff").args([first, second]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert!(status.code().is_some(), "{status}: {stderr}");
    (status.code().unwrap(), stdout, stderr)
}

/// Reads everything in a zip: names and contents.
fn read(path: &Path) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
    let mut zip = ZipReader::open(path)?;
    (0..zip.entries())
        .map(|number| {
            let mut entry = zip.entry(number)?;
            let mut contents = Vec::new();
            entry.for_each_part(|part| contents.extend_from_slice(part))?;
            Ok((entry.name().to_owned(), contents))
        })
        .collect()
}

#[test]
fn a_truthful_zip_is_read() {
    let (code, stdout, _) = Zips::new().diff(&zip(&[entry("a.py", CONTENTS)]));
    assert_eq!((code, stdout.lines().next()), (0, Some("identical: the same bytes")));
}

#[test]
fn a_size_that_is_not_the_claimed_one_is_an_error() {
    let zips = Zips::new();
    for size in [31, 1 << 20, 1 << 29] {
        assert_eq!(
            zips.refused(&zip(&[claiming(size)])),
            format!("`a.py` has 30 bytes, and claims to have {size}")
        );
    }
    let smaller = zips.refused(&zip(&[claiming(29)]));
    assert!(smaller.starts_with("`a.py` cannot be unpacked (File is larger than its declared"), "{smaller}");
}

#[test]
fn a_size_that_no_zip_can_have_is_refused_at_once() {
    let zips = Zips::new();
    for (size, claimed) in [
        (1 << 31, "2048.0 MB"),
        (u64::from(u32::MAX) - 1, "4095.9 MB"),
        (1 << 33, "8192.0 MB"),
        (1 << 36, "65536.0 MB"),
        (1 << 63, "8796093022208.0 MB"),
        (u64::MAX, "17592186044415.9 MB"),
    ] {
        let said = zips.refused(&zip(&[claiming(size)]));
        let begin =
            format!("its files claim to be {claimed} unpacked (`a.py` {claimed}), and from a zip of ");
        assert!(said.starts_with(&begin), "{said}");
        assert!(said.ends_with(" B no more than 1024.0 MB is read"), "{said}");
    }
    let both = zips.refused(&zip(&[claiming(1 << 63), Entry { name: "b.py", ..claiming(1 << 63) }]));
    assert!(both.contains("17592186044415.9 MB unpacked"), "{both}");
}

#[test]
fn a_bomb_is_refused_at_once() {
    let mut zeros = entry("zeros", &vec![0; 64 << 20]);
    let names: Vec<&'static str> = (0..48).map(|number| &*format!("zeros{number}").leak()).collect();
    let entries: Vec<Entry> = names.iter().map(|name| Entry { name, ..zeros.clone() }).collect();
    let bomb = zip(&entries);
    assert!(bomb.len() < 4 << 20);
    let zips = Zips::new();
    let said = zips.refused(&bomb);
    assert!(said.starts_with("its files claim to be 3072.0 MB unpacked (`zeros"), "{said}");
    // A smaller claim does not help.
    zeros.size = 10;
    let said = zips.refused(&zip(&[zeros]));
    assert!(said.starts_with("`zeros` cannot be unpacked (File is larger"), "{said}");
}

#[test]
fn memory_does_not_grow_with_a_file() {
    let contents = vec![0; 128 << 20];
    let (code, stdout, stderr) = Zips::new().diff(&zip(&[entry("zeros", &contents)]));
    assert_eq!((code, stderr.as_str()), (1, ""));
    assert!(stdout.contains("+ zeros  128.0 MB"), "{stdout}");
}

#[test]
fn memory_does_not_grow_with_files_that_differ_late() {
    let zips = Zips::new();
    let mut contents = vec![0; 100 << 20];
    let first = zips.write("first.zip", &zip(&[entry("zeros", &contents)]));
    *contents.last_mut().unwrap() = 1;
    let second = zips.write("second.zip", &zip(&[entry("zeros", &contents)]));
    let (code, stdout, stderr) = diff(&first, &second);
    assert_eq!((code, stderr.as_str()), (1, ""));
    assert!(stdout.contains("~ zeros  100.0 MB"), "{stdout}");
}

#[test]
fn damaged_contents_are_an_error() {
    let zips = Zips::new();
    let good = entry("a.py", CONTENTS);
    for (hostile, problem) in [
        (Entry { crc: good.crc ^ 1, ..good.clone() }, "Invalid checksum"),
        (Entry { data: vec![0xff; good.data.len()], ..good.clone() }, "corrupt deflate stream"),
        (Entry { flags: 1, ..good.clone() }, "Password required to decrypt file"),
        (Entry { method: 12, ..good.clone() }, "compression method not supported: 12"),
    ] {
        let said = zips.refused(&zip(&[hostile]));
        assert_eq!(said, format!("`a.py` cannot be unpacked ({problem})"));
    }
    let stored = Entry { method: 0, ..good.clone() };
    let said = zips.refused(&zip(&[stored]));
    assert!(said.starts_with("`a.py` "), "{said}");
    let longer = Entry { compressed_size: 1000, ..good.clone() };
    assert!(zips.refused(&zip(&[longer])).starts_with("its entries overlap"));
    let longest = Entry { compressed_size: u64::MAX, ..good };
    let said = zips.refused(&zip(&[longest]));
    assert!(said.contains("overflows"), "{said}");
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let first = entry("a.py", CONTENTS);
    let second = Entry { name: "b.py", shares: Some(0), ..first.clone() };
    assert!(Zips::new().refused(&zip(&[first, second])).starts_with("its entries overlap"));
}

#[test]
fn two_entries_of_one_name_are_refused() {
    let entries = [entry("b.py", b"1"), entry("a.py", b"1"), entry("a.py", b"2")];
    assert_eq!(Zips::new().refused(&zip(&entries)), "it has two entries of the name `a.py`");
}

#[test]
fn names_that_lead_out_are_refused() {
    let zips = Zips::new();
    for (name, said) in [
        ("../a.py", "`../a.py`"),
        ("a/../../a.py", "`a/../../a.py`"),
        ("a.data/purelib/../../a.py", "`a.data/purelib/../../a.py`"),
        ("/a.py", "`/a.py`"),
        ("a\0.py", "`a\\0.py`"),
    ] {
        let expected = format!("{said} leads out of the folder that it is unpacked into");
        let bytes = zip(&[entry(name, b"")]);
        assert_eq!(zips.refused(&bytes), expected);
        let folder = zips.0.path().join("a");
        fs_err::create_dir_all(&folder).unwrap();
        let error = unpack(&zips.write("out.zip", &bytes), &folder).unwrap_err();
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
    assert!(!zips.0.path().join("a.py").exists());
}

#[test]
#[cfg(unix)]
fn names_are_those_of_linux() {
    let zips = Zips::new();
    let names = ["C:colon.py", "a/b.py", "a\\b.py", "colon.py", "./c.py", "d/C:e.py", "..\\f", "ends in\\"];
    let path = zips.write("names.zip", &zip(&names.map(|name| entry(name, name.as_bytes()))));
    let found = read(&path).unwrap();
    assert_eq!(found, names.map(|name| (name.to_owned(), name.as_bytes().to_vec())));
    // They are also unpacked as files of these names.
    let folder = zips.0.path().join("unpacked");
    let mut zip = ZipReader::open(&path).unwrap();
    for (number, name) in names.iter().enumerate() {
        zip.entry(number).unwrap().unpack(&folder.join(name)).unwrap();
        assert_eq!(fs_err::read(folder.join(name)).unwrap(), name.as_bytes());
    }
    assert_eq!(fs_err::read_dir(folder).unwrap().count(), names.len());
}

#[test]
fn what_is_no_zip_is_an_error() {
    let zips = Zips::new();
    let good = zip(&[entry("a.py", CONTENTS)]);
    for bytes in [b"".as_slice(), b"PK", b"no zip", &[0; 10_000], b"PK\x05\x06", &good[..good.len() - 1]] {
        let said = zips.refused(bytes);
        assert!(said.starts_with("it is no zip, or a damaged one ("), "{said}");
    }
    let good = zips.write("good.zip", &good);
    let folder = zips.0.path().join("folder");
    fs_err::create_dir(&folder).unwrap();
    let mut unreadable = vec![folder, zips.0.path().join("missing.zip")];
    if cfg!(unix) {
        let pipe = zips.0.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        unreadable.extend([pipe, PathBuf::from("/dev/zero")]);
    }
    for path in unreadable {
        let (code, _, stderr) = diff(&good, &path);
        assert_eq!(code, 2);
        let begin = format!("error[IO]: failed to read the zip `{}`: ", path.display());
        assert!(stderr.starts_with(&begin), "{stderr}");
    }
}

#[test]
fn a_directory_that_claims_more_entries_than_there_are_is_an_error() {
    let zips = Zips::new();
    let mut many = zip(&[entry("a.py", CONTENTS)]);
    let end = many.len() - 22;
    many[end + 8..end + 12].fill(0xff);
    zips.refused(&many);

    // The same in the larger directory of zip64.
    let mut many = zip(&[entry("a.py", CONTENTS)]);
    let mut end = many.split_off(many.len() - 22);
    let directory = u64::from(u32::from_le_bytes(end[16..20].try_into().unwrap()));
    let end_at = many.len() as u64;
    many.extend(b"PK\x06\x06");
    many.extend(44_u64.to_le_bytes());
    many.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for field in [1 << 40, 1 << 40, 1 << 46, directory] {
        many.extend(u64::to_le_bytes(field));
    }
    many.extend(b"PK\x06\x07\0\0\0\0");
    many.extend(end_at.to_le_bytes());
    many.extend(1_u32.to_le_bytes());
    end[8..20].fill(0xff);
    many.extend(end);
    let said = zips.refused(&many);
    assert!(said.contains("inconsistent number of files"), "{said}");
}

#[test]
fn many_entries_are_read() {
    let entries: Vec<Entry> =
        (0..60_000).map(|number| entry(format!("folder/file{number}").leak(), b"")).collect();
    let (code, stdout, stderr) = Zips::new().diff(&zip(&entries));
    assert_eq!((code, stderr.as_str()), (1, ""));
    assert!(stdout.contains("60000 files"), "{stdout}");
}

#[test]
fn a_zip_that_is_cut_off_or_has_one_bit_wrong_is_an_error_or_right() {
    let zips = Zips::new();
    let entries = [
        entry("a.py", CONTENTS),
        Entry { method: 0, data: b"12".to_vec(), compressed_size: 2, ..entry("b", b"12") },
    ];
    let good = zip(&entries);
    let expected = read(&zips.write("good.zip", &good)).unwrap();
    let contents = |found: &[(String, Vec<u8>)]| -> Vec<Vec<u8>> {
        found.iter().map(|(_, contents)| contents.clone()).collect()
    };
    for length in 0..good.len() {
        let path = zips.write("cut.zip", &good[..length]);
        assert!(read(&path).is_err(), "{length} bytes");
    }
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut damaged = good.clone();
            damaged[at] ^= 1 << bit;
            let Ok(found) = read(&zips.write("damaged.zip", &damaged)) else { continue };
            // A damaged zip may lose entries at its end, or have other names. The contents that are read are those that were written.
            assert!(contents(&expected).starts_with(&contents(&found)), "bit {bit} of byte {at}: {found:?}");
        }
    }
}
