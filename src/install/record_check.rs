//! Checks whether installed files are those of the wheel: compares the digests in the wheel's RECORD with the
//! files.
//!
//! Source of the format:
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file>.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::support::regular_file;
use crate::support::wheel_metadata::{is_record, record};

/// The first file of a package, by path, that differs from its RECORD or is missing; `None` if there is none.
/// Files without a digest in the RECORD, and files with a digest other than SHA-256, are not compared.
pub fn first_changed_file(files: &[(String, PathBuf)]) -> io::Result<Option<String>> {
    let by_path: BTreeMap<&str, &Path> =
        files.iter().map(|(path, file)| (path.as_str(), file.as_path())).collect();
    let Some(record_file) = by_path.iter().find(|(path, _)| is_record(path)).map(|(_, file)| *file) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&fs_err::read(record_file)?).into_owned();
    let rows: Vec<(String, String)> = record(&text)
        .filter_map(Result::ok)
        .filter_map(|row| Some((row.sha256()?, row.path)))
        .map(|(digest, path)| (path, digest))
        // Scripts and data go elsewhere.
        .filter(|(path, _)| !path.starts_with("..") && !Path::new(path).is_absolute())
        .collect();
    let is_changed = |(path, digest): &&(String, String)| -> io::Result<bool> {
        // A missing file was deleted in the cache.
        let Some(file) = by_path.get(path.as_str()) else { return Ok(true) };
        Ok(*digest != regular_file::digest(file)?)
    };
    let changed: io::Result<Vec<Option<&String>>> =
        rows.par_iter().map(|row| Ok(is_changed(&row)?.then_some(&row.0))).collect();
    Ok(changed?.into_iter().flatten().min().cloned())
}

/// Whether two installations of a package have the same files with the same contents, apart from files that
/// installers write.
pub fn same_contents(one: &[(String, PathBuf)], other: &[(String, PathBuf)]) -> io::Result<bool> {
    let contents = |files: &[(String, PathBuf)]| -> io::Result<BTreeMap<String, String>> {
        // These are notes of the installer, and the RECORD that lists them.
        let is_note = |path: &str| {
            ["RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"]
                .iter()
                .any(|name| path.ends_with(&format!(".dist-info/{name}")))
        };
        let packaged = files.iter().filter(|(path, _)| !is_note(path));
        packaged.map(|(path, file)| Ok((path.clone(), regular_file::digest(file)?))).collect()
    };
    Ok(contents(one)? == contents(other)?)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use sha2::{Digest, Sha256};

    use super::*;

    fn installed(folder: &Path, record: &str, contents: &str) -> Vec<(String, PathBuf)> {
        [("a.py", contents), ("a-1.dist-info/RECORD", record)]
            .into_iter()
            .map(|(path, contents)| {
                let file = folder.join(path);
                fs_err::create_dir_all(file.parent().unwrap()).unwrap();
                fs_err::write(&file, contents).unwrap();
                (path.to_owned(), file)
            })
            .collect()
    }

    #[test]
    fn a_changed_file_is_found_and_what_has_no_digest_is_not_compared() {
        let folder = tempfile::tempdir().unwrap();
        let digest = format!("sha256={}", URL_SAFE_NO_PAD.encode(Sha256::digest("x = 1\n")));
        let record = format!("a.py,{digest},6\n../../../bin/a,sha256=x,1\na-1.dist-info/RECORD,,\n");
        let changed = |record: &str, contents: &str| {
            first_changed_file(&installed(folder.path(), record, contents)).unwrap()
        };
        assert_eq!(changed(&record, "x = 1\n"), None);
        assert_eq!(changed(&record, "x = 2\n").as_deref(), Some("a.py"));
        assert_eq!(changed("a.py,,6\na-1.dist-info/RECORD,,\n", "x = 2\n"), None);
        assert_eq!(changed("gone.py,sha256=x,6\n", "").as_deref(), Some("gone.py"));
    }
}
