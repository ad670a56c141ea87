//! The packages of the lock that are there only as source, and are built on this machine: sdists, git repositories, archives.

use std::collections::BTreeMap;
use std::path::Path;

use crate::request::Request;
use crate::secrets::{percent_decoded, percent_encoded, remove_credentials};
use crate::workspace::Workspace;
use crate::workspace::lockfile::{LockedPackage, Place, Source};

/// A package that is built from its source.
#[derive(Debug)]
pub struct SourcePackage<'a> {
    /// The package.
    pub package: &'a LockedPackage,
    /// The address of the source, as uv takes it: of an archive, or `git+<repository>@<commit>`. The lock has no credentials in it.
    pub address: String,
    /// The hash of the archive in the lock (`sha256:...`), or of the archive itself if it lies on this machine; a commit is its own.
    pub hash: Option<String>,
    /// Names exactly this source on every machine: the hash, or the commit and the folder in the repository. `None` if the lock does
    /// not pin the archive: then the package is never cached.
    pub digest: Option<String>,
    /// The folder of the package in a git repository or an archive; empty for the whole.
    pub subdirectory: String,
    /// The source for people: without credentials, and with the path that the lock has.
    pub label: String,
}

/// The versions to which the build requirements of source packages were resolved (`setuptools==80.9.0`), sorted, by package.
pub type Backends = BTreeMap<String, Vec<String>>;

/// The packages among `packages` that are built from their source.
pub(super) fn source_packages<'a>(
    request: &Request,
    workspace: &Workspace,
    packages: &[&'a LockedPackage],
) -> Vec<SourcePackage<'a>> {
    // Where compiling is allowed, uv builds everything.
    if !request.source_builds || request.native_builds {
        return Vec::new();
    }
    let packages = packages
        .iter()
        .filter(|package| package.is_source_only() && !workspace.build_settings.forbid(&package.name));
    packages.filter_map(|package| source_package(package, &workspace.root)).collect()
}

fn source_package<'a>(package: &'a LockedPackage, root: &Path) -> Option<SourcePackage<'a>> {
    if let Source::Git(location) = &package.source {
        let Git { address, label, subdirectory, commit } = git(location)?;
        let digest = Some(format!("{commit}:{subdirectory}"));
        return Some(SourcePackage { package, address, hash: None, digest, subdirectory, label });
    }
    let archive = package.archive.as_ref()?;
    let hash = archive.digest(root, &package.source);
    let (address, label) = match archive.place(root, &package.source)? {
        Place::Address(address) => (address.clone(), address),
        Place::File { path, label } => (file_address(&path), label),
    };
    let label = remove_credentials(&label);
    let subdirectory =
        address.split_once("#subdirectory=").map(|(_, folder)| folder.to_owned()).unwrap_or_default();
    let digest = hash.as_ref().map(|hash| format!("{hash}:{subdirectory}"));
    Some(SourcePackage { package, address, hash, digest, subdirectory, label })
}

impl SourcePackage<'_> {
    /// The name and the version, for messages: `` `demo` 1.0 ``.
    pub fn described(&self) -> String {
        let version = self.package.version.as_deref().unwrap_or_default();
        format!("`{}` {version}", self.package.name).trim_end().to_owned()
    }

    /// The requirement that uv fetches, as a line of a `requirements.txt`. The lock has no credentials; if one of `texts`, which are
    /// those of the manifests, has the same address with credentials, the line has them too.
    pub fn requirement<'text>(&self, texts: impl IntoIterator<Item = &'text str>) -> String {
        let address = with_credentials(&self.address, texts);
        let hash = self.hash.as_ref().map_or_else(String::new, |hash| format!(" --hash={hash}"));
        format!("{} @ {address}{hash}\n", self.package.name)
    }
}

/// A git repository in the lock: `https://host/repository?subdirectory=a&rev=v1#<commit>`.
struct Git {
    address: String,
    /// The address without credentials.
    label: String,
    subdirectory: String,
    commit: String,
}

fn git(location: &str) -> Option<Git> {
    let (location, commit) = location.rsplit_once('#')?;
    let (repository, query) = location.split_once('?').unwrap_or((location, ""));
    let value = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    let subdirectory = percent_decoded(&value("subdirectory").unwrap_or_default().replace('+', " "));
    let parts: Vec<String> =
        [("subdirectory", subdirectory.as_str()), ("lfs", value("lfs").unwrap_or_default())]
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
    let fragment = if parts.is_empty() { String::new() } else { format!("#{}", parts.join("&")) };
    let at = |repository: &str| format!("git+{repository}@{commit}{fragment}");
    let (address, label) = (at(repository), at(&remove_credentials(repository)));
    Some(Git { address, label, subdirectory, commit: commit.to_owned() })
}

/// The address of a file.
fn file_address(path: &Path) -> String {
    let path = path.to_string_lossy().replace('\\', "/");
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("file://{slash}{}", percent_encoded(&path, "-._~/:"))
}

/// The address with the credentials that the same host and path have in one of the texts.
fn with_credentials<'text>(address: &str, texts: impl IntoIterator<Item = &'text str>) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    // Of a git repository without its commit.
    let place = rest.split(['#', '?']).next().unwrap_or(rest);
    let place = if scheme.starts_with("git+") {
        place.rsplit_once('@').map_or(place, |(place, _)| place)
    } else {
        place
    };
    let scheme_alone = scheme.strip_prefix("git+").unwrap_or(scheme);
    for text in texts {
        let Some((before, other)) = text.split_once("://") else { continue };
        let Some((credentials, other)) = other.split_once('@') else { continue };
        if before.ends_with(scheme_alone) && !credentials.contains('/') && other.starts_with(place) {
            return format!("{scheme}://{credentials}@{rest}");
        }
    }
    address.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::lockfile::tests::lock;

    fn source(package: &str) -> (String, Option<String>, String) {
        let lock = lock(&format!("version = 1\n[[package]]\nname = 'demo'\nversion = '1.0'\n{package}"));
        let source = source_package(&lock.packages()[0], Path::new("/project")).unwrap();
        (source.requirement([]), source.digest, source.label)
    }

    #[test]
    fn each_kind_of_source_is_a_requirement_with_what_pins_it() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            source(
                "source = { registry = 'https://a.test/simple' }\nsdist = { url = 'https://a.test/d-1.tar.gz', hash = 'sha256:1' }"
            ),
            (
                "demo @ https://a.test/d-1.tar.gz --hash=sha256:1\n".to_owned(),
                some("sha256:1:"),
                "https://a.test/d-1.tar.gz".to_owned()
            )
        );
        assert_eq!(
            source("source = { url = 'https://a.test/d.zip' }\nsdist = { hash = 'sha256:1' }").0,
            "demo @ https://a.test/d.zip --hash=sha256:1\n"
        );
        assert_eq!(
            source("source = { git = 'https://a.test/r.git?subdirectory=libs%2Fd&rev=v1#abc' }"),
            (
                "demo @ git+https://a.test/r.git@abc#subdirectory=libs/d\n".to_owned(),
                some("abc:libs/d"),
                "git+https://a.test/r.git@abc#subdirectory=libs/d".to_owned()
            )
        );
    }

    #[cfg(unix)]
    #[test]
    fn an_archive_on_this_machine_is_named_as_the_lock_names_it() {
        assert_eq!(
            source("source = { path = 'vendor/a b.tar.gz' }\nsdist = { hash = 'sha256:1' }"),
            (
                "demo @ file:///project/vendor/a%20b.tar.gz --hash=sha256:1\n".to_owned(),
                Some("sha256:1:".to_owned()),
                "vendor/a b.tar.gz".to_owned()
            )
        );
        let flat = source("source = { registry = 'flat' }\nsdist = { path = 'd.tar.gz', hash = 'sha256:1' }");
        assert_eq!(
            (flat.0.as_str(), flat.2.as_str()),
            ("demo @ file:///project/flat/d.tar.gz --hash=sha256:1\n", "flat/d.tar.gz")
        );
    }

    #[test]
    fn credentials_come_from_the_manifest_that_has_the_same_address() {
        let texts = ["x", "https://ada:secret@other.test/r", "d @ git+https://ada:secret@a.test/r@v1"];
        let found = |address| with_credentials(address, texts);
        assert_eq!(
            found("git+https://a.test/r@abc#subdirectory=d"),
            "git+https://ada:secret@a.test/r@abc#subdirectory=d"
        );
        assert_eq!(found("git+https://b.test/r@abc"), "git+https://b.test/r@abc");
        assert_eq!(found("git+ssh://git@a.test/r@abc"), "git+ssh://git@a.test/r@abc");
    }
}
