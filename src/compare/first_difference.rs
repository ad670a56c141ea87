//! The first difference between two zips, and how it is told.

use std::fmt;

/// The first thing in which two zips differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A file that both have.
    Contents {
        /// The file.
        entry: String,
        /// Where in its unpacked contents.
        offset: u64,
        /// The byte there in the first zip; `None` where the file has ended.
        first: Option<u8>,
        /// The byte there in the second zip; `None` where the file has ended.
        second: Option<u8>,
    },
    /// A file that only the first zip has.
    OnlyInFirst {
        /// The file.
        entry: String,
    },
    /// A file that only the second zip has.
    OnlyInSecond {
        /// The file.
        entry: String,
    },
    /// The files are the same, and the zips around them are not.
    Container {
        /// The first entry that is kept in another way, where it is an entry.
        entry: Option<String>,
        /// What is another way.
        what: String,
    },
}

impl Difference {
    /// The file that it is about, where it is about one.
    pub fn entry(&self) -> Option<&str> {
        match self {
            Self::Contents { entry, .. } | Self::OnlyInFirst { entry } | Self::OnlyInSecond { entry } => {
                Some(entry)
            }
            Self::Container { entry, .. } => entry.as_deref(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contents { entry, offset, first, second } => {
                let (first, second) = (Byte(*first), Byte(*second));
                write!(
                    formatter,
                    "`{entry}` differs at byte {offset}: {first} in the first, {second} in the second"
                )
            }
            Self::OnlyInFirst { entry } => write!(formatter, "`{entry}` is in the first only"),
            Self::OnlyInSecond { entry } => write!(formatter, "`{entry}` is in the second only"),
            Self::Container { entry: Some(entry), what } => {
                write!(formatter, "the contents are the same, and `{entry}` is kept in another way: {what}")
            }
            Self::Container { entry: None, what } => {
                write!(formatter, "the contents are the same, and the zip is not: {what}")
            }
        }
    }
}

/// A byte as people read it: its number, and the character where it has one.
struct Byte(Option<u8>);

impl fmt::Display for Byte {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(byte) if byte.is_ascii_graphic() => {
                write!(formatter, "0x{byte:02x} (`{}`)", char::from(byte))
            }
            Some(byte) => write!(formatter, "0x{byte:02x}"),
            None => formatter.write_str("the end of the file"),
        }
    }
}

/// The first place where two runs of bytes are not the same, which may be the end of the shorter one.
pub(super) fn first_unequal(first: &[u8], second: &[u8]) -> usize {
    first.iter().zip(second).take_while(|(first, second)| first == second).count()
}
