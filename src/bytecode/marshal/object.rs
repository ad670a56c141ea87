//! The objects of one stream, each of them once: two handles are equal exactly if their objects are.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

/// The kind of an object without parts. All type codes for strings are one kind: the content decides which
/// code is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum LeafKind {
    None,
    False,
    True,
    Ellipsis,
    /// A bare number inside a code object. Not an object for Python, but a part like others here.
    Number,
    /// An integer of 32 bits.
    Integer,
    /// A larger integer: its count of digits, then the digits.
    LargeInteger,
    Float,
    Complex,
    Bytes,
    /// A string, in UTF-8 (surrogates included).
    Text,
}

/// The kind of an object that consists of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum CompoundKind {
    Tuple,
    FrozenSet,
    Slice,
    /// A code object: one part for each of its fields.
    Code,
}

/// An object. Its parts are handles, so a comparison does not descend into them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Object<'stream> {
    /// An object without parts, and its content as the stream has it, without type code and length.
    Leaf(LeafKind, &'stream [u8]),
    /// An object that consists of others.
    Compound(CompoundKind, Rc<[Handle]>),
}

/// Names an object of one [`Objects`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Handle(usize);

/// A set of objects, in which no two are equal.
#[derive(Debug, Default)]
pub(super) struct Objects<'stream> {
    by_handle: Vec<Object<'stream>>,
    by_content: HashMap<Object<'stream>, Handle>,
}

impl<'stream> Objects<'stream> {
    /// Adds an object without parts, unless there is an equal one.
    pub(super) fn add_leaf(&mut self, kind: LeafKind, content: &'stream [u8]) -> Handle {
        self.add(Object::Leaf(kind, content))
    }

    /// Adds an object that consists of `parts`, unless there is an equal one. The elements of a frozenset
    /// are put in their order first.
    pub(super) fn add_compound(&mut self, kind: CompoundKind, mut parts: Vec<Handle>) -> Handle {
        if kind == CompoundKind::FrozenSet {
            parts.sort_by(|left, right| self.compare(*left, *right));
        }
        self.add(Object::Compound(kind, parts.into()))
    }

    fn add(&mut self, object: Object<'stream>) -> Handle {
        let next = Handle(self.by_handle.len());
        let Self { by_handle, by_content } = self;
        *by_content.entry(object).or_insert_with_key(|object| {
            by_handle.push(object.clone());
            next
        })
    }

    /// How many objects there are.
    pub(super) fn len(&self) -> usize {
        self.by_handle.len()
    }

    /// The object of a handle.
    pub(super) fn get(&self, handle: Handle) -> &Object<'stream> {
        &self.by_handle[handle.0]
    }

    /// Every object once. The parts of an object come before it.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Object<'stream>> {
        self.by_handle.iter()
    }

    /// Orders objects by content, and not by handle, because handles follow the order of the stream. Any
    /// total order would do.
    fn compare(&self, mut left: Handle, mut right: Handle) -> Ordering {
        while left != right {
            match (self.get(left), self.get(right)) {
                (Object::Leaf(left_kind, left_content), Object::Leaf(right_kind, right_content)) => {
                    return left_kind.cmp(right_kind).then_with(|| left_content.cmp(right_content));
                }
                (Object::Compound(left_kind, left_parts), Object::Compound(right_kind, right_parts)) => {
                    let order =
                        left_kind.cmp(right_kind).then_with(|| left_parts.len().cmp(&right_parts.len()));
                    let different =
                        left_parts.iter().zip(right_parts.iter()).find(|(left, right)| left != right);
                    match (order, different) {
                        // Equal parts have equal handles, so the first different part decides. Later parts
                        // are not compared, and time stays linear however much is shared.
                        (Ordering::Equal, Some((left_part, right_part))) => {
                            (left, right) = (*left_part, *right_part);
                        }
                        _ => return order,
                    }
                }
                (Object::Leaf(..), Object::Compound(..)) => return Ordering::Less,
                (Object::Compound(..), Object::Leaf(..)) => return Ordering::Greater,
            }
        }
        Ordering::Equal
    }
}

/// A value for each object.
#[derive(Debug)]
pub(super) struct PerObject<Value>(Vec<Value>);

impl<Value: Clone> PerObject<Value> {
    /// The same value for all of `objects`.
    pub(super) fn new(objects: &Objects<'_>, value: Value) -> Self {
        Self(vec![value; objects.len()])
    }

    /// The value of an object.
    pub(super) fn get(&self, handle: Handle) -> &Value {
        &self.0[handle.0]
    }

    /// The value of an object, to change it.
    pub(super) fn get_mut(&mut self, handle: Handle) -> &mut Value {
        &mut self.0[handle.0]
    }
}
