//! Manifest: the parts of a `pyproject.toml` that decide how its package is built.

use crate::support::wording;
use sha2::{Digest, Sha256};
use toml::{Table, Value};

/// A `pyproject.toml`. It may be missing or invalid: uv and the build backend report that.
#[derive(Debug, Clone, Default)]
pub struct Manifest {
    /// SHA-256 of the file, in hex; `None` if there is none.
    pub digest: Option<String>,
    table: Option<Table>,
}

impl Manifest {
    /// Parses the text of a manifest.
    pub fn parse(text: Option<String>) -> Self {
        let Some(text) = text else { return Self::default() };
        Self { digest: Some(wording::hex(&Sha256::digest(&text))), table: text.parse().ok() }
    }

    /// Whether uv runs the build backend to learn the version or the dependencies.
    pub fn computes_metadata(&self) -> bool {
        self.is_dynamic(&["version", "dependencies", "optional-dependencies"])
    }

    /// Whether the build backend computes the version.
    pub fn computes_version(&self) -> bool {
        self.is_dynamic(&["version"])
    }

    /// Whether the build backend, and not the manifest, provides one of the `fields`.
    fn is_dynamic(&self, fields: &[&str]) -> bool {
        let Some(table) = &self.table else { return true };
        let Some(project) = table.get("project").and_then(Value::as_table) else {
            // Without a `[project]` table the backend provides every field; without a `[build-system]` there is no backend.
            return table.contains_key("build-system");
        };
        let dynamic = project.get("dynamic").and_then(Value::as_array);
        dynamic.is_some_and(|dynamic| {
            dynamic.iter().any(|field| field.as_str().is_some_and(|field| fields.contains(&field)))
        })
    }

    /// The settings of uv (`[tool.uv]`).
    pub fn uv_settings(&self) -> Option<&Table> {
        self.table.as_ref()?.get("tool")?.get("uv")?.as_table()
    }

    /// Every text in the manifest: keys and strings.
    pub fn texts(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        self.table.iter().flatten().for_each(|(_, value)| collect(value, &mut texts));
        texts
    }

    /// Every text in the manifest that could be a path: keys and strings. The settings with which uv finds other packages are
    /// skipped: the lock has those packages.
    pub fn possible_paths(&self) -> Vec<&str> {
        let mut texts = Vec::new();
        for (name, value) in self.table.iter().flatten() {
            match (name.as_str(), value.as_table()) {
                ("tool", Some(tools)) => {
                    for (tool, value) in tools {
                        match (tool.as_str(), value.as_table()) {
                            ("uv", Some(settings)) => settings
                                .iter()
                                .filter(|(name, _)| {
                                    !["sources", "workspace", "index", "find-links"].contains(&name.as_str())
                                })
                                .for_each(|(_, value)| collect(value, &mut texts)),
                            _ => collect(value, &mut texts),
                        }
                    }
                }
                _ => collect(value, &mut texts),
            }
        }
        texts
    }
}

fn collect<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Table(table) => {
            for (name, value) in table {
                texts.push(name);
                collect(value, texts);
            }
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(text: &str) -> Manifest {
        Manifest::parse(Some(text.to_owned()))
    }

    #[test]
    fn metadata_is_computed_where_the_manifest_leaves_it_open() {
        let computes = |text| manifest(text).computes_metadata();
        assert!(!computes("[project]\nname = 'a'\ndynamic = ['readme']\n[build-system]"));
        assert!(!computes("[tool.uv.workspace]\nmembers = []"));
        assert!(computes("[project]\nname = 'a'\ndynamic = ['dependencies']"));
        assert!(computes("[build-system]\nrequires = ['setuptools']"));
        assert!(computes("broken") && Manifest::parse(None).computes_metadata());
    }

    #[test]
    fn keys_and_texts_may_be_paths_and_places_of_packages_are_not() {
        let manifest = manifest(
            "[tool.hatch.version]\npath = '../../VERSION.py'\n[tool.hatch.build.force-include]\n'../data.txt' = 'app/data.txt'\n[tool.uv.sources]\nx = { path = '../x' }\n[tool.uv]\ncache-keys = [{ file = '../key' }]",
        );
        let paths = manifest.possible_paths();
        for path in ["../../VERSION.py", "../data.txt", "../key"] {
            assert!(paths.contains(&path), "{path}");
        }
        assert!(!paths.contains(&"../x"));
    }
}
