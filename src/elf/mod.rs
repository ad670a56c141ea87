//! ELF files: which CPU they are for, and what they need from the system that loads them.

pub mod extension_name;
pub mod tables;

use std::io::{self, Read};
use std::path::Path;

use object::ReadCache;
use serde::{Deserialize, Serialize};

use self::extension_name::ExtensionName;
use self::tables::{Machine, Requirements};

/// A file that will ship.
#[derive(Debug, Clone, Copy)]
pub struct CheckedFile<'a> {
    /// Its path in the bundle, with `/` between folders.
    pub path: &'a str,
    /// Its contents.
    pub contents: FileContents<'a>,
}

/// Where the contents of a file are.
#[derive(Debug, Clone, Copy)]
pub enum FileContents<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// On disk: of an ELF file only the tables are read, of most others a few bytes.
    OnDisk(&'a Path),
    /// Read before: its tables, or `None` if it is not an ELF file. Not for files of `.dist-info` folders.
    Known(Option<&'a Elf>),
}

/// The facts about an ELF file. They depend on its contents and its name, and not on the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elf {
    /// The CPU that it is for.
    pub machine: Machine,
    /// Its requirements for the system.
    pub requirements: Requirements,
}

impl Elf {
    /// Reads the tables of a file; `None` if Linux would not load it.
    pub fn read(file: &CheckedFile<'_>) -> io::Result<Option<Self>> {
        // Most files of a bundle are Python's own, and need not be opened at all.
        if [".py", ".pyc", ".pyi"].iter().any(|suffix| file.path.ends_with(suffix)) {
            return Ok(None);
        }
        let module = match ExtensionName::parse(file.path) {
            Some(ExtensionName { stem, tag: None, .. }) => Some(stem),
            _ => None,
        };
        let (machine, requirements) = match file.contents {
            FileContents::Known(elf) => return Ok(elf.cloned()),
            FileContents::Bytes(bytes) => {
                let Some(machine) = Machine::read(bytes) else { return Ok(None) };
                (machine.clone(), requirements(&machine, || tables::requirements(bytes, module)))
            }
            FileContents::OnDisk(path) => {
                let mut disk = fs_err::File::open(path)?;
                let mut start = Vec::new();
                disk.by_ref().take(tables::START_LENGTH as u64).read_to_end(&mut start)?;
                let Some(machine) = Machine::read(&start) else { return Ok(None) };
                let cache = ReadCache::new(disk);
                (machine.clone(), requirements(&machine, || tables::requirements(&cache, module)))
            }
        };
        Ok(Some(Self { machine, requirements }))
    }
}

/// Reads the requirements of files for Lambda's CPUs only, which all have the same format.
fn requirements(machine: &Machine, read: impl FnOnce() -> Requirements) -> Requirements {
    match machine {
        Machine::Lambda(_) => read(),
        Machine::Other(_) => Requirements::default(),
    }
}
