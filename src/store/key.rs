//! Keys: the names of cached entries. A key is a digest of everything that can change the entry.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::wording;

/// A digest of our own sources: another version of them may make other bytes.
const SELF: &str = env!("UV_LAMBDA_CDK_SOURCES");

/// The name of a cached entry: SHA-256 in hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

impl Key {
    /// The key of an entry of this kind that is made of these ingredients.
    pub fn of(kind: &str, ingredients: &Value) -> Self {
        let whole = json!({ "kind": kind, "self": SELF, "ingredients": ingredients });
        Self(wording::hex(&Sha256::digest(whole.to_string())))
    }

    /// A key from its text.
    pub fn parse(text: &str) -> Option<Self> {
        let is_key = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_key.then(|| Self(text.to_owned()))
    }
}

impl TryFrom<String> for Key {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a key has 64 hexadecimal digits")
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
