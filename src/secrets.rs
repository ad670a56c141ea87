//! Secrets: what must not leave in an error or a log.

use std::sync::LazyLock;

use regex::Regex;

/// The text with every credential in it replaced by `****`: those in addresses, and the values of
/// the variables that hold index passwords.
pub fn mask_credentials(text: &str) -> String {
    #[expect(clippy::unwrap_used, reason = "the pattern is constant, and a test compiles it")]
    static IN_ADDRESS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"://[^/\s@`]+@").unwrap());
    let secrets = std::env::vars().filter(|(name, value)| {
        name.starts_with("UV_INDEX_")
            && (name.ends_with("_PASSWORD") || name.ends_with("_USERNAME"))
            && value.len() > 3
    });
    secrets.fold(IN_ADDRESS.replace_all(text, "://****@").into_owned(), |text, (_, secret)| {
        text.replace(&secret, "****")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_addresses_are_masked() {
        let masked = mask_credentials(
            "failed to fetch https://user:secret@example.com/simple/x and http://token@host/",
        );
        assert_eq!(masked, "failed to fetch https://****@example.com/simple/x and http://****@host/");
    }
}
