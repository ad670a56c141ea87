//! Which files are a local package's own, and the clean copy of them that uv works on.
//!
//! Build backends write into the tree they build (`*.egg-info`, `build/`) and ship what they find
//! there (stale `build/lib`, `.env`). So they get a copy, made anew each time, of what git would
//! track.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;

use super::application::{Application, Aside};
use super::patterns::Patterns;
use super::{LocalPackage, LockedPackage, Project, ProjectError, Reach, Shipping, Source, history};
use crate::support::file_listing::slash_separated;

/// A source file of a local package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it lies on disk.
    pub path: PathBuf,
    /// Its path inside the package's folder, with `/` between the parts.
    pub relative: String,
}

/// What a local package is made of.
#[derive(Debug, Default)]
pub struct Sources {
    /// Its files, sorted by path: what is copied and built, and what its hash is of.
    pub files: Vec<SourceFile>,
    /// The files that git would track and that are left out.
    pub left_out: Vec<(SourceFile, LeftOut)>,
}

/// Why a file that git would track is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// It lies in an application's folder, and is not the application.
    Aside(Aside),
    /// A pattern of `exclude` takes it.
    Excluded {
        /// The pattern.
        pattern: String,
    },
}

/// Which files git's rules are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    /// What git ignores is no source, and no more is what build backends leave beside `pyproject.toml`.
    Git,
    /// Everything may be a source but what never is.
    None,
}

/// Names that are never a package's own, whatever `.gitignore` or the option `include` says: the
/// repository's own data, what tools leave behind, and files in which secrets are kept.
const NEVER_SOURCE: &[&str] = &[
    // Our own executable, in a workspace that was copied into a container.
    ".uv-lambda-cdk",
    // What it is handed there: credentials.
    ".uv-lambda-cdk-handover",
    ".git",
    ".hg",
    ".svn",
    ".venv",
    ".env",
    ".envrc",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".npmrc",
    ".DS_Store",
    "Thumbs.db",
    "__pycache__",
    "node_modules",
    "cdk.out",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".nox",
    ".idea",
    ".vscode",
];

/// Folders that build backends write beside `pyproject.toml`.
const BUILD_FOLDERS: &[&str] = &["build", "dist"];

/// The files of the package in `folder`, sorted by path: what git would track, less what is never
/// source, less the folders of other packages (`nested`) that lie inside.
pub fn source_files(folder: &Path, nested: &[PathBuf]) -> io::Result<Vec<SourceFile>> {
    let within_repository = walk(repository_root(folder), folder, nested, Rules::Git)?;
    if within_repository.is_empty() {
        // The whole folder is ignored, yet the project names it as a package: its own rules decide.
        return walk(folder, folder, nested, Rules::Git);
    }
    Ok(within_repository)
}

impl Project {
    /// The files of a local package that ships: one list for what is copied, built and hashed.
    pub fn sources(&self, package: &LocalPackage) -> Result<Sources, ProjectError> {
        let is_member = package.name == self.member;
        let mut nested = self.folders_inside(&package.folder);
        let mut sources = Sources::default();
        match (package.shipping, &self.script) {
            (Shipping::Copy, Some(name)) if is_member => {
                nested.extend(self.archives_inside(&package.folder));
                let path = package.folder.join(name);
                sources.files = vec![SourceFile { path, relative: name.clone() }];
            }
            (Shipping::Wheel, _) => sources.files = source_files(&package.folder, &nested)?,
            (Shipping::Copy, _) => {
                nested.extend(self.archives_inside(&package.folder));
                let files = source_files(&package.folder, &nested)?;
                let handler = self.handler.as_deref().filter(|_| is_member);
                let names = files.iter().map(|file| file.relative.as_str());
                let application = Application::new(names, handler);
                for file in files {
                    match application.aside(&file.relative, &file.path) {
                        None => sources.files.push(file),
                        Some(aside) => sources.left_out.push((file, LeftOut::Aside(aside))),
                    }
                }
            }
        }
        if is_member {
            self.include(package, &nested, &mut sources)?;
            self.exclude(package, &mut sources)?;
        }
        Ok(sources)
    }

    /// Brings back what the patterns of `include` name.
    fn include(
        &self,
        package: &LocalPackage,
        nested: &[PathBuf],
        sources: &mut Sources,
    ) -> Result<(), ProjectError> {
        let mut patterns = Patterns::new(&self.choice.include);
        if patterns.is_empty() {
            return Ok(());
        }
        let known: BTreeSet<String> = sources.files.iter().map(|file| file.relative.clone()).collect();
        for file in walk(&package.folder, &package.folder, nested, Rules::None)? {
            if patterns.taking(&file.relative).is_some() && !known.contains(&file.relative) {
                sources.left_out.retain(|(other, _)| *other != file);
                sources.files.push(file);
            }
        }
        sources.files.sort_by(|left, right| left.relative.cmp(&right.relative));
        match patterns.without_match().next() {
            None => Ok(()),
            Some(pattern) if parts(pattern).any(is_never_source_name) => Err(self.nothing_matches(
                package,
                "include",
                pattern,
                ". Repositories, environments, caches and files that hold secrets, such as `.env`, never ship: give a function its secrets in other ways",
            )),
            Some(pattern) => Err(self.nothing_matches(package, "include", pattern, "")),
        }
    }

    /// Leaves out what the patterns of `exclude` name.
    fn exclude(&self, package: &LocalPackage, sources: &mut Sources) -> Result<(), ProjectError> {
        let mut patterns = Patterns::new(&self.choice.exclude);
        if patterns.is_empty() {
            return Ok(());
        }
        for (file, _) in &sources.left_out {
            // Left out already, so the pattern is right, if not needed.
            patterns.taking(&file.relative);
        }
        let mut excluded = Vec::new();
        for file in std::mem::take(&mut sources.files) {
            match patterns.taking(&file.relative).map(str::to_owned) {
                // Without its manifest a package is none.
                Some(pattern) if file.relative != "pyproject.toml" => excluded.push((file, pattern)),
                _ => sources.files.push(file),
            }
        }
        // What never ships is left out on every machine, also on those that do not have it.
        if let Some(pattern) = patterns.without_match().find(|pattern| !names_what_is_left_out(pattern)) {
            return Err(self.nothing_matches(package, "exclude", pattern, ""));
        }
        self.check_handler_is_kept(&sources.files, &excluded)?;
        sources
            .left_out
            .extend(excluded.into_iter().map(|(file, pattern)| (file, LeftOut::Excluded { pattern })));
        Ok(())
    }

    /// Says at once that a pattern takes the handler's module. Where another file may be that module, the check of
    /// the bundle decides.
    fn check_handler_is_kept(
        &self,
        kept: &[SourceFile],
        excluded: &[(SourceFile, String)],
    ) -> Result<(), ProjectError> {
        let Some((handler, (module, _))) =
            self.handler.as_ref().and_then(|handler| Some((handler, handler.rsplit_once('.')?)))
        else {
            return Ok(());
        };
        let module = module.replace('.', "/");
        let is_module = |file: &SourceFile| {
            [format!("/{module}.py"), format!("/{module}/__init__.py")]
                .iter()
                .any(|end| format!("/{}", file.relative).ends_with(end))
        };
        match excluded.iter().find(|(file, _)| is_module(file)) {
            Some((file, pattern)) if !kept.iter().any(is_module) => Err(ProjectError::ExcludesHandler {
                handler: handler.clone(),
                file: file.relative.clone(),
                pattern: pattern.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn nothing_matches(
        &self,
        package: &LocalPackage,
        option: &'static str,
        pattern: &str,
        because: &'static str,
    ) -> ProjectError {
        ProjectError::NothingMatches {
            option,
            pattern: pattern.to_owned(),
            member: self.member.clone(),
            folder: package.folder.clone(),
            because,
        }
    }

    /// Whether a pattern of `include` names a file, by its path in the package's folder.
    pub fn includes(&self, package: &LocalPackage, path: &str) -> bool {
        package.name == self.member && Patterns::new(&self.choice.include).taking(path).is_some()
    }

    /// What the lock finds by path inside of `folder`: archives and folders of them, which are nobody's files.
    pub fn archives_inside(&self, folder: &Path) -> Vec<PathBuf> {
        let references = path_references(self).into_iter();
        references.filter(|path| path != folder && path.starts_with(folder)).collect()
    }
}

/// Whether a pattern is about what is left out anyway, on every machine, by the names in it.
fn names_what_is_left_out(pattern: &str) -> bool {
    parts(pattern).any(|part| {
        is_never_source_name(part)
            || BUILD_FOLDERS.contains(&part)
            // As other tools' lists have them.
            || ["*.py[cod]", "*.py[co]", ".env*", "venv", "env"].contains(&part)
    })
}

/// What stands between the slashes of a pattern.
fn parts(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.trim_start_matches('!').split('/').map(str::trim).filter(|part| !part.is_empty())
}

/// The folder whose `.gitignore` is the first that counts: the top of the git repository or,
/// outside of one, the folder itself. The rules of folders above do not belong to the project.
fn repository_root(folder: &Path) -> &Path {
    folder.ancestors().find(|ancestor| ancestor.join(".git").exists()).unwrap_or(folder)
}

fn walk(top: &Path, folder: &Path, nested: &[PathBuf], rules: Rules) -> io::Result<Vec<SourceFile>> {
    let package = folder.to_path_buf();
    let nested = nested.to_vec();
    let mut walk = WalkBuilder::new(top);
    // Only rules that are part of the project count: a global gitignore or `.git/info/exclude`
    // would make the bundle depend on the machine.
    walk.hidden(false)
        .ignore(false)
        .git_ignore(rules == Rules::Git)
        .git_global(false)
        .git_exclude(false)
        .parents(false)
        .require_git(false)
        .follow_links(true)
        .filter_entry(move |entry| {
            let path = entry.path();
            let Ok(within) = path.strip_prefix(&package) else { return package.starts_with(path) };
            let is_left_out = nested.iter().any(|other| other == path)
                || is_never_source(path, within)
                || (rules == Rules::Git && is_build_folder(path, within));
            !is_left_out
        });
    let mut files = Vec::new();
    for entry in walk.build() {
        let entry = match entry {
            Ok(entry) => entry,
            // A dangling link, or one into its own parents, is no source file.
            Err(error) if is_broken_link(&error) => continue,
            Err(error) => {
                return Err(error.into_io_error().unwrap_or_else(|| io::Error::other("walk failed")));
            }
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(within) = entry.path().strip_prefix(folder) else { continue };
        files.push(SourceFile { relative: slash_separated(within)?, path: entry.into_path() });
    }
    files.sort_by(|left, right| left.relative.cmp(&right.relative));
    Ok(files)
}

fn is_never_source(path: &Path, within: &Path) -> bool {
    let Some(name) = within.file_name().and_then(OsStr::to_str) else { return false };
    // A virtual environment may have any name.
    is_never_source_name(name) || path.join("pyvenv.cfg").exists()
}

fn is_never_source_name(name: &str) -> bool {
    let ending = Path::new(name).extension();
    NEVER_SOURCE.contains(&name)
        || name.starts_with(".env.")
        || ending.is_some_and(|ending| ending == "pyc" || ending == "pyo" || ending == "egg-info")
}

fn is_build_folder(path: &Path, within: &Path) -> bool {
    let beside_pyproject = within.components().count() == 1;
    beside_pyproject
        && BUILD_FOLDERS.iter().any(|name| within == Path::new(name))
        && path.is_dir()
        && !path.join("__init__.py").exists()
}

fn is_broken_link(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::Loop { .. } => true,
        ignore::Error::WithPath { err, .. } | ignore::Error::WithDepth { err, .. } => is_broken_link(err),
        ignore::Error::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

/// The copy of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// The copy's root.
    pub root: PathBuf,
    /// The root of which it is the copy.
    original: PathBuf,
    /// Files in the copy that are there for the caller's commands alone.
    left_out: Vec<PathBuf>,
}

impl Staged {
    /// Removes what the caller's commands may have needed and what is left out of the bundle.
    pub fn remove_left_out(&self) -> Result<(), ProjectError> {
        for file in &self.left_out {
            // The commands may have removed it themselves.
            if file.exists() {
                fs_err::remove_file(file)?;
            }
        }
        Ok(())
    }

    /// The copy of a local folder, at the same place relative to the copy's root.
    pub fn copy_of(&self, folder: &Path) -> PathBuf {
        let mut pairs = self.original.ancestors().zip(self.root.ancestors());
        pairs
            .find_map(|(outer, copy)| Some(copy.join(folder.strip_prefix(outer).ok()?)))
            // A package on another drive has no copy: it is taken where it lies.
            .unwrap_or_else(|| folder.to_path_buf())
    }
}

/// What uv reads, beside the lock. In the copy whether or not it ships.
const MANIFESTS: &[&str] = &["pyproject.toml", "uv.toml", super::LOCKFILE];

/// Copies what a bundle needs of the workspace below `into`: the manifests, the sources of the local
/// packages that ship, and what the lock finds by path, all at the same places relative to each other.
pub fn stage(project: &Project, reach: &Reach<'_>, into: &Path) -> Result<Staged, ProjectError> {
    let root = project.root.as_path();
    let folders = project.local_folders();
    let by_path = path_references(project);
    let repositories = repositories_of_versions(reach);
    let top = common_ancestor(
        root,
        folders.iter().chain(&by_path).map(PathBuf::as_path).chain(repositories.iter().copied()),
    );
    let mirror = |path: &Path| into.join(path.strip_prefix(&top).unwrap_or(path));

    for name in ["pyproject.toml", &project.lockfile(), "uv.toml"] {
        copy_if_present(&root.join(name), &mirror(&root.join(name)))?;
    }
    let mut left_out = Vec::new();
    for folder in folders {
        let manifest = folder.join("pyproject.toml");
        let files = match reach.local.iter().find(|package| package.folder == *folder) {
            Some(package) => {
                let sources = project.sources(package)?;
                // What builds the rest may be left out itself: a `package.json`, a `Makefile`.
                if project.has_commands && package.name == project.member {
                    for (file, _) in &sources.left_out {
                        let copied = mirror(&file.path);
                        if !MANIFESTS.contains(&file.relative.as_str()) {
                            copy(&file.path, &copied)?;
                            left_out.push(copied);
                        }
                    }
                }
                sources.files
            }
            None if project.manifest_computes_metadata(folder) => {
                source_files(folder, &project.folders_inside(folder))?
            }
            None => Vec::new(),
        };
        for file in files {
            // Build backends read it as well, and would leave out again what `include` brought back.
            if !project.choice.include.is_empty() && file.path.file_name() == Some(OsStr::new(".gitignore")) {
                continue;
            }
            copy(&file.path, &mirror(&file.path))?;
        }
        copy_if_present(&manifest, &mirror(&manifest))?;
    }
    for path in &by_path {
        link_archives(path, &mirror(path))?;
    }
    for repository in &repositories {
        history::lend(repository, &mirror(repository))?;
    }
    Ok(Staged { root: mirror(root), original: root.to_path_buf(), left_out })
}

/// The git repositories from which packages that ship may take their version.
fn repositories_of_versions<'a>(reach: &'a Reach<'_>) -> BTreeSet<&'a Path> {
    reach.local.iter().filter_map(LocalPackage::repository_of_version).collect()
}

impl LocalPackage {
    /// The git repository from which the package may take its version, where it has no other.
    pub fn repository_of_version(&self) -> Option<&Path> {
        let takes =
            self.shipping == Shipping::Wheel && is_dynamic(&self.folder.join("pyproject.toml"), &["version"]);
        takes.then(|| repository_root(&self.folder)).filter(|repository| repository.join(".git").exists())
    }
}

/// The archives, and the folders of archives, in which the lock finds packages by path.
pub(super) fn path_references(project: &Project) -> Vec<PathBuf> {
    project.lock.packages().iter().filter_map(|package| path_reference(&project.root, package)).collect()
}

/// The archive, or the folder of archives, that a package of the lock is found in by path.
fn path_reference(root: &Path, package: &LockedPackage) -> Option<PathBuf> {
    let path = match &package.source {
        Source::Path(path) => path,
        Source::Registry(location) if !location.contains("://") => location,
        _ => return None,
    };
    dunce::canonicalize(root.join(path)).ok()
}

pub(super) fn common_ancestor<'a>(root: &'a Path, others: impl Iterator<Item = &'a Path>) -> PathBuf {
    others.fold(root.to_path_buf(), |common, other| {
        common
            .components()
            .zip(other.components())
            .take_while(|(left, right)| left == right)
            .map(|(part, _): (Component<'_>, _)| part)
            .collect()
    })
}

/// Whether uv must run the build backend to learn the version or the dependencies of a package.
pub(super) fn computes_metadata(manifest: &Path) -> bool {
    is_dynamic(manifest, &["version", "dependencies", "optional-dependencies"])
}

/// Whether the build backend, not the manifest, says one of the `fields` of a package.
fn is_dynamic(manifest: &Path, fields: &[&str]) -> bool {
    let Ok(text) = fs_err::read_to_string(manifest) else { return true };
    let Ok(table) = text.parse::<toml::Table>() else { return true };
    let Some(project) = table.get("project").and_then(toml::Value::as_table) else {
        // Without a `[project]` table the backend knows everything; where there is no `[build-system]`
        // either, there is nothing to know.
        return table.contains_key("build-system");
    };
    let dynamic = project.get("dynamic").and_then(toml::Value::as_array);
    dynamic.is_some_and(|dynamic| {
        dynamic.iter().any(|field| field.as_str().is_some_and(|field| fields.contains(&field)))
    })
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs_err::create_dir_all(parent)?;
    }
    // Written, not copied: a copy would keep a read-only mode that the build backend stumbles over.
    fs_err::write(to, fs_err::read(from)?)
}

fn copy_if_present(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_file() { copy(from, to) } else { Ok(()) }
}

/// Archives are only read, so a link is as good as a copy. Not a hard one: that would count as a change
/// of the user's file.
fn link_archives(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        for entry in fs_err::read_dir(from)? {
            let entry = entry?;
            if entry.path().is_file() {
                link_archives(&entry.path(), &to.join(entry.file_name()))?;
            }
        }
        return Ok(());
    }
    if to.exists() {
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs_err::create_dir_all(parent)?;
    }
    #[cfg(unix)]
    return fs_err::os::unix::fs::symlink(from, to);
    // Elsewhere a link needs a privilege.
    #[cfg(not(unix))]
    return fs_err::copy(from, to).map(drop);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, contents) in files {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, contents).unwrap();
        }
        folder
    }

    fn names(folder: &Path, nested: &[PathBuf]) -> Vec<String> {
        source_files(folder, nested).unwrap().into_iter().map(|file| file.relative).collect()
    }

    #[test]
    fn junk_and_what_git_ignores_are_no_source() {
        let folder = tree(&[
            ("pyproject.toml", ""),
            ("src/app/__init__.py", ""),
            ("src/app/build/keep.py", ""),
            ("src/app/data with space/ü.txt", ""),
            ("src/app/__pycache__/x.cpython-313.pyc", ""),
            ("src/app.egg-info/PKG-INFO", ""),
            ("build/lib/app/old.py", ""),
            ("environment/pyvenv.cfg", ""),
            ("environment/lib/x.py", ""),
            (".env", "SECRET"),
            (".env.local", "SECRET"),
            ("src/app/.netrc", "SECRET"),
            (".pypirc", "SECRET"),
            (".envrc", "SECRET"),
            (".DS_Store", ""),
            (".gitignore", "*.log\n/generated/\n"),
            ("run.log", ""),
            ("generated/x.py", ""),
        ]);
        assert_eq!(
            names(folder.path(), &[]),
            [
                ".gitignore",
                "pyproject.toml",
                "src/app/__init__.py",
                "src/app/build/keep.py",
                "src/app/data with space/ü.txt"
            ]
        );
    }

    #[test]
    fn the_repository_rules_above_the_package_count_and_those_above_the_repository_do_not() {
        let folder = tree(&[
            (".gitignore", "*.py\n"),
            ("repository/.git/HEAD", ""),
            ("repository/.gitignore", "*.secret\n"),
            ("repository/packages/app/main.py", ""),
            ("repository/packages/app/key.secret", ""),
        ]);
        assert_eq!(names(&folder.path().join("repository/packages/app"), &[]), ["main.py"]);
    }

    #[test]
    fn a_package_in_an_ignored_folder_is_still_a_package() {
        let folder = tree(&[(".git/HEAD", ""), (".gitignore", "vendor/\n"), ("vendor/app/main.py", "")]);
        assert_eq!(names(&folder.path().join("vendor/app"), &[]), ["main.py"]);
    }

    #[test]
    fn nested_packages_are_not_the_outer_packages_own() {
        let folder = tree(&[("main.py", ""), ("packages/inner/pyproject.toml", "")]);
        assert_eq!(names(folder.path(), &[folder.path().join("packages/inner")]), ["main.py"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_broken_ones_passed_over() {
        let folder = tree(&[("shared/x.py", ""), ("app/main.py", "")]);
        let app = folder.path().join("app");
        std::os::unix::fs::symlink("../shared", app.join("shared")).unwrap();
        std::os::unix::fs::symlink("nowhere", app.join("dangling")).unwrap();
        std::os::unix::fs::symlink("..", app.join("circle")).unwrap();
        let names = names(&app, &[]);
        assert!(
            names.contains(&"shared/x.py".to_owned()) && names.contains(&"main.py".to_owned()),
            "{names:?}"
        );
        assert!(!names.iter().any(|name| name.contains("dangling")), "{names:?}");
    }

    #[test]
    fn metadata_is_computed_where_the_manifest_leaves_it_open() {
        let folder = tree(&[
            ("static.toml", "[project]\nname = 'a'\ndynamic = ['readme']\n[build-system]"),
            ("dynamic.toml", "[project]\nname = 'a'\ndynamic = ['dependencies']"),
            ("legacy.toml", "[build-system]\nrequires = ['setuptools']"),
            ("virtual.toml", "[tool.uv.workspace]\nmembers = []"),
        ]);
        let computed = |name: &str| computes_metadata(&folder.path().join(name));
        assert!(!computed("static.toml") && !computed("virtual.toml"));
        assert!(computed("dynamic.toml") && computed("legacy.toml"));
    }
}
