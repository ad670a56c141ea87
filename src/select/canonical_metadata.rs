//! The metadata of installed packages (`*.dist-info`), in a form that depends on the packages alone.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::{Package, SelectError};
use crate::archive::Contents;
use crate::install::Origin;
use crate::plan::Shipping;
use crate::secrets::remove_credentials;
use crate::support::wheel_metadata::{Row, header, record};
use crate::workspace::normalize_name;

/// Rewrites the metadata among `entries` and returns the packages.
///
/// `RECORD` lists the files that ship, sorted. The `WHEEL` of a package that was built here loses the version of the tool
/// that built it: the lock does not fix that tool, so two machines may have two versions of it.
pub(super) fn canonicalize(
    entries: &mut BTreeMap<String, Contents>,
    origin: &Origin<'_>,
) -> Result<Vec<Package>, SelectError> {
    let folders: Vec<String> = entries
        .keys()
        .filter_map(|path| path.strip_suffix("/METADATA"))
        .filter(|folder| folder.ends_with(".dist-info") && !folder.contains('/'))
        .map(str::to_owned)
        .collect();
    let mut packages = Vec::new();
    if let Origin::Local { name, version, shipping: Shipping::Copy } = origin {
        packages.push(Package {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            files: entries.keys().cloned().collect(),
        });
    }
    for folder in folders {
        if matches!(origin, Origin::Local { .. } | Origin::Source { .. }) {
            forget_generator_version(entries, &format!("{folder}/WHEEL"))?;
        }
        let path = format!("{folder}/METADATA");
        let original = read_text(entries, &path)?;
        let metadata = without_credentials(&original);
        if metadata != original {
            entries.insert(path, Contents::Bytes(metadata.clone().into_bytes()));
        }
        let files = rewrite_record(entries, &folder)?;
        packages.push(Package {
            name: normalize_name(header(&metadata, "Name").unwrap_or_default()),
            version: header(&metadata, "Version").unwrap_or_default().to_owned(),
            files,
        });
    }
    Ok(packages)
}

/// The metadata without the credentials in the addresses of its dependencies: a build backend copies those from the
/// manifest (`name @ https://user:password@...`), or puts a variable of the environment there.
fn without_credentials(metadata: &str) -> String {
    // After the empty line comes a description, whose addresses are examples.
    let (fields, description) = metadata.split_at(metadata.find("\n\n").unwrap_or(metadata.len()));
    let lines = fields.split_inclusive('\n').map(|line| {
        if line.starts_with("Requires-Dist:") { remove_credentials(line) } else { line.to_owned() }
    });
    lines.chain([description.to_owned()]).collect()
}

fn read_text(entries: &BTreeMap<String, Contents>, path: &str) -> Result<String, SelectError> {
    let Some(contents) = entries.get(path) else { return Ok(String::new()) };
    String::from_utf8(contents.read()?.into_owned())
        .map_err(|error| SelectError::BadMetadata { path: path.to_owned(), problem: error.to_string() })
}

fn forget_generator_version(entries: &mut BTreeMap<String, Contents>, path: &str) -> Result<(), SelectError> {
    let text = read_text(entries, path)?;
    let lines: String = text
        .lines()
        .map(|line| match line.strip_prefix("Generator:") {
            Some(generator) => {
                let tool = generator.split_whitespace().next().unwrap_or_default();
                format!("Generator: {tool}\n")
            }
            None => format!("{line}\n"),
        })
        .collect();
    entries.insert(path.to_owned(), Contents::Bytes(lines.into_bytes()));
    Ok(())
}

/// Writes `RECORD` anew and returns the files that it lists.
fn rewrite_record(
    entries: &mut BTreeMap<String, Contents>,
    folder: &str,
) -> Result<Vec<String>, SelectError> {
    let path = format!("{folder}/RECORD");
    let bad = |problem: String| SelectError::BadMetadata { path: path.clone(), problem };
    let original = read_text(entries, &path)?;
    let mut rows: BTreeMap<String, (String, String)> = BTreeMap::new();
    for row in record(&original) {
        let Row { path, digest, size } = row.map_err(|error| bad(error.to_string()))?;
        let Some(contents) = entries.get(&path) else { continue };
        let now = match contents {
            // Written by the pipeline, so the row of the wheel is out of date.
            Contents::Bytes(bytes) => {
                (format!("sha256={}", URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))), bytes.len().to_string())
            }
            Contents::File { .. } | Contents::Piece(_) => (digest, size),
        };
        rows.insert(path, now);
    }
    rows.insert(path.clone(), (String::new(), String::new()));

    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    for (name, (digest, size)) in &rows {
        writer.write_record([name, digest, size]).map_err(|error| bad(error.to_string()))?;
    }
    let record = writer.into_inner().map_err(|error| bad(error.to_string()))?;
    entries.insert(path, Contents::Bytes(record));
    Ok(rows.into_keys().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> BTreeMap<String, Contents> {
        let record = "app-1.0.dist-info/WHEEL,sha256=old,9\r\n../../../bin/app,sha256=x,1\r\n\"app/with, comma.py\",sha256=c,3\r\napp/__init__.py,sha256=b,2\r\ngone.py,sha256=d,4\r\napp-1.0.dist-info/RECORD,,\r\n";
        [
            ("app/__init__.py", "# "),
            ("app/with, comma.py", "###"),
            (
                "app-1.0.dist-info/METADATA",
                "Metadata-Version: 2.4\nName: App\nVersion: 1.0\n\nName: not a field\n",
            ),
            (
                "app-1.0.dist-info/WHEEL",
                "Wheel-Version: 1.0\nGenerator: hatchling 1.27.0\nRoot-Is-Purelib: true\n",
            ),
            ("app-1.0.dist-info/RECORD", record),
        ]
        .into_iter()
        .map(|(path, text)| (path.to_owned(), Contents::Bytes(text.into())))
        .collect()
    }

    fn local() -> Origin<'static> {
        Origin::Local { name: "app", version: "", shipping: Shipping::Wheel }
    }

    fn third_party() -> Origin<'static> {
        Origin::ThirdParty { name: "app".to_owned() }
    }

    fn text(entries: &BTreeMap<String, Contents>, path: &str) -> String {
        read_text(entries, path).unwrap()
    }

    #[test]
    fn the_package_is_named_by_its_metadata() {
        let packages = canonicalize(&mut entries(), &third_party()).unwrap();
        assert_eq!((packages[0].name.as_str(), packages[0].version.as_str()), ("app", "1.0"));
    }

    #[test]
    fn the_record_lists_what_ships() {
        let mut entries = entries();
        canonicalize(&mut entries, &third_party()).unwrap();
        let record = text(&entries, "app-1.0.dist-info/RECORD");
        let names: Vec<&str> = record.lines().map(|line| line.split(",sha256").next().unwrap()).collect();
        assert_eq!(
            names,
            [
                "app-1.0.dist-info/RECORD,,",
                "app-1.0.dist-info/WHEEL",
                "app/__init__.py",
                "\"app/with, comma.py\""
            ]
        );
        assert!(!record.contains('\r'));
    }

    #[test]
    fn credentials_in_the_addresses_of_dependencies_do_not_ship() {
        let mut entries = entries();
        let metadata = "Name: App\nRequires-Dist: a @ https://ada:secret@a.test/a.whl ; extra == 'a'\nRequires-Dist: b @ git+ssh://git@b.test/b@v1\n\nhttps://user:password@example.com\nRequires-Dist: c @ https://t@c.test/\n";
        let path = "app-1.0.dist-info/METADATA";
        entries.insert(path.to_owned(), Contents::Bytes(metadata.into()));
        canonicalize(&mut entries, &third_party()).unwrap();
        assert_eq!(text(&entries, path), metadata.replace("ada:secret@", ""));
    }

    #[test]
    fn the_tool_that_built_a_local_package_keeps_its_name_and_loses_its_version() {
        let mut entries = entries();
        canonicalize(&mut entries, &local()).unwrap();
        let wheel = text(&entries, "app-1.0.dist-info/WHEEL");
        assert_eq!(wheel, "Wheel-Version: 1.0\nGenerator: hatchling\nRoot-Is-Purelib: true\n");
    }
}
