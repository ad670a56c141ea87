//! Compares the headers of the entries of two zips: order, modes, times, flags, sizes.

use super::first_difference::{Difference, first_unequal};
use crate::archive::{ArchiveError, EntryHeader, ZipReader};

/// The first difference between two zips whose files are the same and whose bytes are not.
pub(super) fn header_difference(first: &ZipReader, second: &ZipReader) -> Result<Difference, ArchiveError> {
    for number in 0..first.entries().min(second.entries()) {
        let (first, second) = (first.header(number)?, second.header(number)?);
        if first.name != second.name {
            let what = format!(
                "the order: entry {number} is `{}` in the first, `{}` in the second",
                first.name, second.name
            );
            return Ok(Difference::Container { entry: None, what });
        }
        let facts = facts(&first).into_iter().zip(facts(&second));
        for ((fact, first_value), (_, second_value)) in facts {
            if first_value != second_value {
                let what = format!("its {fact} is {first_value} in the first, {second_value} in the second");
                return Ok(Difference::Container { entry: Some(first.name), what });
            }
        }
    }
    let what = if first.entries() == second.entries() {
        let unequal = first_unequal(
            |offset, buffer| first.read_raw(offset, buffer),
            |offset, buffer| second.read_raw(offset, buffer),
        )?;
        format!("the zips differ at their byte {}", unequal.map_or(0, |unequal| unequal.offset))
    } else {
        format!(
            "the number of entries is {} in the first, {} in the second",
            first.entries(),
            second.entries()
        )
    };
    Ok(Difference::Container { entry: None, what })
}

/// The facts in the header of one entry, each as a name and a text.
fn facts(header: &EntryHeader) -> [(&'static str, String); 5] {
    let none = || "unknown".to_owned();
    [
        ("mode", header.mode.map_or_else(none, |mode| format!("{mode:o}"))),
        ("time", header.modified.clone().unwrap_or_else(none)),
        ("set of flags", format!("{:#06x}", header.flags)),
        ("compression", header.compression.clone()),
        ("compressed size", header.compressed_size.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::super::first_difference;

    /// A zip of empty files `(path, mode)`, in this order.
    fn zip(files: &[(&str, u32)]) -> tempfile::NamedTempFile {
        let mut output = tempfile::NamedTempFile::new().unwrap();
        let mut archive = ZipWriter::new(&mut output);
        for (path, mode) in files {
            archive.start_file(path, SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
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
            "the contents are the same, and `b` is stored differently: its mode is 100644 in the first, 100755 in the second"
        );
    }
}
