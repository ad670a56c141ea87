//! The source files of a local package: those that git would track in its folder, and those outside of it that its manifest names.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{WalkBuilder, WalkState};

use super::git_history::{GIT, repository_of};
use super::manifest::Manifest;
use crate::support::file_listing::slash_separated;
use crate::support::{regular_file, unicode_names};

/// A source file of a local package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it lies on disk.
    pub path: PathBuf,
    /// Its path inside the package's folder, with `/` between the parts.
    pub relative: String,
}

/// Source files, and what their list depends on.
#[derive(Debug, Default)]
pub struct Sources {
    /// The files, sorted by path.
    pub files: Vec<SourceFile>,
    /// Every other path that decides which files these are: folders, rules, and files that were looked for. While none of them
    /// changes, the list is the same.
    pub observed: BTreeSet<PathBuf>,
}

/// Which rules apply to a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Files that git ignores are not sources, nor are the folders that build backends write beside `pyproject.toml`.
    Git,
    /// Every file may be a source, except those of `NEVER_SOURCE`.
    None,
}

/// Names of files and folders that are never sources, whatever `.gitignore` or the option `include` says: data of the repository,
/// files that tools leave behind, and files that hold secrets.
const NEVER_SOURCE: &[&str] = &[
    // Our own executable, in a workspace that was copied into a container.
    ".uv-lambda-cdk",
    // The credentials that it gets there.
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
pub const BUILD_FOLDERS: &[&str] = &["build", "dist"];

/// The files of the package in `folder`, sorted by path: those that git would track, without `NEVER_SOURCE` and without the
/// folders of other packages inside (`nested`).
pub fn source_files(folder: &Path, nested: &[PathBuf]) -> io::Result<Sources> {
    let mut sources = walk(repository_of(folder).unwrap_or(folder), folder, nested, Rules::Git)?;
    if sources.files.is_empty() {
        // git ignores the whole folder, but the project names it as a package: its own `.gitignore` decides.
        let alone = walk(folder, folder, nested, Rules::Git)?;
        sources.files = alone.files;
        sources.observed.extend(alone.observed);
    }
    sources.observed.extend(places_of_repository(folder));
    Ok(sources)
}

/// Brings the names of an application's files to the composed form (NFC), so that they are the same in a bundle from every system,
/// and Python's `import` finds them. Fails if two files then have one name. A package with a build system keeps its names: its
/// manifest may list them.
pub fn with_composed_names(mut files: Vec<SourceFile>) -> io::Result<Vec<SourceFile>> {
    for file in &mut files {
        if let Cow::Owned(name) = unicode_names::composed(&file.relative) {
            file.relative = name;
        }
    }
    files.sort_by(|left, right| left.relative.cmp(&right.relative));
    match files.windows(2).find(|pair| pair[0].relative == pair[1].relative) {
        None => Ok(files),
        Some(pair) => Err(same_name(&pair[0], &pair[1])),
    }
}

/// The files outside of the package in `folder` that its manifest names, sorted by path: every text in the manifest that is an
/// existing path inside the repository (without one, inside the workspace `root`). A build backend may read them. The folders of
/// other `packages` are not among them: the lock has those. But uv wants a manifest in every folder of a member that exists. So if
/// one of these files, or one of `others`, lies in the folder of a package, the manifest of that package is added.
pub fn files_outside<'a>(
    folder: &Path,
    manifest: &Manifest,
    root: &Path,
    packages: impl Iterator<Item = &'a Path>,
    others: &[PathBuf],
) -> io::Result<Sources> {
    let boundary = match repository_of(folder) {
        Some(repository) if root.starts_with(repository) => repository,
        _ => root,
    };
    let packages: Vec<PathBuf> = packages.map(Path::to_path_buf).collect();
    let name = |path: &Path| -> io::Result<String> { slash_separated(&relative_path(folder, path)) };
    let mut files = Vec::new();
    let mut observed = BTreeSet::new();
    for text in manifest.possible_paths() {
        if !may_be_outside(text) {
            continue;
        }
        let Some(path) = outside(folder, text) else {
            observed.insert(folder.join(text));
            continue;
        };
        if !path.starts_with(boundary) {
            continue;
        }
        let is_never = path.strip_prefix(boundary).is_ok_and(|within| {
            within.components().any(|part| part.as_os_str().to_str().is_some_and(is_never_source_name))
        });
        // A folder around the package is named for its git history. Its files would be those of all packages.
        if is_never || folder.starts_with(&path) || packages.contains(&path) {
            continue;
        }
        if path.is_file() {
            files.push(SourceFile { relative: name(&path)?, path });
        } else if path.is_dir() {
            let inside = source_files(&path, &packages)?;
            observed.extend(inside.observed);
            for file in inside.files {
                files.push(SourceFile { relative: name(&file.path)?, path: file.path });
            }
        }
    }
    let around: Vec<&PathBuf> = packages
        .iter()
        .filter(|package| *package != folder)
        .filter(|package| {
            let paths = files.iter().map(|file| &file.path).chain(others);
            folder.starts_with(package) || paths.into_iter().any(|path| path.starts_with(package))
        })
        .collect();
    for package in around {
        let path = package.join("pyproject.toml");
        files.push(SourceFile { relative: name(&path)?, path });
    }
    files.sort_by(|left, right| left.relative.cmp(&right.relative));
    files.dedup();
    Ok(Sources { files, observed })
}

/// Whether a text can be a path outside of a folder. Most texts are not paths, and a lookup of each on disk
/// would take too long.
fn may_be_outside(text: &str) -> bool {
    text.contains("..") || Path::new(text).is_absolute()
}

/// The path that `text` names, seen from `folder`, if it exists and lies outside of the folder.
fn outside(folder: &Path, text: &str) -> Option<PathBuf> {
    let path = folder.join(text);
    // The last part stays as it is: a link there is a file of that name.
    let path = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => dunce::canonicalize(parent).ok()?.join(name),
        _ => dunce::canonicalize(&path).ok()?,
    };
    (path.exists() && !path.starts_with(folder)).then_some(path)
}

/// The path of `to` seen from the folder `from`, both absolute.
fn relative_path(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(left, right)| left == right).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

/// The files below `folder` that pass the rules of all folders from `top` down, sorted by path.
pub fn walk(top: &Path, folder: &Path, nested: &[PathBuf], rules: Rules) -> io::Result<Sources> {
    let package = folder.to_path_buf();
    let nested = nested.to_vec();
    // The crate opens the `.gitignore` of a folder when it enters the folder: at the top at once, elsewhere after the filter.
    let refused: Arc<Mutex<Option<io::Error>>> = Arc::default();
    let refusal = Arc::clone(&refused);
    let may_enter = move |folder: &Path| match check_gitignore(folder) {
        Ok(()) => true,
        Err(error) => {
            refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            false
        }
    };
    if rules == Rules::Git {
        check_gitignore(top)?;
    }
    let mut walk = WalkBuilder::new(top);
    // Only rules that are part of the project apply: a global gitignore or `.git/info/exclude` would make the bundle depend on the
    // machine.
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
            let is_left_out = match path.strip_prefix(&package) {
                Ok(within) => {
                    nested.iter().any(|other| other == path)
                        || is_never_source(path, within)
                        || (rules == Rules::Git && is_build_folder(path, within))
                }
                Err(_) => !package.starts_with(path),
            };
            let opens_rules = rules == Rules::Git && entry.file_type().is_some_and(|kind| kind.is_dir());
            !is_left_out && (!opens_rules || may_enter(path))
        });
    let mut files = Vec::new();
    let mut observed: BTreeSet<PathBuf> =
        BUILD_FOLDERS.iter().map(|name| folder.join(name).join("__init__.py")).collect();
    let (sender, entries) = channel();
    // The parallel walk, on one thread, asks the filter before it opens a folder. The serial one opens every folder beside the package
    // first, so that the work for all packages of a workspace would grow with the square of their number.
    walk.threads(1).build_parallel().run(|| {
        let sender = sender.clone();
        Box::new(move |entry| match sender.send(entry) {
            Ok(()) => WalkState::Continue,
            Err(_) => WalkState::Quit,
        })
    });
    drop(sender);
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            // A dangling link, or a link to a folder around it, is not a source file.
            Err(error) if is_broken_link(&error) => {
                observed.extend(path_of(&error));
                continue;
            }
            Err(error) => {
                return Err(error.into_io_error().unwrap_or_else(|| io::Error::other("walk failed")));
            }
        };
        let kind = entry.file_type();
        let Ok(within) = entry.path().strip_prefix(folder) else {
            // In a folder around the package, only the rules matter.
            observed.insert(entry.path().join(".gitignore"));
            continue;
        };
        if kind.is_some_and(|kind| kind.is_dir()) {
            observed.insert(entry.into_path());
        } else if kind.is_some_and(|kind| kind.is_file()) {
            files.push(SourceFile { relative: slash_separated(within)?, path: entry.into_path() });
        }
    }
    if let Some(error) = refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error);
    }
    files.sort_by(|left, right| left.relative.cmp(&right.relative));
    Ok(Sources { files, observed })
}

/// The places where the search for the repository of `folder` looks.
fn places_of_repository(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let repository = repository_of(folder).map(Path::to_path_buf);
    let around = folder.ancestors().take_while(move |ancestor| match &repository {
        Some(repository) => ancestor.starts_with(repository),
        None => true,
    });
    around.map(|ancestor| ancestor.join(GIT))
}

fn same_name(first: &SourceFile, second: &SourceFile) -> io::Error {
    // The parts of the paths that differ.
    let parts = first.path.components().zip(second.path.components());
    let Some((number, (one, other))) = parts.enumerate().find(|(_, (one, other))| one != other) else {
        return io::ErrorKind::InvalidData.into();
    };
    let folder: PathBuf = first.path.components().take(number).collect();
    let spelled_out = |part: Component<'_>| unicode_names::spelled_out(&part.as_os_str().to_string_lossy());
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "`{}` and `{}` in `{}` are one name in two Unicode forms, of which the bundle can hold one: rename one of them",
            spelled_out(one),
            spelled_out(other),
            folder.display(),
        ),
    )
}

/// Fails if the `.gitignore` in `folder` is a pipe, a device or too large. git accepts that it is missing, or is a folder.
fn check_gitignore(folder: &Path) -> io::Result<()> {
    let path = folder.join(".gitignore");
    match fs_err::metadata(&path) {
        Ok(metadata) if !metadata.is_dir() => regular_file::check_text(&path),
        _ => Ok(()),
    }
}

fn is_never_source(path: &Path, within: &Path) -> bool {
    let Some(name) = within.file_name().and_then(OsStr::to_str) else { return false };
    // A virtual environment may have any name.
    is_never_source_name(name) || path.join("pyvenv.cfg").exists()
}

/// Whether a file or folder of this name is never a source.
pub fn is_never_source_name(name: &str) -> bool {
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

/// The path that a walk failed at.
fn path_of(error: &ignore::Error) -> Option<PathBuf> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path.clone()),
        ignore::Error::WithDepth { err, .. } => path_of(err),
        _ => None,
    }
}

fn is_broken_link(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::Loop { .. } => true,
        ignore::Error::WithPath { err, .. } | ignore::Error::WithDepth { err, .. } => is_broken_link(err),
        ignore::Error::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
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
        source_files(folder, nested).unwrap().files.into_iter().map(|file| file.relative).collect()
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
    fn files_outside_are_those_that_the_manifest_names() {
        let folder = tree(&[
            (".git/HEAD", ""),
            ("VERSION.py", ""),
            ("pyproject.toml", ""),
            (".env", ""),
            ("shared/data.txt", ""),
            ("shared/__pycache__/x.pyc", ""),
            ("packages/app/pyproject.toml", ""),
            ("packages/other/pyproject.toml", ""),
            ("packages/other/VERSION", ""),
        ]);
        let root = dunce::canonicalize(folder.path()).unwrap();
        let manifest = Manifest::parse(Some(
            "[tool.x]\na = '../../VERSION.py'\nb = '../../shared'\nc = ['../../nowhere', '../..', '../other', '../other/VERSION', '../../.env', '/etc/hosts']\n"
                .to_owned(),
        ));
        let packages = [root.join("packages/app"), root.join("packages/other")];
        let files = files_outside(&packages[0], &manifest, &root, packages.iter().map(PathBuf::as_path), &[])
            .unwrap()
            .files;
        let names: Vec<&str> = files.iter().map(|file| file.relative.as_str()).collect();
        assert_eq!(
            names,
            ["../../VERSION.py", "../../shared/data.txt", "../other/VERSION", "../other/pyproject.toml"]
        );
    }
}
