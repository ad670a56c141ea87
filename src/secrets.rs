//! Secrets: what must not leave in an error or a log.

/// The text with every credential in it replaced by `****`: those in addresses, and the values of the
/// variables that hold index credentials.
pub fn mask_credentials(text: &str) -> String {
    let secrets = std::env::vars().filter(|(name, value)| {
        name.starts_with("UV_INDEX_")
            && (name.ends_with("_PASSWORD") || name.ends_with("_USERNAME"))
            // So short a value stands in many words that are no secret.
            && value.len() > 3
    });
    secrets.fold(mask_addresses(text), |text, (_, secret)| text.replace(&secret, "****"))
}

/// Masks what stands between `://` and `@`, where both are in one address.
fn mask_addresses(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        masked.push_str(before);
        masked.push_str("://");
        let authority =
            after.find(|character: char| character == '/' || character == '`' || character.is_whitespace());
        let authority = &after[..authority.unwrap_or(after.len())];
        rest = match authority.rfind('@') {
            Some(end) => {
                masked.push_str("****");
                &after[end..]
            }
            None => after,
        };
    }
    masked + rest
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
