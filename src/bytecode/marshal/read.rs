//! Reads a stream into its objects. Without recursion, so that depth costs no stack.

use super::object::{CompoundKind, Handle, LeafKind, Objects};
use super::{Field, MAXIMUM_DEPTH, MarshalError};

/// Marks a type code whose object later references may name.
pub(super) const REFERENCE_MARK: u8 = 0x80;

/// Reads the one object of `stream`.
pub(super) fn read<'stream>(
    stream: &'stream [u8],
    code_fields: &'static [Field],
) -> Result<(Objects<'stream>, Handle), MarshalError> {
    let mut reader =
        Reader { stream, offset: 0, code_fields, objects: Objects::default(), references: Vec::new() };
    let root = reader.read_root()?;
    if reader.offset != stream.len() {
        return Err(MarshalError::Trailing { offset: reader.offset });
    }
    Ok((reader.objects, root))
}

/// The result of reading one type code.
enum Step {
    /// An object that is complete.
    Complete(Handle),
    /// The beginning of an object whose parts follow.
    Open(Open),
}

/// An object whose parts are being read.
struct Open {
    kind: CompoundKind,
    parts: Vec<Handle>,
    expected: usize,
    reference: Option<usize>,
}

struct Reader<'stream> {
    stream: &'stream [u8],
    offset: usize,
    code_fields: &'static [Field],
    objects: Objects<'stream>,
    /// The objects that references name, by number. An object takes its number where it begins, and is `None`
    /// until it ends.
    references: Vec<Option<Handle>>,
}

impl<'stream> Reader<'stream> {
    fn read_root(&mut self) -> Result<Handle, MarshalError> {
        let mut open_objects: Vec<Open> = Vec::new();
        loop {
            if open_objects.len() >= MAXIMUM_DEPTH {
                return Err(MarshalError::TooDeep);
            }
            match self.read_step()? {
                Step::Open(open) => open_objects.push(open),
                Step::Complete(handle) => match open_objects.last_mut() {
                    Some(open) => open.parts.push(handle),
                    None => return Ok(handle),
                },
            }
            // Close what is complete now; each object that is closed is a part of the next.
            while let Some(mut open) = open_objects.pop() {
                self.read_numbers(&mut open)?;
                if open.parts.len() < open.expected {
                    open_objects.push(open);
                    break;
                }
                let handle = self.objects.add_compound(open.kind, open.parts);
                if let Some(entry) = open.reference.and_then(|index| self.references.get_mut(index)) {
                    *entry = Some(handle);
                }
                match open_objects.last_mut() {
                    Some(outer) => outer.parts.push(handle),
                    None => return Ok(handle),
                }
            }
        }
    }

    /// Reads the bare numbers that come next in a code object.
    fn read_numbers(&mut self, open: &mut Open) -> Result<(), MarshalError> {
        while open.kind == CompoundKind::Code
            && self.code_fields.get(open.parts.len()) == Some(&Field::Number)
        {
            let number = self.take(4)?;
            open.parts.push(self.objects.add_leaf(LeafKind::Number, number));
        }
        Ok(())
    }

    fn read_step(&mut self) -> Result<Step, MarshalError> {
        let marked_code = self.take_byte()?;
        let code = marked_code & !REFERENCE_MARK;
        let is_marked = marked_code & REFERENCE_MARK != 0;
        let (kind, content) = match code {
            b'N' => (LeafKind::None, &[][..]),
            b'F' => (LeafKind::False, &[][..]),
            b'T' => (LeafKind::True, &[][..]),
            b'.' => (LeafKind::Ellipsis, &[][..]),
            b'i' => (LeafKind::Integer, self.take(4)?),
            b'l' => (LeafKind::LargeInteger, self.take_large_integer()?),
            b'g' => (LeafKind::Float, self.take(8)?),
            b'y' => (LeafKind::Complex, self.take(16)?),
            b's' => (LeafKind::Bytes, self.take_sized()?),
            b'u' | b't' => (LeafKind::Text, self.take_sized()?),
            b'a' | b'A' => (LeafKind::Text, Self::ascii(self.take_sized()?, self.offset)?),
            b'z' | b'Z' => {
                let size = self.take_byte()?;
                (LeafKind::Text, Self::ascii(self.take(usize::from(size))?, self.offset)?)
            }
            b')' => {
                let size = usize::from(self.take_byte()?);
                return Ok(self.open(CompoundKind::Tuple, size, is_marked));
            }
            b'(' => {
                let size = self.take_size()?;
                return Ok(self.open(CompoundKind::Tuple, size, is_marked));
            }
            b'>' => {
                let size = self.take_size()?;
                return Ok(self.open(CompoundKind::FrozenSet, size, is_marked));
            }
            b':' => return Ok(self.open(CompoundKind::Slice, 3, is_marked)),
            b'c' => return Ok(self.open(CompoundKind::Code, self.code_fields.len(), is_marked)),
            b'r' => return self.take_reference().map(Step::Complete),
            _ => return Err(MarshalError::UnknownType { code, offset: self.offset }),
        };
        let handle = self.objects.add_leaf(kind, content);
        // The four singletons take no number even if they are marked, as in CPython's reader.
        if is_marked
            && !matches!(kind, LeafKind::None | LeafKind::False | LeafKind::True | LeafKind::Ellipsis)
        {
            self.references.push(Some(handle));
        }
        Ok(Step::Complete(handle))
    }

    fn open(&mut self, kind: CompoundKind, expected: usize, is_marked: bool) -> Step {
        let reference = is_marked.then_some(self.references.len());
        if is_marked {
            self.references.push(None);
        }
        // Never reserve more than the stream could hold, at one byte for each part.
        let parts = Vec::with_capacity(expected.min(self.stream.len() - self.offset));
        Step::Open(Open { kind, parts, expected, reference })
    }

    fn take_reference(&mut self) -> Result<Handle, MarshalError> {
        let index = self.take_u32()?;
        usize::try_from(index)
            .ok()
            .and_then(|index| self.references.get(index).copied().flatten())
            .ok_or(MarshalError::MissingReference { index, offset: self.offset })
    }

    /// The count of 15-bit digits, negative for a negative integer, and the digits.
    fn take_large_integer(&mut self) -> Result<&'stream [u8], MarshalError> {
        let start = self.offset;
        let count = self.take_u32()?.cast_signed();
        let digits = usize::try_from(count.unsigned_abs()).map_err(|_| MarshalError::TooLarge)?;
        let size = digits.checked_mul(2).ok_or(MarshalError::TooLarge)?;
        self.take(size)?;
        Ok(&self.stream[start..self.offset])
    }

    fn take_sized(&mut self) -> Result<&'stream [u8], MarshalError> {
        let size = self.take_size()?;
        self.take(size)
    }

    /// A size. Each counted element takes at least one byte, so the size cannot exceed the rest of the
    /// stream.
    fn take_size(&mut self) -> Result<usize, MarshalError> {
        let size = self.take_u32()?.cast_signed();
        usize::try_from(size)
            .ok()
            .filter(|size| *size <= self.stream.len() - self.offset)
            .ok_or(MarshalError::ImpossibleSize { size, offset: self.offset })
    }

    fn take_u32(&mut self) -> Result<u32, MarshalError> {
        let bytes = self.take(4)?;
        let mut number = [0; 4];
        number.copy_from_slice(bytes);
        Ok(u32::from_le_bytes(number))
    }

    fn take_byte(&mut self) -> Result<u8, MarshalError> {
        let byte = *self.stream.get(self.offset).ok_or(MarshalError::Truncated { offset: self.offset })?;
        self.offset += 1;
        Ok(byte)
    }

    fn take(&mut self, size: usize) -> Result<&'stream [u8], MarshalError> {
        let taken = self
            .stream
            .get(self.offset..)
            .and_then(|rest| rest.get(..size))
            .ok_or(MarshalError::Truncated { offset: self.offset })?;
        self.offset += size;
        Ok(taken)
    }

    fn ascii(text: &'stream [u8], offset: usize) -> Result<&'stream [u8], MarshalError> {
        if text.is_ascii() { Ok(text) } else { Err(MarshalError::NotAscii { offset }) }
    }
}
