//! Parses the files of a `.dist-info` folder.
//!
//! Source of the formats:
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::wording;

/// The values of a header in a text with headers (`METADATA`, `WHEEL`), which end at the first empty line.
pub fn headers<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .take_while(|line| !line.trim().is_empty())
        .filter_map(|line| line.split_once(':'))
        .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// The first value of a header.
pub fn header<'a>(text: &'a str, name: &'a str) -> Option<&'a str> {
    headers(text, name).next()
}

/// A file in a `RECORD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its path, relative to the folder that has the `.dist-info` folder.
    pub path: String,
    /// Its digest, such as `sha256=...`; may be empty.
    pub digest: String,
    /// Its size in bytes, as a text; may be empty.
    pub size: String,
}

impl Row {
    /// The digest in hex. `None` if there is none, or it is not SHA-256; an empty text if it cannot be read.
    pub fn sha256(&self) -> Option<String> {
        let digest = self.digest.strip_prefix("sha256=")?;
        Some(
            URL_SAFE_NO_PAD
                .decode(digest.trim_end_matches('='))
                .map_or_else(|_| String::new(), |bytes| wording::hex(&bytes)),
        )
    }
}

/// Whether the file at this path, as seen from the folder of the packages, is a `RECORD`.
pub fn is_record(path: &str) -> bool {
    path.strip_suffix("/RECORD").is_some_and(|folder| folder.ends_with(".dist-info") && !folder.contains('/'))
}

/// The files that a `RECORD`, which is CSV, lists.
pub fn record(text: &str) -> impl Iterator<Item = Result<Row, csv::Error>> {
    let rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    rows.into_records().map(|row| {
        let row = row?;
        let field = |number: usize| row.get(number).unwrap_or_default().to_owned();
        Ok(Row { path: field(0), digest: field(1), size: field(2) })
    })
}
