//! The first difference between two zips, and its message.

use std::fmt;

/// The first thing in which two zips differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A file that both have.
    Contents {
        /// The file.
        entry: String,
        /// The offset of the difference in its unpacked contents, in bytes.
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
        /// The first entry whose header differs; `None` if the difference is elsewhere.
        entry: Option<String>,
        /// The difference, as a phrase.
        what: String,
    },
}

impl Difference {
    /// The file that differs; `None` if only the zip around the files does.
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
                write!(formatter, "the contents are the same, and `{entry}` is stored differently: {what}")
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

/// The number of bytes of each side that are compared at once.
const CHUNK: usize = 64 * 1024;

/// The first place where two runs of bytes are not the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unequal {
    /// The number of bytes before it.
    pub(super) offset: u64,
    /// The byte there; `None` where the run has ended.
    pub(super) first: Option<u8>,
    pub(super) second: Option<u8>,
}

/// Finds the first place where two runs of bytes are not the same; `None` where there is none. Each side
/// fills a buffer with its bytes from an offset on, and returns their number. A number below the buffer's
/// length means its end. Offsets go up without gaps.
pub(super) fn first_unequal<Failure>(
    mut first: impl FnMut(u64, &mut [u8]) -> Result<usize, Failure>,
    mut second: impl FnMut(u64, &mut [u8]) -> Result<usize, Failure>,
) -> Result<Option<Unequal>, Failure> {
    let (mut first_buffer, mut second_buffer) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut offset = 0;
    loop {
        let (first_length, second_length) =
            (first(offset, &mut first_buffer)?, second(offset, &mut second_buffer)?);
        let (first_bytes, second_bytes) = (&first_buffer[..first_length], &second_buffer[..second_length]);
        let same = first_bytes.iter().zip(second_bytes).take_while(|(first, second)| first == second).count();
        let (first, second) = (first_bytes.get(same).copied(), second_bytes.get(same).copied());
        offset += same as u64;
        if first.is_some() || second.is_some() {
            return Ok(Some(Unequal { offset, first, second }));
        }
        if same < CHUNK {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unequal(first: &[u8], second: &[u8]) -> Option<(u64, Option<u8>, Option<u8>)> {
        let fill = |bytes: Vec<u8>| {
            move |offset: u64, buffer: &mut [u8]| {
                let rest = &bytes[usize::try_from(offset).unwrap()..];
                let length = rest.len().min(buffer.len());
                buffer[..length].copy_from_slice(&rest[..length]);
                Ok::<usize, std::convert::Infallible>(length)
            }
        };
        let Ok(unequal) = first_unequal(fill(first.to_vec()), fill(second.to_vec()));
        unequal.map(|unequal| (unequal.offset, unequal.first, unequal.second))
    }

    #[test]
    fn the_first_place_is_found_on_both_sides_of_a_buffer_s_end() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK] {
            let bytes = vec![b'a'; length];
            assert_eq!(unequal(&bytes, &bytes), None, "{length}");
            let longer = [bytes.as_slice(), b"b"].concat();
            assert_eq!(unequal(&bytes, &longer), Some((length as u64, None, Some(b'b'))));
            assert_eq!(unequal(&longer, &bytes), Some((length as u64, Some(b'b'), None)));
            let other = [bytes.as_slice(), b"c"].concat();
            assert_eq!(unequal(&longer, &other), Some((length as u64, Some(b'b'), Some(b'c'))));
        }
    }
}
