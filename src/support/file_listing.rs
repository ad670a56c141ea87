//! Every file below a folder.

use std::io;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

/// Every file below `folder`, as its path in there, with `/` between the parts, and where it lies. What
/// is in one of the folders `without` is passed over.
pub fn files_below(folder: &Path, without: &[PathBuf]) -> io::Result<Vec<(String, PathBuf)>> {
    let without = without.to_vec();
    let mut files = Vec::new();
    let walk = WalkBuilder::new(folder)
        .standard_filters(false)
        // A zip for Lambda holds files, not links: what a link points to ships in its place.
        .follow_links(true)
        .filter_entry(move |entry| !without.iter().any(|other| other == entry.path()))
        .build();
    for entry in walk {
        let entry = entry
            .map_err(|error| error.into_io_error().unwrap_or_else(|| io::Error::other("walk failed")))?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(within) = entry.path().strip_prefix(folder) else { continue };
        files.push((slash_separated(within)?, entry.into_path()));
    }
    Ok(files)
}

/// A relative path with `/` between its parts, on every system.
pub fn slash_separated(path: &Path) -> io::Result<String> {
    let parts: Option<Vec<&str>> = path.components().map(|part| part.as_os_str().to_str()).collect();
    parts.map(|parts| parts.join("/")).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the file name `{}` is not Unicode, which a zip needs: rename the file", path.display()),
        )
    })
}
