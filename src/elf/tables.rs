//! What an ELF file needs from the system that loads it.

use std::borrow::Cow;

use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader, SectionTable};
use object::{LittleEndian, ReadRef, SectionIndex};
use serde::{Deserialize, Serialize};

use crate::target::Architecture;

/// The first bytes of every ELF file.
pub const MAGIC: &[u8; 4] = b"\x7fELF";

/// The number of bytes that [`Machine::read`] needs: up to and including `e_machine`.
pub const START_LENGTH: usize = 20;

/// The CPU that an ELF file is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Machine {
    /// One that Lambda has.
    Lambda(Architecture),
    /// Another one, by its common name.
    Other(Cow<'static, str>),
}

impl Machine {
    /// Reads the start of a file. `None` if Linux would not load the file: a file of another format, an
    /// object file or archive member for a linker, a core dump, a program for another system, code for a
    /// graphics card.
    pub fn read(start: &[u8]) -> Option<Self> {
        let start: &[u8; START_LENGTH] = start.get(..START_LENGTH)?.try_into().ok()?;
        if !start.starts_with(MAGIC) {
            return None;
        }
        let (class, data, system) = (start[4], start[5], start[7]);
        // System V or GNU; everything else is not Linux.
        if !matches!(system, 0 | 3) {
            return None;
        }
        let half = |at: usize| match data {
            1 => Some(u16::from_le_bytes([start[at], start[at + 1]])),
            2 => Some(u16::from_be_bytes([start[at], start[at + 1]])),
            _ => None,
        };
        // ET_EXEC and ET_DYN: executables and shared objects.
        if !matches!(half(16)?, 2 | 3) {
            return None;
        }
        // Numbers of e_machine: https://gabi.xinuos.com/elf/a-emachine.html. Only CPUs that people run Linux
        // on: a file for another one is firmware, which a function does not load.
        match (half(18)?, class, data) {
            (62, 2, 1) => Some(Self::Lambda(Architecture::X86_64)),
            (183, 2, 1) => Some(Self::Lambda(Architecture::Arm64)),
            (3, _, _) => Some(Self::Other(Cow::Borrowed("32-bit x86"))),
            (62, _, _) => Some(Self::Other(Cow::Borrowed("x86_64 with 32-bit pointers"))),
            (40, _, _) => Some(Self::Other(Cow::Borrowed("32-bit Arm"))),
            (183, _, _) => Some(Self::Other(Cow::Borrowed("an unusual kind of aarch64"))),
            (21, _, _) => Some(Self::Other(Cow::Borrowed("ppc64"))),
            (22, _, _) => Some(Self::Other(Cow::Borrowed("s390x"))),
            (243, _, _) => Some(Self::Other(Cow::Borrowed("riscv"))),
            (258, _, _) => Some(Self::Other(Cow::Borrowed("loongarch"))),
            _ => None,
        }
    }

    /// Its name, as in wheel tags.
    pub fn name(&self) -> &str {
        match self {
            Self::Lambda(architecture) => architecture.machine(),
            Self::Other(name) => name,
        }
    }
}

/// A symbol version that must exist when the file is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequiredVersion {
    /// The library that must have it, such as `libc.so.6`.
    pub library: String,
    /// The version, such as `GLIBC_2.28`.
    pub version: String,
}

/// The requirements that the dynamic linker reads in a file. Empty for a static executable, for separate
/// debug information and for a file that cannot be parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirements {
    /// Libraries to load along (`DT_NEEDED`).
    pub libraries: Vec<String>,
    /// Symbol versions these must have.
    pub versions: Vec<RequiredVersion>,
    /// The name under which others need this file (`DT_SONAME`).
    pub name: Option<String>,
    /// Whether the file exports `PyInit_` of the module asked for: Python can import it.
    pub is_module: bool,
}

/// Reads the requirements of a 64-bit little-endian file; `module` is the name of the Python module that the
/// file name stands for.
pub fn requirements<'data, Data: ReadRef<'data>>(data: Data, module: Option<&str>) -> Requirements {
    let mut requirements = Requirements::default();
    // Tables are read one by one: an unreadable one must not hide the others.
    let Ok(header) = FileHeader64::<LittleEndian>::parse(data) else { return requirements };
    let Ok(sections) = header.sections(LittleEndian, data) else { return requirements };
    if let Ok(table) = sections.dynamic_table(LittleEndian, data) {
        for entry in &table {
            let text = || table.string(entry).ok().map(text);
            match entry.tag {
                elf::DT_NEEDED => requirements.libraries.extend(text()),
                elf::DT_SONAME => requirements.name = text(),
                _ => {}
            }
        }
    }
    // The entries that were read before a broken one still count.
    let _ = read_versions(&sections, data, &mut requirements.versions);
    requirements.is_module = module.is_some_and(|module| exports_module(&sections, data, module));
    requirements
}

type Sections<'data, Data> = SectionTable<'data, FileHeader64<LittleEndian>, Data>;

/// Reads the symbol versions in `.gnu.version_r`, except the weak ones: the dynamic linker does not require
/// those.
fn read_versions<'data, Data: ReadRef<'data>>(
    sections: &Sections<'data, Data>,
    data: Data,
    versions: &mut Vec<RequiredVersion>,
) -> object::Result<()> {
    let Some((mut needs, link)) = sections.gnu_verneed(LittleEndian, data)? else { return Ok(()) };
    let strings = sections.strings(LittleEndian, data, link)?;
    while let Some((need, mut entries)) = needs.next()? {
        let library = text(need.file(LittleEndian, strings)?);
        while let Some(entry) = entries.next()? {
            if entry.vna_flags.get(LittleEndian).0 & elf::VER_FLG_WEAK.0 == 0 {
                let version = text(entry.name(LittleEndian, strings)?);
                versions.push(RequiredVersion { library: library.clone(), version });
            }
        }
    }
    Ok(())
}

/// Whether the names of the dynamic symbols include the module's init function. They hold imports
/// too, but nothing imports a `PyInit_` function.
fn exports_module<'data, Data: ReadRef<'data>>(
    sections: &Sections<'data, Data>,
    data: Data,
    module: &str,
) -> bool {
    let init = format!("PyInit_{module}");
    sections
        .iter()
        .find(|section| section.sh_type(LittleEndian) == elf::SHT_DYNSYM)
        .and_then(|symbols| {
            let names = SectionIndex(usize::try_from(symbols.sh_link(LittleEndian)).ok()?);
            sections.section(names).ok()?.data(LittleEndian, data).ok()
        })
        .is_some_and(|names| names.split(|byte| *byte == 0).any(|name| name == init.as_bytes()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
