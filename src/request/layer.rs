//! Layers: what one is asked to hold, and what a function leaves to those that it has. Both are known from the lock
//! alone, so that an app knows them before anything is built.

use serde::{Deserialize, Serialize};

use crate::workspace::normalize_name;

/// What a layer is asked to hold: third-party packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LayerWish {
    /// The members that need them; where empty, the member that is named, or every one.
    pub package_names: Vec<String>,
    /// Those of them that go in, with all that they need; where empty, all.
    pub packages: Vec<String>,
}

impl LayerWish {
    /// The same with the one spelling of names.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        for names in [&mut self.package_names, &mut self.packages] {
            *names = names.iter().map(|name| normalize_name(name)).collect();
            names.sort_unstable();
            names.dedup();
        }
        self
    }
}

/// A layer that a function has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Layer {
    /// What messages call it.
    pub name: String,
    /// The Python that it is for, such as `3.13`.
    pub python_version: String,
    /// The CPU that it is for, by Lambda's name.
    pub architecture: String,
    /// What it holds.
    pub packages: Vec<Held>,
    /// What its files take unpacked, in bytes, where that is known.
    #[serde(default, skip_serializing)]
    pub unzipped_bytes: Option<u64>,
}

/// A package in a layer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Held {
    /// Its name, normalised.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What the layers hold together, and which of them holds it.
pub fn held(layers: &[Layer]) -> impl Iterator<Item = (&Held, &Layer)> {
    layers.iter().flat_map(|layer| layer.packages.iter().map(move |held| (held, layer)))
}

/// Whether a layer may have the module of a handler that the function itself does not have: it holds a package of the
/// module's name.
pub fn may_hold(layers: &[Layer], handler: &str) -> bool {
    let top = normalize_name(handler.split(['.', '/']).next().unwrap_or_default());
    held(layers).any(|(held, _)| held.name == top)
}

/// What the files of the layers take unpacked, in bytes, as far as that is known.
pub fn unzipped_bytes(layers: &[Layer]) -> u64 {
    layers.iter().filter_map(|layer| layer.unzipped_bytes).sum()
}
