//! Output for programs (`--json`): the values that the functions of the Node package return, field by field.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Bundle;
use crate::codes::ErrorCode;
use crate::compare::{Diff, Difference, FileChange, PackageChange, Side};
use crate::explain::Explanation;
use crate::remote::{self, RemoteStore};
use crate::statistics::Statistics;
use crate::store::{Pruned, Usage};
use crate::verify::Verification;

/// An object without the fields that are null: these are `undefined` in JavaScript.
fn object<const COUNT: usize>(fields: [(&str, Value); COUNT]) -> Value {
    let present = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(present.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

pub(super) fn error(code: ErrorCode, message: &str) -> Value {
    json!({ "error": { "code": code.to_string(), "message": message } })
}

pub(super) fn bundle(bundle: &Bundle) -> Value {
    let packages = bundle
        .packages
        .iter()
        .map(|package| json!({ "name": package.name, "version": package.version, "bytes": package.bytes }));
    let warnings =
        bundle.warnings.iter().map(|warning| json!({ "code": warning.code, "message": warning.message }));
    json!({
        "zipPath": bundle.zip_path.to_string_lossy(),
        "sha256": bundle.sha256,
        "zipBytes": bundle.zip_bytes,
        "unzippedBytes": bundle.unzipped_bytes,
        "files": bundle.files,
        "packages": packages.collect::<Vec<_>>(),
        "python": bundle.python,
        "notCompiled": bundle.not_compiled,
        "warnings": warnings.collect::<Vec<_>>(),
        "reused": bundle.reused,
        "seconds": bundle.elapsed.as_secs_f64(),
    })
}

pub(super) fn explanation(explanation: &Explanation) -> Value {
    json!(explanation)
}

pub(super) fn pushed(remote: &RemoteStore) -> Value {
    let remote::Statistics { sent, bytes_sent, .. } = remote.statistics();
    object([
        ("remoteCache", json!(remote.settings().address.to_string())),
        ("writtenEntries", json!(sent)),
        ("writtenBytes", json!(bytes_sent)),
    ])
}

pub(super) fn pruned(Pruned { entries, bytes }: Pruned) -> Value {
    object([("removedBytes", json!(bytes)), ("removedEntries", json!(entries))])
}

pub(super) fn cache(folder: &Path, pruned: Option<Pruned>, usage: Usage, statistics: &Statistics) -> Value {
    object([
        ("path", json!(folder.to_string_lossy())),
        ("bytes", json!(usage.bytes)),
        ("bundles", json!(usage.bundles)),
        ("packages", json!(usage.packages)),
        ("removedBytes", json!(pruned.map(|pruned| pruned.bytes))),
        ("removedEntries", json!(pruned.map(|pruned| pruned.entries))),
        ("statistics", json!(statistics)),
    ])
}

pub(super) fn verification(verification: &Verification) -> Value {
    let Verification {
        first,
        second_sha256,
        second_cache,
        difference: found,
        differing_files,
        remote_entries,
        elapsed,
    } = verification;
    let reason = second_cache.reason_not_cold();
    object([
        ("same", found.is_none().into()),
        ("sha256", first.sha256.as_str().into()),
        ("secondSha256", second_sha256.as_str().into()),
        ("zipBytes", first.zip_bytes.into()),
        ("files", first.files.into()),
        ("python", first.python.as_str().into()),
        ("coldCache", reason.is_none().into()),
        ("coldCacheReason", reason.into()),
        ("difference", found.as_ref().map(difference).into()),
        ("differingFiles", differing_files.as_slice().into()),
        ("remoteEntries", json!(remote_entries)),
        ("seconds", elapsed.as_secs_f64().into()),
    ])
}

fn difference(difference: &Difference) -> Value {
    let message = ("message", difference.to_string().into());
    match difference {
        Difference::Contents { entry, offset, first, second } => object([
            ("kind", "contents".into()),
            ("entry", entry.as_str().into()),
            ("offset", (*offset).into()),
            ("first", (*first).into()),
            ("second", (*second).into()),
            message,
        ]),
        Difference::OnlyInFirst { entry } => {
            object([("kind", "onlyInFirst".into()), ("entry", entry.as_str().into()), message])
        }
        Difference::OnlyInSecond { entry } => {
            object([("kind", "onlyInSecond".into()), ("entry", entry.as_str().into()), message])
        }
        Difference::Container { entry, .. } => {
            object([("kind", "container".into()), ("entry", entry.as_deref().into()), message])
        }
    }
}

pub(super) fn diff(diff: &Diff) -> Value {
    let packages = diff.packages.iter().map(|PackageChange { name, before, after }| {
        object([
            ("name", name.as_str().into()),
            ("before", before.as_deref().into()),
            ("after", after.as_deref().into()),
        ])
    });
    let files = diff.files.iter().map(|FileChange { path, before, after }| {
        object([("path", path.as_str().into()), ("before", (*before).into()), ("after", (*after).into())])
    });
    object([
        ("identical", diff.is_identical().into()),
        ("before", side(&diff.before)),
        ("after", side(&diff.after)),
        ("packages", packages.collect()),
        ("files", files.collect()),
        ("container", diff.container().into()),
    ])
}

fn side(side: &Side) -> Value {
    json!({
        "sha256": side.sha256,
        "zipBytes": side.zip_bytes,
        "unzippedBytes": side.unzipped_bytes,
        "files": side.files,
    })
}
