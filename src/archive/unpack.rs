//! Unpacks zips of ours as Lambda does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{ArchiveError, ZipReader};
use crate::support::file_access::set_mode;

/// The mode of folders. Lambda runs a function as another user than the one who builds its image.
const FOLDER_MODE: u32 = 0o755;

/// Unpacks the zip into `folder`, which exists. Files have the mode 0755 if the zip says that they are executable, else 0644. Fails
/// before a file whose name leads out of the folder is written.
pub fn unpack(zip: &Path, folder: &Path) -> Result<(), ArchiveError> {
    let mut reader = ZipReader::open(zip)?;
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for number in 0..reader.entries() {
        let mut entry = reader.entry(number)?;
        if entry.is_folder() {
            continue;
        }
        let path = folder.join(entry.name());
        let mode = if entry.is_executable() { 0o755 } else { 0o644 };
        entry.unpack(&path)?;
        set_mode(&path, mode).map_err(|source| entry.not_unpacked(source))?;
        // The caller's umask decides the modes of new folders.
        for new in path.ancestors().skip(1).take_while(|ancestor| *ancestor != folder) {
            if folders.insert(new.to_path_buf()) {
                set_mode(new, FOLDER_MODE).map_err(|source| entry.not_unpacked(source))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Contents, Entry, write};

    #[cfg(unix)]
    #[test]
    fn files_and_folders_have_the_modes_that_they_have_in_lambda() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let (program, out) = (folder.path().join("program"), folder.path().join("out"));
        fs_err::write(&program, "#!/bin/sh").unwrap();
        set_mode(&program, 0o700).unwrap();
        fs_err::create_dir(&out).unwrap();
        let entries = vec![
            Entry { path: "app/main.py".to_owned(), contents: Contents::Bytes(b"x = 1".to_vec()) },
            Entry { path: "bin/run".to_owned(), contents: Contents::File { path: program, size: 9 } },
        ];
        let zip = folder.path().join("bundle.zip");
        write(entries, &zip).unwrap();
        unpack(&zip, &out).unwrap();
        assert_eq!(fs_err::read(out.join("app/main.py")).unwrap(), b"x = 1");
        let mode = |path: &str| fs_err::metadata(out.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(["app", "app/main.py", "bin/run"].map(mode), [0o755, 0o644, 0o755],);
    }
}
