//! The files of an environment that uv made, by the package that they belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::record_check::{first_changed_file, same_contents};
use super::{Installed, Origin};
use crate::support::file_listing::files_below;
use crate::support::wheel_metadata::{Row, header, record};
use crate::workspace::normalize_name;

/// A file: its path inside the bundle, and its path on disk.
type File = (String, PathBuf);

/// The packages of an environment.
#[derive(Debug)]
pub(super) struct SitePackages {
    packages: BTreeMap<String, Vec<File>>,
    mixed: BTreeSet<String>,
}

impl SitePackages {
    /// Reads `site-packages`.
    pub(super) fn read(site_packages: &Path) -> io::Result<Self> {
        let files: BTreeMap<String, PathBuf> = files_below(site_packages, &[])?.into_iter().collect();
        let mut packages = BTreeMap::new();
        let mut owners: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for folder in dist_info_folders(&files) {
            let text = |name: &str| match files.get(&format!("{folder}/{name}")) {
                Some(path) => fs_err::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
                None => Ok(String::new()),
            };
            let name = normalize_name(header(&text("METADATA")?, "Name").unwrap_or_default());
            for Row { path, digest, .. } in record(&text("RECORD")?).filter_map(Result::ok) {
                owners.entry(path).or_default().push((name.clone(), digest));
            }
            packages.insert(name, Vec::new());
        }

        let mut mixed = BTreeSet::new();
        for (path, file) in files {
            match owners.get(&path).map(Vec::as_slice) {
                Some(owners) => {
                    let [(_, first), others @ ..] = owners else { continue };
                    // Without digests, two files may differ.
                    if others.iter().any(|(_, digest)| digest != first || digest.is_empty()) {
                        mixed.extend(owners.iter().map(|(name, _)| name.clone()));
                    }
                    for (name, _) in owners {
                        packages.entry(name.clone()).or_default().push((path.clone(), file.clone()));
                    }
                }
                // No RECORD lists the file: it may belong to any package. Files that uv makes itself belong
                // to none.
                None if !is_of_environment(&path) => mixed.extend(packages.keys().cloned()),
                None => {}
            }
        }
        Ok(Self { packages, mixed })
    }

    /// The packages for which the environment may have files of other packages.
    pub(super) fn mixed(&self) -> BTreeSet<String> {
        self.mixed.clone()
    }

    /// The packages.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.packages.keys().map(String::as_str)
    }

    /// Replaces the files of a package.
    pub(super) fn replace(&mut self, name: &str, files: Vec<File>) {
        self.packages.insert(name.to_owned(), files);
    }

    /// Replaces the files of a package if any of them has other contents, and returns whether that is so.
    pub(super) fn replace_if_different(&mut self, name: &str, files: Vec<File>) -> io::Result<bool> {
        let files: Vec<File> = files.into_iter().filter(|(path, _)| !is_of_environment(path)).collect();
        let is_different = match self.packages.get(name) {
            Some(before) => !same_contents(before, &files)?,
            None => true,
        };
        if is_different {
            self.replace(name, files);
        }
        Ok(is_different)
    }

    /// The packages with a file that differs from its RECORD, each with the first such file.
    pub(super) fn changed_packages(&self) -> io::Result<Vec<(String, String)>> {
        let packages: Vec<(&String, &Vec<File>)> = self.packages.iter().collect();
        let changed: io::Result<Vec<Option<(String, String)>>> = packages
            .into_par_iter()
            .map(|(name, files)| Ok(first_changed_file(files)?.map(|file| (name.clone(), file))))
            .collect();
        Ok(changed?.into_iter().flatten().collect())
    }

    /// The packages, each with its files.
    pub(super) fn into_installed(self) -> Vec<Installed<'static>> {
        let packages = self.packages.into_iter();
        packages.map(|(name, files)| Installed { files, origin: Origin::ThirdParty { name } }).collect()
    }
}

fn dist_info_folders(files: &BTreeMap<String, PathBuf>) -> Vec<String> {
    files
        .keys()
        .filter_map(|path| path.strip_suffix("/METADATA"))
        .filter(|folder| folder.ends_with(".dist-info") && !folder.contains('/'))
        .map(str::to_owned)
        .collect()
}

/// Whether uv makes the file in every environment.
fn is_of_environment(path: &str) -> bool {
    matches!(path, "_virtualenv.pth" | "_virtualenv.py") || path.contains("__pycache__/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(files: &[(&str, &str)]) -> SitePackages {
        let folder = tempfile::tempdir().unwrap();
        for (path, contents) in files {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, contents).unwrap();
        }
        SitePackages::read(folder.path()).unwrap()
    }

    fn paths(environment: &SitePackages, name: &str) -> Vec<String> {
        environment.packages[name].iter().map(|(path, _)| path.clone()).collect()
    }

    const ONE: [(&str, &str); 3] = [
        ("one-1.dist-info/METADATA", "Name: One\nVersion: 1\n"),
        (
            "one-1.dist-info/RECORD",
            "one.py,sha256=a,1\ntests/__init__.py,sha256=e,0\ntests/x.py,sha256=1,1\none-1.dist-info/METADATA,,\none-1.dist-info/RECORD,,\n",
        ),
        ("one.py", ""),
    ];
    const TWO: [(&str, &str); 4] = [
        ("two-1.dist-info/METADATA", "Name: two\nVersion: 1\n"),
        (
            "two-1.dist-info/RECORD",
            "tests/__init__.py,sha256=e,0\ntests/x.py,sha256=2,1\ntwo-1.dist-info/METADATA,,\ntwo-1.dist-info/RECORD,,\n",
        ),
        ("tests/__init__.py", ""),
        ("_virtualenv.py", ""),
    ];

    #[test]
    fn a_file_that_is_the_same_in_two_packages_belongs_to_both() {
        let environment = environment(&[&ONE[..], &TWO[..]].concat());
        assert!(paths(&environment, "one").contains(&"tests/__init__.py".to_owned()));
        assert!(paths(&environment, "two").contains(&"tests/__init__.py".to_owned()));
        assert!(environment.mixed().is_empty());
    }

    #[test]
    fn files_of_one_name_that_differ_mix_their_packages() {
        let environment = environment(&[&ONE[..], &TWO[..], &[("tests/x.py", "")]].concat());
        assert_eq!(environment.mixed().into_iter().collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn files_of_one_name_without_digests_mix_their_packages() {
        let record =
            |name: &str| format!("x.py,,\n{name}-1.dist-info/METADATA,,\n{name}-1.dist-info/RECORD,,\n");
        let environment = environment(&[
            ("one-1.dist-info/METADATA", "Name: one\nVersion: 1\n"),
            ("one-1.dist-info/RECORD", &record("one")),
            ("two-1.dist-info/METADATA", "Name: two\nVersion: 1\n"),
            ("two-1.dist-info/RECORD", &record("two")),
            ("x.py", ""),
        ]);
        assert_eq!(environment.mixed().into_iter().collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn a_file_that_nobody_lists_may_be_anybodys() {
        let environment = environment(&[&ONE[..], &[("stray.py", "")]].concat());
        assert_eq!(environment.mixed().into_iter().collect::<Vec<_>>(), ["one"]);
    }
}
