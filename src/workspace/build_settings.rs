//! The settings of uv in a project that decide how a third-party package is built from its source.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use toml::Table;

use super::normalize_name;
use crate::secrets::remove_credentials;

/// The settings that say where uv finds packages and which versions it takes. Requirements of the project itself
/// (`constraint-dependencies`, `override-dependencies`, `pip`) are not among them: uv does not apply them to build requirements.
const OF_INDEXES: &[&str] = &[
    "allow-insecure-host",
    "exclude-newer",
    "exclude-newer-package",
    "extra-index-url",
    "find-links",
    "index",
    "index-strategy",
    "index-url",
    "keyring-provider",
    "native-tls",
    "no-index",
    "offline",
    "prerelease",
    "resolution",
    "system-certs",
];

/// The settings whose values are places: addresses, or paths relative to the project.
const PLACES: &[&str] = &["extra-index-url", "find-links", "index-url"];

/// The settings of uv in `uv.toml` or `pyproject.toml`.
#[derive(Debug, Clone, Default)]
pub struct BuildSettings {
    /// Those of [`OF_INDEXES`].
    of_indexes: Table,
    /// Constraints of all build requirements (`build-constraint-dependencies`).
    pub constraints: Vec<String>,
    /// More build requirements (`extra-build-dependencies`), by package.
    extra: BTreeMap<String, Vec<String>>,
    /// Settings for the build backends (`config-settings`).
    config: Value,
    /// Settings for the build backend of one package (`config-settings-package`).
    config_of_package: BTreeMap<String, Value>,
    /// Whether no package may be built (`no-build`).
    no_build: bool,
    /// The packages that may not be built (`no-build-package`).
    no_build_of: Vec<String>,
}

impl BuildSettings {
    /// Reads the settings from a `uv.toml`, or from `[tool.uv]`.
    pub fn of(settings: &Table) -> Self {
        let mut of_indexes = settings.clone();
        of_indexes.retain(|name, _| OF_INDEXES.contains(&name));
        let table = |name: &str| settings.get(name).and_then(toml::Value::as_table).into_iter().flatten();
        Self {
            of_indexes,
            constraints: requirements(settings.get("build-constraint-dependencies")),
            extra: table("extra-build-dependencies")
                .map(|(name, value)| (normalize_name(name), requirements(Some(value))))
                .collect(),
            config: json!(settings.get("config-settings")),
            config_of_package: table("config-settings-package")
                .map(|(name, value)| (normalize_name(name), json!(value)))
                .collect(),
            no_build: settings.get("no-build").and_then(toml::Value::as_bool) == Some(true),
            no_build_of: requirements(settings.get("no-build-package"))
                .iter()
                .map(|name| normalize_name(name))
                .collect(),
        }
    }

    /// Whether the project forbids uv to build this package.
    pub fn forbid(&self, package: &str) -> bool {
        self.no_build || self.no_build_of.iter().any(|name| name == package)
    }

    /// The build requirements that the project adds to those of a package.
    pub fn extra_requirements(&self, package: &str) -> &[String] {
        self.extra.get(package).map_or(&[][..], Vec::as_slice)
    }

    /// The settings that the project gives to the build backend of a package: an object, or null.
    pub fn config_of(&self, package: &str) -> Value {
        let (Value::Object(all), own) = (&self.config, self.config_of_package.get(package)) else {
            return self.config_of_package.get(package).cloned().unwrap_or(Value::Null);
        };
        let own = own.and_then(Value::as_object).into_iter().flatten();
        let both = all.iter().chain(own);
        Value::Object(both.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The text of a `uv.toml` with the settings of indexes, for a folder outside of the project `root`. It may have credentials.
    pub fn for_uv(&self, root: &Path) -> String {
        let mut settings = self.of_indexes.clone();
        for (name, value) in &mut settings {
            if PLACES.contains(&name.as_str()) {
                absolute(value, root);
            } else if let ("index", Some(indexes)) = (name.as_str(), value.as_array_mut()) {
                let tables = indexes.iter_mut().filter_map(toml::Value::as_table_mut);
                tables.filter_map(|index| index.get_mut("url")).for_each(|url| absolute(url, root));
            }
        }
        settings.to_string()
    }

    /// Everything that decides how a package is built, for a key: without credentials and paths of this machine.
    pub fn identity(&self, package: &str) -> Value {
        json!([
            remove_credentials(&self.of_indexes.to_string()),
            self.constraints.iter().map(|text| remove_credentials(text)).collect::<Vec<_>>(),
            self.extra_requirements(package),
            self.config_of(package),
        ])
    }
}

/// The texts of a list of requirements. Each is a text, or a table with a text.
fn requirements(list: Option<&toml::Value>) -> Vec<String> {
    let items = list.and_then(toml::Value::as_array).into_iter().flatten();
    items
        .filter_map(|item| item.as_str().or_else(|| item.get("requirement")?.as_str()))
        .map(str::to_owned)
        .collect()
}

/// Makes the paths in a place, or in a list of places, absolute.
fn absolute(value: &mut toml::Value, root: &Path) {
    match value {
        toml::Value::String(place) if !place.contains("://") => {
            *place = root.join(&*place).to_string_lossy().into_owned();
        }
        toml::Value::Array(places) => places.iter_mut().for_each(|place| absolute(place, root)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> BuildSettings {
        BuildSettings::of(&text.parse().unwrap())
    }

    #[test]
    fn places_are_found_from_another_folder_and_requirements_of_the_project_are_left_out() {
        let settings = settings(
            "find-links = ['wheels', 'https://a.test/']\nconstraint-dependencies = ['a<1']\n[[index]]\nurl = 'flat'\nname = 'mine'",
        );
        let text: Table = settings.for_uv(Path::new("/project")).parse().unwrap();
        let expected = "find-links = ['/project/wheels', 'https://a.test/']\n[[index]]\nurl = '/project/flat'\nname = 'mine'";
        assert_eq!(text, expected.parse().unwrap());
    }

    #[test]
    fn a_package_has_settings_of_its_own_and_those_of_all() {
        let settings = settings(
            "no-build-package = ['My_Other']\nbuild-constraint-dependencies = ['setuptools<80', { requirement = 'wheel<1' }]\n[config-settings]\na = '1'\nb = '1'\n[config-settings-package.My_Package]\nb = '2'\n[extra-build-dependencies]\nMy_Package = ['numpy']",
        );
        assert_eq!(settings.constraints, ["setuptools<80", "wheel<1"]);
        assert_eq!(settings.config_of("my-package"), json!({ "a": "1", "b": "2" }));
        assert_eq!(settings.config_of("other"), json!({ "a": "1", "b": "1" }));
        assert_eq!(settings.extra_requirements("my-package"), ["numpy"]);
        assert!(settings.forbid("my-other") && !settings.forbid("my-package"));
    }

    #[test]
    fn a_key_has_neither_credentials_nor_paths() {
        let with = settings("[[index]]\nurl = 'https://ada:secret@a.test/simple'").identity("x");
        assert_eq!(with, settings("[[index]]\nurl = 'https://a.test/simple'").identity("x"));
        assert_ne!(with, settings("[[index]]\nurl = 'https://b.test/simple'").identity("x"));
    }
}
