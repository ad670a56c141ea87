//! The files of a bundle: those of its packs, put together.

use std::collections::BTreeMap;
use std::io;

use super::{Pack, PackError, PackedFile};
use crate::archive::{Contents, Entry};
use crate::bytecode;
use crate::codes::WarningCode;
use crate::report::{PackageReport, Warning};
use crate::target::{BundleKind, PythonVersion};

/// The files of a bundle by path. If two packages bring a file of one path, the one of the earlier package ships.
#[derive(Debug)]
pub struct BundleFiles<'a> {
    /// The files, by path inside the bundle.
    pub files: BTreeMap<&'a str, &'a PackedFile>,
    packs: &'a [Pack],
    /// For each pair of packages, the one that ships first: the files of one path whose contents differ.
    conflicts: BTreeMap<(String, String), Vec<&'a str>>,
}

impl<'a> BundleFiles<'a> {
    /// Puts packs together.
    pub fn of(packs: &'a [Pack]) -> Self {
        let mut files: BTreeMap<&str, (&PackedFile, &Pack)> = BTreeMap::new();
        let mut conflicts: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
        for pack in packs {
            for file in &pack.files {
                match files.get(file.path.as_str()) {
                    Some((first, owner)) if first.digest != file.digest => {
                        conflicts.entry((owner.name(), pack.name())).or_default().push(&file.path);
                    }
                    Some(_) => {}
                    None => {
                        files.insert(&file.path, (file, pack));
                    }
                }
            }
        }
        let files = files.into_iter().map(|(path, (file, _))| (path, file)).collect();
        Self { files, packs, conflicts }
    }

    /// Whether nothing ships.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The contents of the file at `path`.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, PackError> {
        Ok(self.files.get(path).ok_or(io::ErrorKind::NotFound).map_err(io::Error::from)?.read()?)
    }

    /// The entries of the zip.
    pub fn entries(&self, kind: BundleKind, python: PythonVersion) -> Vec<Entry> {
        let folder = kind.folder_in_zip();
        let mut entries = Vec::with_capacity(2 * self.files.len());
        for (path, file) in &self.files {
            let contents = Contents::Piece(file.contents.clone());
            entries.push(Entry { path: format!("{folder}{path}"), contents });
            if let Some(bytecode) = &file.bytecode {
                let contents = Contents::Piece(bytecode.clone());
                let path = bytecode::pyc_path(path, python);
                entries.push(Entry { path: format!("{folder}{path}"), contents });
            }
        }
        entries
    }

    /// The packages of the bundle with their sizes, by name.
    pub fn package_reports(&self) -> Vec<PackageReport> {
        let size = |path: &String| self.files.get(path.as_str()).map_or(0, |file| file.unzipped_bytes());
        let mut reports: Vec<PackageReport> = self
            .packs
            .iter()
            .flat_map(|pack| &pack.packages)
            .map(|package| PackageReport {
                name: package.name.clone(),
                version: package.version.clone(),
                bytes: package.files.iter().map(size).sum(),
            })
            .collect();
        reports.sort_by(|left, right| left.name.cmp(&right.name));
        reports
    }

    /// The size of all unpacked files in bytes, bytecode included.
    pub fn unzipped_bytes(&self) -> u64 {
        self.files.values().map(|file| file.unzipped_bytes()).sum()
    }

    /// The number of `.py` files that are not Python of this version, and ship without bytecode.
    pub fn not_compiled(&self) -> usize {
        let files = self.files.iter();
        files.filter(|(path, file)| path.ends_with(".py") && file.bytecode.is_none()).count()
    }

    /// A warning for each pair of packages that bring different files of one path.
    pub fn warnings(&self) -> Vec<Warning> {
        self.conflicts
            .iter()
            .map(|((first, second), paths)| {
                let others = match paths.len() - 1 {
                    0 => String::new(),
                    others => format!(" and {others} more"),
                };
                let path = paths.first().copied().unwrap_or_default();
                Warning {
                    code: WarningCode::FileInTwoPackages,
                    message: format!(
                        "`{first}` and `{second}` bring different files `{path}`{others}: those of `{first}` ship"
                    ),
                }
            })
            .collect()
    }
}

impl PackedFile {
    /// Its size and that of its bytecode, in bytes.
    pub fn unzipped_bytes(&self) -> u64 {
        self.contents.shape.size + self.bytecode.as_ref().map_or(0, |bytecode| bytecode.shape.size)
    }
}

impl Pack {
    /// The name of the package for messages.
    fn name(&self) -> String {
        self.packages.first().map(|package| package.name.clone()).unwrap_or_default()
    }
}
