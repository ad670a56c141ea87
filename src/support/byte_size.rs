//! Sizes in bytes as people write them: a number, or a number with a unit. Every option and flag that takes a size is
//! read by this one rule, in which 1 MB is 1,048,576 bytes.

use std::str::FromStr;

use parse_size::Config;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Lambda counts in powers of 1024: it documents its limit as 250 MB, and refuses more than 262,144,000 bytes. So `MB` and
/// `MiB` are the same here.
const UNITS: Config = Config::new().with_binary();

/// A size in bytes. In JSON it is a number of bytes, or a text such as `100 MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "u64")]
pub struct ByteSize(u64);

/// A text or a number that is not a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a number of bytes, or a text with a unit, such as `100 MB` (1 MB is 1,048,576 bytes, as Lambda counts)"
)]
pub struct NotASize;

impl ByteSize {
    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl From<ByteSize> for u64 {
    fn from(size: ByteSize) -> Self {
        size.0
    }
}

impl FromStr for ByteSize {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Self, NotASize> {
        UNITS.parse_size(text.trim()).map(Self).map_err(|_| NotASize)
    }
}

impl TryFrom<Value> for ByteSize {
    type Error = NotASize;

    fn try_from(value: Value) -> Result<Self, NotASize> {
        match value {
            Value::String(text) => text.parse(),
            // JavaScript has one kind of number: a whole one may arrive as `1000.0`.
            Value::Number(number) => number.to_string().trim_end_matches(".0").parse(),
            _ => Err(NotASize),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_size_is_a_number_of_bytes_or_has_a_unit_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("1048576", 1_048_576),
            ("100 MB", 104_857_600),
            ("100mb", 104_857_600),
            ("250 MB", 262_144_000),
            ("250 MiB", 262_144_000),
            ("1.5 MiB", 1_572_864),
            (" 2 kB ", 2048),
            ("1 GB", 1_073_741_824),
            ("7 B", 7),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for text in ["", "MB", "much", "-1", "1..5 MB", "99999999999 GB", "1,000", "10 MBit"] {
            assert_eq!(text.parse::<ByteSize>(), Err(NotASize), "{text}");
        }
    }

    #[test]
    fn in_json_a_size_is_a_number_or_a_text() {
        let read = |value: Value| ByteSize::try_from(value).map(ByteSize::bytes);
        assert_eq!(read(json!(1000)), Ok(1000));
        assert_eq!(read(json!(1000.0)), Ok(1000));
        assert_eq!(read(json!("1 kB")), Ok(1024));
        for value in [json!(-1), json!(true), json!([]), Value::Null] {
            assert_eq!(read(value.clone()), Err(NotASize), "{value}");
        }
        assert_eq!(json!(ByteSize(1024)), json!(1024));
    }
}
