//! File names of extension modules.

/// The parts of a file name that Python might import as an extension module.
#[derive(Debug, PartialEq, Eq)]
pub struct ExtensionName<'a> {
    /// The folder, with the `/` at its end.
    pub folder: &'a str,
    /// The module's name.
    pub stem: &'a str,
    /// `cpython-313-x86_64-linux-gnu` or `abi3`, where there is one.
    pub tag: Option<&'a str>,
}

impl<'a> ExtensionName<'a> {
    /// The parts of a path; `None` if Python would not import the file.
    pub fn parse(path: &'a str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let folder = &path[..path.len() - name.len()];
        let name = name.strip_suffix(".so")?;
        let (stem, tag) = match name.split_once('.') {
            Some((stem, tag)) => (stem, Some(tag)),
            None => (name, None),
        };
        Some(Self { folder, stem, tag })
    }
}
