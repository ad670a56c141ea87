//! What a zip says about its entries beside their contents: order, modes, times, flags, sizes.

use std::path::Path;

use rawzip::ZipArchive;

use super::first_difference::{Difference, first_unequal};
use super::{CompareError, read_whole};
use crate::archive::ArchiveError;

/// What a zip says about one entry, each thing as people read it.
struct Header {
    entry: String,
    facts: [(&'static str, String); 5],
}

/// The first difference between two zips whose files are the same and whose bytes are not.
pub(super) fn header_difference(first: &Path, second: &Path) -> Result<Difference, CompareError> {
    let (first_bytes, second_bytes) = (read_whole(first)?, read_whole(second)?);
    let (first, second) = (headers(first, &first_bytes)?, headers(second, &second_bytes)?);
    for (number, (first, second)) in first.iter().zip(&second).enumerate() {
        if first.entry != second.entry {
            let what = format!(
                "the order: entry {number} is `{}` in the first, `{}` in the second",
                first.entry, second.entry
            );
            return Ok(Difference::Container { entry: None, what });
        }
        let mut facts = first.facts.iter().zip(&second.facts);
        if let Some(((fact, first_value), (_, second_value))) = facts.find(|(first, second)| first != second)
        {
            let what = format!("its {fact} is {first_value} in the first, {second_value} in the second");
            return Ok(Difference::Container { entry: Some(first.entry.clone()), what });
        }
    }
    let what = if first.len() == second.len() {
        format!("the zips differ at their byte {}", first_unequal(&first_bytes, &second_bytes))
    } else {
        format!("the number of entries is {} in the first, {} in the second", first.len(), second.len())
    };
    Ok(Difference::Container { entry: None, what })
}

fn headers(path: &Path, bytes: &[u8]) -> Result<Vec<Header>, CompareError> {
    let damaged =
        |error: rawzip::Error| ArchiveError::Damaged { path: path.to_path_buf(), problem: error.to_string() };
    let archive = ZipArchive::from_slice(bytes).map_err(damaged)?;
    let mut entries = archive.entries();
    let mut headers = Vec::new();
    while let Some(entry) = entries.next_entry().map_err(damaged)? {
        headers.push(Header {
            entry: String::from_utf8_lossy(entry.file_path().as_ref()).into_owned(),
            facts: [
                ("mode", format!("{:o}", entry.mode().value())),
                ("time", format!("{:?}", entry.last_modified())),
                ("set of flags", format!("{:#06x}", entry.flags().bits())),
                ("compression", format!("{:?}", entry.compression_method())),
                ("compressed size", entry.compressed_size_hint().to_string()),
            ],
        });
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rawzip::{CompressionMethod, DataDescriptorOutput, ZipArchiveWriter};

    use super::super::first_difference;

    /// A zip of stored files `(path, mode)`, in this order.
    fn zip(files: &[(&str, u32)]) -> tempfile::NamedTempFile {
        let mut output = tempfile::NamedTempFile::new().unwrap();
        let mut archive = ZipArchiveWriter::new(&mut output);
        for (path, mode) in files {
            let (mut entry, _) = archive
                .new_file(path)
                .compression_method(CompressionMethod::STORE)
                .unix_permissions(*mode)
                .start()
                .unwrap();
            entry.write_all(b"").unwrap();
            entry.finish(DataDescriptorOutput::new(0, 0)).unwrap();
        }
        archive.finish().unwrap();
        output
    }

    fn difference(first: &[(&str, u32)], second: &[(&str, u32)]) -> String {
        let (first, second) = (zip(first), zip(second));
        first_difference(first.path(), second.path()).unwrap().unwrap().to_string()
    }

    #[test]
    fn another_order_is_told_from_other_contents() {
        assert_eq!(
            difference(&[("a", 0o644), ("b", 0o644)], &[("b", 0o644), ("a", 0o644)]),
            "the contents are the same, and the zip is not: the order: entry 0 is `a` in the first, `b` in the second"
        );
    }

    #[test]
    fn another_mode_is_named_with_its_entry() {
        assert_eq!(
            difference(&[("a", 0o644), ("b", 0o644)], &[("a", 0o644), ("b", 0o755)]),
            "the contents are the same, and `b` is kept in another way: its mode is 100644 in the first, 100755 in the second"
        );
    }
}
