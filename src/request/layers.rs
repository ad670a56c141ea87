//! The options `layer` and `layers`: the packages to put into a layer, and the layers of a function, which ships
//! without their packages. The lock alone decides both, so an app knows them before anything is built.

use clap::Args;
use pep508_rs::PackageName;
use serde::{Deserialize, Serialize, Serializer};

use crate::request::options_from_json::null_as_default;

/// The packages to put into a layer. They are third-party packages: local ones never go into a layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Args)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[serde(expecting = "an object such as `{ packageNames: [...], packages: [...] }`")]
pub struct LayerContents {
    /// A member whose packages go into the layer; may be repeated [default: `--package`, or every member]
    #[arg(id = "layer.packageNames", long = "layer-of", value_name = "NAME")]
    #[serde(deserialize_with = "null_as_default")]
    pub package_names: Vec<String>,
    /// A package to put into the layer, with the packages that it needs; may be repeated [default: all that the members need]
    #[arg(id = "layer.packages", long = "layer-package", value_name = "PACKAGE")]
    #[serde(deserialize_with = "null_as_default")]
    pub packages: Vec<String>,
}

/// A layer of the function that is bundled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "an object such as the `bundled` of a `PythonLambdaLayer`")]
pub struct FunctionLayer {
    /// The name of the layer in messages.
    pub name: String,
    /// The runtime that it is for, such as `python3.13`.
    pub runtime: String,
    /// The CPU that it is for, by Lambda's name.
    pub architecture: String,
    /// The packages in it.
    pub packages: Vec<LayeredPackage>,
    /// Size of its unpacked files in bytes; `None` until the layer is bundled on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unzipped_bytes: Option<u64>,
}

/// A package in a layer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object such as `{ name: 'orjson', version: '3.11.0' }`")]
pub struct LayeredPackage {
    /// Its name, normalised.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Every package in the layers, with its layer.
pub fn packages_in(layers: &[FunctionLayer]) -> impl Iterator<Item = (&LayeredPackage, &FunctionLayer)> {
    layers.iter().flat_map(|layer| layer.packages.iter().map(move |package| (package, layer)))
}

/// Whether a layer may have the module of a handler: whether it has a package of the module's name.
pub fn may_hold(layers: &[FunctionLayer], handler: &str) -> bool {
    let module = handler.split(['.', '/']).next().unwrap_or_default();
    module
        .parse::<PackageName>()
        .is_ok_and(|name| packages_in(layers).any(|(package, _)| package.name == name.as_ref()))
}

/// Size of the unpacked files of all layers in bytes. Unknown sizes count as zero.
pub fn unzipped_bytes(layers: &[FunctionLayer]) -> u64 {
    layers.iter().filter_map(|layer| layer.unzipped_bytes).sum()
}

/// The layers without their names, which only messages need: the same layer has another name in each stage of an app.
pub fn without_names(layers: &[FunctionLayer]) -> Vec<FunctionLayer> {
    layers.iter().map(|layer| FunctionLayer { name: String::new(), ..layer.clone() }).collect()
}

/// Serializes layers without their names and without their sizes. Sizes become known while an app runs, and change nothing about the
/// bundle.
pub(super) fn without_names_and_sizes<S: Serializer>(
    layers: &[FunctionLayer],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let layers = without_names(layers).into_iter();
    serializer.collect_seq(layers.map(|layer| FunctionLayer { unzipped_bytes: None, ..layer }))
}
