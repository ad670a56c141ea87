//! Objects: the entries of a remote store, each with its name, a digest and perhaps a signature.
//!
//! An object is a head and the contents: [`MAGIC`], a SHA-256 over the name and the contents, and a keyed signature over that digest,
//! or zeros where the writer had no key. The name is part of the digest, so the contents of another object are as wrong as damaged
//! ones.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::{Key, Shared};

/// The first bytes of every object.
const MAGIC: &[u8; 8] = b"ulc-obj1";

/// The variable with the key that signs objects.
pub const KEY_VARIABLE: &str = "UV_LAMBDA_CDK_REMOTE_CACHE_KEY";

/// The length of the head in bytes.
pub const HEAD: usize = MAGIC.len() + 32 + 32;

/// The name of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectName {
    /// What it is.
    pub kind: Kind,
    /// The key of the entry.
    pub key: Key,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A pack.
    Pack,
    /// A fact.
    Fact,
    /// The list of the objects that an app needed last.
    Prefetch,
}

impl Kind {
    /// The folders of all objects.
    pub const FOLDERS: [&str; 3] = ["packs/", "facts/", "prefetch/"];

    /// The entry of the local store that it becomes.
    pub const fn shared(self) -> Shared {
        match self {
            Self::Pack => Shared::Pack,
            Self::Fact => Shared::Fact,
            Self::Prefetch => Shared::Prefetch,
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Pack => "packs",
            Self::Fact => "facts",
            Self::Prefetch => "prefetch",
        }
    }
}

/// The path of the object below the prefix of the address.
impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind.folder(), self.key)
    }
}

/// The key by which objects are signed. It is never shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SigningKey(Vec<u8>);

impl SigningKey {
    /// The key of a text; `None` if it is empty.
    pub fn of(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.as_bytes().to_vec()))
    }

    fn sign(&self, digest: &[u8]) -> Hmac<Sha256> {
        // A key of any length will do.
        #[expect(clippy::expect_used, reason = "HMAC takes keys of all lengths")]
        let mut signature = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of all lengths");
        signature.update(digest);
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(****)")
    }
}

/// Why the contents of an object are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// It is not what was written under this name.
    #[error("it is damaged, or is not the object of this name")]
    Damaged,
    /// This machine has a key, and the writer had none.
    #[error("it is not signed, and `UV_LAMBDA_CDK_REMOTE_CACHE_KEY` asks for a signature")]
    NotSigned,
    /// The writer had another key.
    #[error(
        "its signature is not that of `UV_LAMBDA_CDK_REMOTE_CACHE_KEY`: somebody without this key wrote it"
    )]
    WrongSignature,
    /// A file in it is not the one of its wheel.
    #[error("a file in it is not the file that the RECORD of its wheel lists")]
    NotOfWheel,
}

/// The digest of an object in the making.
pub struct ObjectDigest(Sha256);

impl ObjectDigest {
    /// Begins the digest of an object of this name.
    pub fn begin(name: &ObjectName) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(format!("{name}\n"));
        Self(hasher)
    }

    /// Adds some of the contents.
    pub fn update(&mut self, contents: &[u8]) {
        self.0.update(contents);
    }

    /// The head of an object with these contents.
    pub fn head(self, key: Option<&SigningKey>) -> [u8; HEAD] {
        let digest = self.0.finalize();
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(MAGIC);
        head[8..40].copy_from_slice(&digest);
        if let Some(key) = key {
            head[40..].copy_from_slice(&key.sign(&digest).finalize().into_bytes());
        }
        head
    }

    /// Checks the head of an object that has these contents.
    pub fn check(self, head: &[u8], key: Option<&SigningKey>) -> Result<(), Refusal> {
        let digest = self.0.finalize();
        let (Some(magic), Some(written), Some(signature)) =
            (head.get(..8), head.get(8..40), head.get(40..HEAD))
        else {
            return Err(Refusal::Damaged);
        };
        if magic != MAGIC || written != digest.as_slice() {
            return Err(Refusal::Damaged);
        }
        match key {
            None => Ok(()),
            Some(_) if signature.iter().all(|byte| *byte == 0) => Err(Refusal::NotSigned),
            Some(key) => key.sign(&digest).verify_slice(signature).map_err(|_| Refusal::WrongSignature),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name(number: u32) -> ObjectName {
        ObjectName { kind: Kind::Pack, key: Key::of("pack", &json!(number)) }
    }

    fn digest(number: u32, contents: &[u8]) -> ObjectDigest {
        let mut digest = ObjectDigest::begin(&name(number));
        digest.update(contents);
        digest
    }

    #[test]
    fn every_changed_bit_is_noticed_and_so_is_another_name() {
        let head = digest(1, b"contents").head(None);
        assert_eq!(digest(1, b"contents").check(&head, None), Ok(()));
        assert_eq!(digest(2, b"contents").check(&head, None), Err(Refusal::Damaged));
        assert_eq!(digest(1, b"Contents").check(&head, None), Err(Refusal::Damaged));
        assert_eq!(digest(1, b"contents").check(&head[..HEAD - 1], None), Err(Refusal::Damaged));
        for at in 0..40 {
            let mut damaged = head;
            damaged[at] ^= 1;
            assert_eq!(digest(1, b"contents").check(&damaged, None), Err(Refusal::Damaged), "byte {at}");
        }
    }

    #[test]
    fn with_a_key_only_its_signature_counts() {
        let [ours, other] = ["ours", "other"].map(|text| SigningKey::of(text).unwrap());
        let check = |head: [u8; HEAD], key: Option<&SigningKey>| digest(1, b"x").check(&head, key);
        let [unsigned, signed, foreign] =
            [None, Some(&ours), Some(&other)].map(|key| digest(1, b"x").head(key));
        assert_eq!(check(signed, Some(&ours)), Ok(()));
        assert_eq!(check(unsigned, Some(&ours)), Err(Refusal::NotSigned));
        assert_eq!(check(foreign, Some(&ours)), Err(Refusal::WrongSignature));
        // Without a key, signatures do not count.
        assert_eq!((check(signed, None), check(foreign, None)), (Ok(()), Ok(())));
        for at in 40..HEAD {
            let mut damaged = signed;
            damaged[at] ^= 1;
            assert_eq!(check(damaged, Some(&ours)), Err(Refusal::WrongSignature), "byte {at}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        assert!(SigningKey::of("").is_none());
        assert_eq!(format!("{:?}", SigningKey::of("secret")), "Some(SigningKey(****))");
    }
}
