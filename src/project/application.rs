//! What lies in the folder of an application and is not the application.
//!
//! An application without a build system has no list of its files: its folder is the list. So a few things are left out of
//! it, and those only where it is certain from their name and place, or from what they hold, that a running function
//! does not read them; the rest ships. `include` brings each of them back.

use std::path::Path;

/// Why a file is not the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aside {
    /// pytest would collect tests from it, or it lies among tests.
    Test,
    /// It is about the project, for people and for tools.
    AboutTheProject,
    /// It is of a CDK app.
    Infrastructure,
}

/// Folders of tests, at the top: deeper ones may be anybody's.
const TEST_FOLDERS: &[&str] = &["tests", "test"];

/// Files at the top by which tools know a folder as theirs, in lower case.
const FILES_OF_TOOLS: &[&str] = &[
    "pyproject.toml",
    "uv.lock",
    "uv.toml",
    "pytest.ini",
    "tox.ini",
    "dockerfile",
    "makefile",
    "justfile",
    "package.json",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "tsconfig.json",
];

/// Documents at the top, in lower case and without their ending.
const DOCUMENTS: &[&str] = &["readme", "changelog", "contributing", "license", "licence"];

/// Endings of documents.
const ENDINGS_OF_DOCUMENTS: &[&str] = &["", ".md", ".rst", ".txt"];

/// The file at the top of a CDK app.
const CDK_MANIFEST: &str = "cdk.json";

/// What has to be known of an application to tell what belongs to it.
#[derive(Debug, Default)]
pub(super) struct Application {
    /// The folders of CDK apps, each as a path with `/` at its end; that of the application itself is empty.
    cdk_apps: Vec<String>,
    /// The first part of the handler's module: what it names at the top is the application, whatever it looks like.
    handler: Option<String>,
}

impl Application {
    /// Looks at the files of an application, and at its handler.
    pub fn new<'a>(files: impl Iterator<Item = &'a str>, handler: Option<&str>) -> Self {
        let cdk_apps = files.filter_map(|file| file.strip_suffix(CDK_MANIFEST));
        let cdk_apps =
            cdk_apps.filter(|folder| folder.is_empty() || folder.ends_with('/')).map(str::to_owned);
        let handler = handler.and_then(|handler| handler.split(['.', '/']).next()).map(str::to_owned);
        Self { cdk_apps: cdk_apps.collect(), handler }
    }

    /// Why the file at `path` in the application's folder, on disk at `file`, is not the application; `None` where it is.
    pub fn aside(&self, path: &str, file: &Path) -> Option<Aside> {
        let (top, is_at_top) = path.split_once('/').map_or((path, true), |(top, _)| (top, false));
        if self
            .handler
            .as_deref()
            .is_some_and(|handler| top == handler || top.strip_suffix(".py") == Some(handler))
        {
            return None;
        }
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        if self.is_infrastructure(path) {
            return Some(Aside::Infrastructure);
        }
        if top.starts_with('.') || name == ".gitignore" || (is_at_top && is_about_the_project(name)) {
            return Some(Aside::AboutTheProject);
        }
        let is_test = (!is_at_top && TEST_FOLDERS.contains(&top))
            || name == "conftest.py"
            || (is_named_as_a_test(name) && holds_tests(file));
        is_test.then_some(Aside::Test)
    }

    /// A folder with a `cdk.json` is a CDK app. Where it is the application's own folder, Python files cannot be told
    /// apart, and those in TypeScript can.
    fn is_infrastructure(&self, path: &str) -> bool {
        self.cdk_apps.iter().any(|folder| {
            if folder.is_empty() {
                path == CDK_MANIFEST || path == "cdk.context.json" || path.ends_with(".ts")
            } else {
                path.starts_with(folder)
            }
        })
    }
}

fn is_about_the_project(name: &str) -> bool {
    let name = name.to_lowercase();
    FILES_OF_TOOLS.contains(&name.as_str())
        || DOCUMENTS.iter().any(|document| {
            name.strip_prefix(document).is_some_and(|ending| ENDINGS_OF_DOCUMENTS.contains(&ending))
        })
}

/// pytest's rule of which files to look into.
fn is_named_as_a_test(name: &str) -> bool {
    name.strip_suffix(".py").is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test"))
}

/// pytest's rule of what a test is, and unittest's. The name alone would take an `ab_test.py` that the application needs.
fn holds_tests(file: &Path) -> bool {
    let Ok(text) = fs_err::read_to_string(file) else { return false };
    text.lines().map(str::trim_start).any(|line| {
        ["def test", "async def test", "class Test"].iter().any(|start| line.starts_with(start))
            || (line.starts_with("class ") && line.contains("TestCase)"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aside(files: &[&str], handler: Option<&str>, path: &str) -> Option<Aside> {
        Application::new(files.iter().copied(), handler).aside(path, Path::new("/nonexistent"))
    }

    #[test]
    fn what_is_about_the_project_is_not_the_application() {
        for path in
            ["README.md", "LICENSE", "uv.lock", "Dockerfile", ".github/workflows/ci.yml", "data/.gitignore"]
        {
            assert_eq!(aside(&[], None, path), Some(Aside::AboutTheProject), "{path}");
        }
        for path in
            ["main.py", "data/README.md", "static/.well-known/x", "readme_template.md", "data/package.json"]
        {
            assert_eq!(aside(&[], None, path), None, "{path}");
        }
    }

    #[test]
    fn tests_at_the_top_are_not_the_application_unless_the_handler_is_there() {
        for path in ["tests/data.json", "test/x.py", "app/conftest.py"] {
            assert_eq!(aside(&[], None, path), Some(Aside::Test), "{path}");
        }
        assert_eq!(aside(&[], None, "app/tests/data.json"), None);
        assert_eq!(aside(&[], Some("tests.canary.handler"), "tests/data.json"), None);
    }

    #[test]
    fn a_file_named_as_a_test_is_one_where_it_holds_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.py");
        let application = Application::new(std::iter::empty(), Some("test_canary.handler"));
        let aside = |path: &str, text: &str| {
            fs_err::write(&file, text).unwrap();
            application.aside(path, &file)
        };
        assert_eq!(aside("app/test_main.py", "def test_it():\n    pass\n"), Some(Aside::Test));
        assert_eq!(aside("main_test.py", "class Main(unittest.TestCase):\n"), Some(Aside::Test));
        assert_eq!(aside("ab_test.py", "def choose():\n    pass\n"), None);
        assert_eq!(aside("main.py", "def test_it():\n    pass\n"), None);
        assert_eq!(aside("test_canary.py", "def test_it():\n    pass\n"), None);
    }

    #[test]
    fn a_cdk_app_is_not_the_application() {
        let files = ["cdk.json", "main.py"];
        assert_eq!(aside(&files, None, "cdk.json"), Some(Aside::Infrastructure));
        assert_eq!(aside(&files, None, "lib/stack.ts"), Some(Aside::Infrastructure));
        assert_eq!(aside(&files, None, "main.py"), None);
        let files = ["infrastructure/cdk.json", "main.py"];
        assert_eq!(aside(&files, None, "infrastructure/app.py"), Some(Aside::Infrastructure));
        assert_eq!(aside(&files, None, "data/video.ts"), None);
        assert_eq!(aside(&["data/not_cdk.json"], None, "data/x"), None);
    }
}
