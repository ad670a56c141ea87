//! Marshal: the format inside a `.pyc`, and its canonical form.
//!
//! `CPython` does not always write the same bytes for the same code. The bytes also depend on the other
//! objects in the compiling process: (a) an object is marked as referenced if its reference count is above
//! one, even if the stream never refers to it; (b) a frozenset is written in the order of its hash table; (c)
//! whether two equal strings are one object, and interned, depends on which code created them first.
//! [`canonical`] parses such a stream and writes it in a form that depends on the meaning alone:
//!
//! - equal objects are one object. Equal means: of the same type, with the same bits. `0.0` and `-0.0`,
//!   `1`, `1.0` and `True`, `'a'` and `b'a'` and two NaNs of different bits stay apart;
//! - a string is interned when `CPython` would intern such a constant (it looks like a name), or
//!   when it stands anywhere as a name;
//! - the elements of a frozenset are ordered by their content;
//! - an object is marked as referenced only if it is, and references are counted in the order
//!   of first appearance.
//!
//! Every other choice is that of `CPython` itself, so the form is a stream that another `CPython` could have
//! written, and the canonical form of a canonical form is itself.
//!
//! Only the types that `compile()` can give are read. All of them are immutable, so merging equal objects
//! changes no meaning, and no object can contain itself. A list, a dictionary or a set is an error, as are
//! the codes that only old versions wrote.
//!
//! Why no crate: of those that read this format, `py-marshal` stops before the code objects of 3.11 and has
//! no writer, `marshal-parser` has no writer either, and `python_marshal` is under the GPL. The canonical
//! form also needs little code: no value is decoded, and every leaf stays a slice of the stream.

mod object;
mod read;
mod write;

use crate::target::PythonVersion;

/// How deep objects may nest: the limit of `CPython`'s own reader on Linux, which refuses deeper streams.
const MAXIMUM_DEPTH: usize = 2000;

/// A stream without a canonical form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MarshalError {
    /// The layout of this version's code objects is not known.
    #[error("the code objects of Python `{version}` have an unknown layout")]
    UnknownVersion {
        /// The version asked for.
        version: PythonVersion,
    },
    /// The stream ends in the middle of an object.
    #[error("stream ends early, at byte `{offset}`")]
    Truncated {
        /// Where more was expected.
        offset: usize,
    },
    /// The stream goes on after its object.
    #[error("stream goes on after its object, at byte `{offset}`")]
    Trailing {
        /// Where the object ended.
        offset: usize,
    },
    /// A type code that `compile()` never gives.
    #[error("found unknown type code `{code:#04x}` before byte `{offset}`")]
    UnknownType {
        /// The code, without its reference mark.
        code: u8,
        /// The byte after it.
        offset: usize,
    },
    /// A size below zero, or larger than the rest of the stream.
    #[error("found impossible size `{size}` before byte `{offset}`")]
    ImpossibleSize {
        /// The size.
        size: i32,
        /// The byte after it.
        offset: usize,
    },
    /// A string that claims to be ASCII and is not.
    #[error("found text that is not ASCII before byte `{offset}`")]
    NotAscii {
        /// The byte after it.
        offset: usize,
    },
    /// A reference to an object that does not exist, or is not complete.
    #[error("found reference to missing object `{index}` before byte `{offset}`")]
    MissingReference {
        /// The reference.
        index: u32,
        /// The byte after it.
        offset: usize,
    },
    /// Objects nest deeper than `CPython` reads.
    #[error("objects nest deeper than `{MAXIMUM_DEPTH}` levels")]
    TooDeep,
    /// There are more objects, or longer ones, than the format can count.
    #[error("stream is too large for the format")]
    TooLarge,
}

/// The kind of one field of a code object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// A bare 32-bit number.
    Number,
    /// An object.
    Value,
    /// A string that `CPython` interns.
    Name,
    /// A tuple of such strings.
    Names,
}

/// Code objects of `CPython` 3.9 and 3.10.
const CODE_BEFORE_3_11: &[Field] = &[
    Field::Number, // argcount
    Field::Number, // posonlyargcount
    Field::Number, // kwonlyargcount
    Field::Number, // nlocals
    Field::Number, // stacksize
    Field::Number, // flags
    Field::Value,  // code
    Field::Value,  // consts
    Field::Names,  // names
    Field::Names,  // varnames
    Field::Names,  // freevars
    Field::Names,  // cellvars
    Field::Value,  // filename
    Field::Name,   // name
    Field::Number, // firstlineno
    Field::Value,  // lnotab, linetable from 3.10
];

/// Code objects of `CPython` 3.11 and 3.12. Their name and qualified name are not interned where they are
/// no identifiers (`<module>`, `Class.method`); an identifier is a name in the code around them too.
const CODE_FROM_3_11: &[Field] = &[
    Field::Number, // argcount
    Field::Number, // posonlyargcount
    Field::Number, // kwonlyargcount
    Field::Number, // stacksize
    Field::Number, // flags
    Field::Value,  // code
    Field::Value,  // consts
    Field::Names,  // names
    Field::Names,  // localsplusnames
    Field::Value,  // localspluskinds
    Field::Value,  // filename
    Field::Value,  // name
    Field::Value,  // qualname
    Field::Number, // firstlineno
    Field::Value,  // linetable
    Field::Value,  // exceptiontable
];

/// Code objects of `CPython` 3.13 to 3.15. The same fields, but both names are interned again.
const CODE_FROM_3_13: &[Field] = &[
    Field::Number, // argcount
    Field::Number, // posonlyargcount
    Field::Number, // kwonlyargcount
    Field::Number, // stacksize
    Field::Number, // flags
    Field::Value,  // code
    Field::Value,  // consts
    Field::Names,  // names
    Field::Names,  // localsplusnames
    Field::Value,  // localspluskinds
    Field::Value,  // filename
    Field::Name,   // name
    Field::Name,   // qualname
    Field::Number, // firstlineno
    Field::Value,  // linetable
    Field::Value,  // exceptiontable
];

/// The fields of this version's code objects. A version that is not listed is an error, because a wrong
/// guess would give a wrong program.
fn code_fields(version: PythonVersion) -> Result<&'static [Field], MarshalError> {
    match (version.major, version.minor) {
        (3, 9..=10) => Ok(CODE_BEFORE_3_11),
        (3, 11..=12) => Ok(CODE_FROM_3_11),
        (3, 13..=15) => Ok(CODE_FROM_3_13),
        _ => Err(MarshalError::UnknownVersion { version }),
    }
}

/// Writes the object of `stream`, which `marshal.dumps` of Python `version` made, in the canonical form.
pub fn canonical(stream: &[u8], version: PythonVersion) -> Result<Vec<u8>, MarshalError> {
    let fields = code_fields(version)?;
    let (objects, root) = read::read(stream, fields)?;
    write::write(&objects, root, fields, stream.len())
}

#[cfg(test)]
mod tests;
