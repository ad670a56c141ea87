//! Checksums of small entries. If one bit of a note or a fact changed, it is a miss.

use sha2::{Digest, Sha256};

use super::Key;
use crate::support::wording;

/// Length of a SHA-256 in hex, with the line feed that follows it.
pub const HEAD: usize = 64 + 1;

/// Puts the checksum of an entry before its text. The key is part of it: an entry under another name is a miss.
pub fn with_checksum(key: &Key, text: &str) -> String {
    format!("{}\n{text}", checksum(key, text))
}

/// The text of an entry; `None` if it is damaged.
pub fn checked<'a>(key: &Key, entry: &'a [u8]) -> Option<&'a str> {
    let entry = std::str::from_utf8(entry).ok()?;
    let (head, text) = entry.split_at_checked(HEAD)?;
    (head.strip_suffix('\n')? == checksum(key, text)).then_some(text)
}

fn checksum(key: &Key, text: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(key.to_string());
    hasher.update(text);
    wording::hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let key = Key::of("fact", &json!(1));
        let entry = with_checksum(&key, "3.13.5").into_bytes();
        assert_eq!(checked(&key, &entry), Some("3.13.5"));
        for at in 0..entry.len() {
            assert_eq!(checked(&key, &entry[..at]), None);
            for bit in 0..8 {
                let mut damaged = entry.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(checked(&key, &damaged), None, "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn an_entry_under_another_name_is_damaged() {
        let [one, other] = [1, 2].map(|number| Key::of("fact", &json!(number)));
        assert_eq!(checked(&other, with_checksum(&one, "text").as_bytes()), None);
    }
}
