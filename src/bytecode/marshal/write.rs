//! Writes objects in the canonical form. Without recursion, so that depth costs no stack.

use super::object::{CompoundKind, Handle, LeafKind, Object, Objects, PerObject};
use super::read::REFERENCE_MARK;
use super::{Field, MAXIMUM_DEPTH, MarshalError};

/// Writes `root`. The canonical form is nearly always a little smaller than `size_of_original`.
pub(super) fn write(
    objects: &Objects<'_>,
    root: Handle,
    code_fields: &[Field],
    size_of_original: usize,
) -> Result<Vec<u8>, MarshalError> {
    let is_name = names(objects, code_fields);
    let mut writer = Writer {
        objects,
        is_shared: shared(objects, &is_name),
        is_name,
        reference: PerObject::new(objects, None),
        next_reference: 0,
        stream: Vec::with_capacity(size_of_original),
    };
    writer.write_root(root)?;
    Ok(writer.stream)
}

/// The objects that references name: those that are parts more than once, of several others or several times
/// of one. Short singletons are not among them.
fn shared(objects: &Objects<'_>, is_name: &PerObject<bool>) -> PerObject<bool> {
    let mut is_part = PerObject::new(objects, false);
    let mut is_shared = PerObject::new(objects, false);
    for object in objects.iter() {
        if let Object::Compound(_, parts) = object {
            for part in parts.iter() {
                *is_shared.get_mut(*part) |=
                    *is_part.get(*part) && !is_short_singleton(objects.get(*part), *is_name.get(*part));
                *is_part.get_mut(*part) = true;
            }
        }
    }
    is_shared
}

/// Whether an object takes less than the five bytes of a reference, and `CPython` makes it the same object
/// again wherever it reads it: the empty tuple, strings of one character, interned strings.
fn is_short_singleton(object: &Object<'_>, is_name: bool) -> bool {
    match object {
        Object::Compound(CompoundKind::Tuple, parts) => parts.is_empty(),
        Object::Leaf(LeafKind::Text, content) => {
            content.is_ascii()
                && (content.len() <= 1 || content.len() == 2 && (is_name || looks_like_name(content)))
        }
        _ => false,
    }
}

/// The objects that are a name in some code object.
fn names(objects: &Objects<'_>, code_fields: &[Field]) -> PerObject<bool> {
    let mut is_name = PerObject::new(objects, false);
    for object in objects.iter() {
        let Object::Compound(CompoundKind::Code, parts) = object else { continue };
        for (field, part) in code_fields.iter().zip(parts.iter()) {
            match (field, objects.get(*part)) {
                (Field::Name, _) => *is_name.get_mut(*part) = true,
                (Field::Names, Object::Compound(CompoundKind::Tuple, names)) => {
                    for name in names.iter() {
                        *is_name.get_mut(*name) = true;
                    }
                }
                _ => {}
            }
        }
    }
    is_name
}

struct Writer<'objects> {
    objects: &'objects Objects<'objects>,
    is_shared: PerObject<bool>,
    is_name: PerObject<bool>,
    /// The number that references use, for shared objects that are written.
    reference: PerObject<Option<u32>>,
    next_reference: u32,
    stream: Vec<u8>,
}

impl<'objects> Writer<'objects> {
    fn write_root(&mut self, root: Handle) -> Result<(), MarshalError> {
        let mut open_objects = Vec::new();
        open_objects.extend(self.write_start(root)?.map(<[Handle]>::iter));
        while let Some(parts) = open_objects.last_mut() {
            match parts.next() {
                Some(part) => {
                    if open_objects.len() >= MAXIMUM_DEPTH {
                        return Err(MarshalError::TooDeep);
                    }
                    open_objects.extend(self.write_start(*part)?.map(<[Handle]>::iter));
                }
                None => drop(open_objects.pop()),
            }
        }
        Ok(())
    }

    /// Writes a reference, a whole object, or the start of an object whose parts come next.
    fn write_start(&mut self, handle: Handle) -> Result<Option<&'objects [Handle]>, MarshalError> {
        if let Some(reference) = *self.reference.get(handle) {
            self.stream.push(b'r');
            self.stream.extend(reference.to_le_bytes());
            return Ok(None);
        }
        let objects = self.objects;
        match objects.get(handle) {
            Object::Leaf(kind, content) => {
                self.write_leaf(handle, *kind, content)?;
                Ok(None)
            }
            Object::Compound(kind, parts) => {
                match kind {
                    CompoundKind::Tuple => self.write_code_and_short_size(handle, b')', b'(', parts.len())?,
                    CompoundKind::FrozenSet => {
                        self.write_code(handle, b'>')?;
                        self.write_size(parts.len())?;
                    }
                    CompoundKind::Slice => self.write_code(handle, b':')?,
                    CompoundKind::Code => self.write_code(handle, b'c')?,
                }
                Ok(Some(parts))
            }
        }
    }

    fn write_leaf(&mut self, handle: Handle, kind: LeafKind, content: &[u8]) -> Result<(), MarshalError> {
        match kind {
            LeafKind::None => self.stream.push(b'N'),
            LeafKind::False => self.stream.push(b'F'),
            LeafKind::True => self.stream.push(b'T'),
            LeafKind::Ellipsis => self.stream.push(b'.'),
            LeafKind::Integer => self.write_code(handle, b'i')?,
            LeafKind::LargeInteger => self.write_code(handle, b'l')?,
            LeafKind::Float => self.write_code(handle, b'g')?,
            LeafKind::Complex => self.write_code(handle, b'y')?,
            LeafKind::Text => self.write_text_start(handle, content)?,
            LeafKind::Bytes => {
                self.write_code(handle, b's')?;
                self.write_size(content.len())?;
            }
            // A bare number has no code.
            LeafKind::Number => {}
        }
        self.stream.extend_from_slice(content);
        Ok(())
    }

    fn write_text_start(&mut self, handle: Handle, content: &[u8]) -> Result<(), MarshalError> {
        let is_interned = *self.is_name.get(handle) || looks_like_name(content);
        if content.is_ascii() {
            let (short, long) = if is_interned { (b'Z', b'A') } else { (b'z', b'a') };
            self.write_code_and_short_size(handle, short, long, content.len())
        } else {
            self.write_code(handle, if is_interned { b't' } else { b'u' })?;
            self.write_size(content.len())
        }
    }

    /// Writes the type code. If references to the object follow, also marks it and takes the next number.
    fn write_code(&mut self, handle: Handle, code: u8) -> Result<(), MarshalError> {
        if *self.is_shared.get(handle) {
            *self.reference.get_mut(handle) = Some(self.next_reference);
            self.next_reference = self.next_reference.checked_add(1).ok_or(MarshalError::TooLarge)?;
            self.stream.push(code | REFERENCE_MARK);
        } else {
            self.stream.push(code);
        }
        Ok(())
    }

    /// Writes the short code and a size of one byte where that is enough, else the long ones.
    fn write_code_and_short_size(
        &mut self,
        handle: Handle,
        short: u8,
        long: u8,
        size: usize,
    ) -> Result<(), MarshalError> {
        if let Ok(byte) = u8::try_from(size) {
            self.write_code(handle, short)?;
            self.stream.push(byte);
            Ok(())
        } else {
            self.write_code(handle, long)?;
            self.write_size(size)
        }
    }

    fn write_size(&mut self, size: usize) -> Result<(), MarshalError> {
        let size = i32::try_from(size).map_err(|_| MarshalError::TooLarge)?;
        self.stream.extend(size.to_le_bytes());
        Ok(())
    }
}

/// Whether `CPython` interns a constant with this content (`all_name_chars` in its `codeobject.c`).
fn looks_like_name(content: &[u8]) -> bool {
    content.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
