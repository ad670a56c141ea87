//! Reads options from JSON into the types that list them. The types come from serde; the errors are our own, because
//! serde's name the types of Rust. An error names the option by its path, such as `hooks.beforeBuild[1]`.

use std::fmt::{self, Display};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, Deserialize, DeserializeOwned, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::request::RequestError;
use crate::support::wording;

/// The number of characters of a value that a message shows.
const SHOWN: usize = 100;

/// Reads `json` as the options of `Wanted`.
pub fn options_from_json<Wanted: DeserializeOwned>(json: &Value) -> Result<Wanted, RequestError> {
    serde_path_to_error::deserialize(Json(json)).map_err(|error| {
        let path = error.path().clone();
        error.into_inner().at(&path, json)
    })
}

/// Reads a field whose type has a default: `null` is the same as absent.
pub fn null_as_default<'de, Wanted, Source>(source: Source) -> Result<Wanted, Source::Error>
where
    Wanted: Deserialize<'de> + Default,
    Source: Deserializer<'de>,
{
    Option::deserialize(source).map(Option::unwrap_or_default)
}

/// Why a value is refused.
#[derive(Debug)]
enum Problem {
    WrongType {
        expected: String,
        found: &'static str,
    },
    UnknownName {
        known: &'static [&'static str],
    },
    UnknownWord {
        known: &'static [&'static str],
    },
    Missing {
        name: &'static str,
    },
    /// The value has the right type, but is not allowed.
    Impossible(String),
}

impl Problem {
    /// The problem as an error about the value at `path` in `json`.
    fn at(self, path: &Path, json: &Value) -> RequestError {
        let name = path.to_string();
        let bad_value =
            |problem| RequestError::BadValue { name: name.clone(), value: shown_at(path, json), problem };
        match self {
            Self::WrongType { found, .. } if path.iter().len() == 0 => RequestError::NotAnObject { found },
            Self::WrongType { expected, found } => RequestError::WrongType { name, expected, found },
            Self::UnknownName { known } => {
                let (parent, last) = name.split_at(name.rfind('.').map_or(0, |dot| dot + 1));
                let hint = wording::nearest(last, known.iter().copied());
                let hint =
                    hint.map_or_else(String::new, |nearest| format!(" (did you mean `{parent}{nearest}`?)"));
                let known: Vec<String> = known.iter().map(|name| format!("{parent}{name}")).collect();
                RequestError::UnknownOption { name, hint, known: wording::list(&known) }
            }
            Self::UnknownWord { known } => bad_value(format!("write {}", wording::alternatives(known))),
            Self::Missing { name } => bad_value(format!("it has no `{name}`")),
            Self::Impossible(problem) => bad_value(problem),
        }
    }
}

impl Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<Message: Display>(message: Message) -> Self {
        Self::Impossible(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = match expected.to_string().as_str() {
            "a sequence" => "an array".to_owned(),
            "u64" => "a whole number".to_owned(),
            expected => expected.to_owned(),
        };
        Self::WrongType { expected, found: type_name(found) }
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownName { known }
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownWord { known }
    }

    fn missing_field(name: &'static str) -> Self {
        Self::Missing { name }
    }
}

/// The name of a type in JavaScript, with its article.
fn type_name(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Str(_) => "a string",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "null",
    }
}

/// The value at `path`, as a message shows it: a text without its quotes.
fn shown_at(path: &Path, json: &Value) -> String {
    let value = path.iter().try_fold(json, |value, segment| match segment {
        Segment::Seq { index } => value.get(index),
        Segment::Map { key } => value.get(key),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let text = value
        .map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// A JSON value, as serde reads it.
#[derive(Clone, Copy)]
struct Json<'json>(&'json Value);

impl Json<'_> {
    fn unexpected(&self) -> Unexpected<'_> {
        match self.0 {
            Value::Null => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Number(number) => Unexpected::Float(number.as_f64().unwrap_or_default()),
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        }
    }
}

impl<'de> Deserializer<'de> for Json<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.iter().map(Json))),
            Value::Object(fields) => visitor.visit_map(MapDeserializer::new(
                fields.iter().map(|(name, value)| (name.as_str(), Json(value))),
            )),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        // Otherwise serde would read an array as the fields in their order.
        if self.0.is_object() {
            self.deserialize_any(visitor)
        } else {
            Err(de::Error::invalid_type(self.unexpected(), &visitor))
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            _ => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

impl IntoDeserializer<'_, Problem> for Json<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::Options;

    fn error(options: &Value) -> String {
        options_from_json::<Options>(options).unwrap_err().to_string()
    }

    #[test]
    fn null_is_the_same_as_absent_at_every_depth() {
        let options = json!({
            "packageName": null,
            "extras": null,
            "hooks": { "beforeBuild": null },
            "maxSize": { "zipped": null, "onExceed": null },
            "layer": { "packages": null },
        });
        let read: Options = options_from_json(&options).unwrap();
        assert_eq!(
            read.to_json(),
            json!({
                "hooks": { "beforeBuild": [], "beforeZip": [] },
                "maxSize": { "unzipped": null, "zipped": null, "onExceed": "fail" },
                "layer": { "packageNames": [], "packages": [] },
            })
        );
    }

    #[test]
    fn an_error_names_the_path_and_the_types_of_javascript() {
        for (options, message) in [
            (json!("path"), "the options must be an object, not a string"),
            (json!(["."]), "the options must be an object, not an array"),
            (json!({ "runtime": 3.13 }), "the option `runtime` must be a string, not a number"),
            (json!({ "cache": "no" }), "the option `cache` must be a boolean, not a string"),
            (json!({ "extras": "web" }), "the option `extras` must be an array, not a string"),
            (json!({ "groups": ["dev", 1] }), "the option `groups[1]` must be a string, not a number"),
            (json!({ "groups": [null] }), "the option `groups[0]` must be a string, not null"),
            (
                json!({ "maxSize": "80 MB" }),
                "the option `maxSize` must be an object such as `{ unzipped: '100 MB' }`, not a string",
            ),
            (
                json!({ "maxSize": { "zipped": "much" } }),
                "the option `maxSize.zipped` is `much`: write a number of bytes, or a text with a unit, such as `100 MB` (1 MB \
                 is 1,048,576 bytes, as Lambda counts)",
            ),
            (
                json!({ "maxSize": { "onExceed": "ignore" } }),
                "the option `maxSize.onExceed` is `ignore`: write `fail` or `warn`",
            ),
            (
                json!({ "maxSize": { "onExceed": 1 } }),
                "the option `maxSize.onExceed` must be `fail` or `warn`, not a number",
            ),
            (
                json!({ "hooks": { "beforeBuild": ["make", ["cp", 1]] } }),
                "the option `hooks.beforeBuild[1]` is `[\"cp\",1]`: write a program and its arguments as an array of \
                 texts, or one line for the shell",
            ),
            (
                json!({ "layers": [{ "name": "a", "runtime": "python3.13", "architecture": "arm64" }] }),
                "the option `layers[0]` is `{\"architecture\":\"arm64\",\"name\":\"a\",\"runtime\":\"python3.13\"}`: it has no `packages`",
            ),
        ] {
            assert_eq!(error(&options), message);
        }
    }

    #[test]
    fn an_unknown_name_is_reported_with_the_nearest_one_and_all_that_are_known() {
        let message = error(&json!({ "pakageName": "x" }));
        assert!(
            message.starts_with(
                "unknown option `pakageName` (did you mean `packageName`?); the options are `path`, "
            ),
            "{message}"
        );
        assert_eq!(
            error(&json!({ "maxSize": { "zip": 1 } })),
            "unknown option `maxSize.zip` (did you mean `maxSize.zipped`?); the options are `maxSize.unzipped`, \
             `maxSize.zipped` and `maxSize.onExceed`"
        );
    }

    #[test]
    fn a_long_value_is_cut() {
        let long = "ü".repeat(1000);
        let message = error(&json!({ "maxSize": { "zipped": long } }));
        assert!(
            message.starts_with(&format!("the option `maxSize.zipped` is `{}...`", "ü".repeat(SHOWN))),
            "{message}"
        );
    }
}
