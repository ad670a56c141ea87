//! Application files: which files in the folder of an application do not belong to it.
//!
//! An application without a build system has no list of its files: its folder is the list. A file is left out only if its name, its
//! place or its contents make certain that a running function does not read it. All other files ship. `include` brings each of them
//! back.

use std::path::Path;

/// Why a file does not belong to the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotApplication {
    /// pytest would collect tests from it, or it lies among tests.
    Test,
    /// It is about the project, for people and for tools.
    AboutTheProject,
    /// It belongs to a CDK app.
    Infrastructure,
}

/// Folders of tests, at the top. Deeper folders of these names may be part of the application.
const TEST_FOLDERS: &[&str] = &["tests", "test"];

/// Files of tools at the top, in lower case.
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

/// The facts about an application that decide which files belong to it.
#[derive(Debug, Default)]
pub(super) struct Application {
    /// The folders of CDK apps, each as a path with `/` at its end; that of the application itself is empty.
    cdk_apps: Vec<String>,
    /// The first part of the handler's module. The file or folder of this name at the top always belongs to the application.
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

    /// Why the file at `path` in the application's folder, on disk at `file`, does not belong to it; `None` if it does.
    pub fn why_not(&self, path: &str, file: &Path) -> Option<NotApplication> {
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
            return Some(NotApplication::Infrastructure);
        }
        if top.starts_with('.') || name == ".gitignore" || (is_at_top && is_about_the_project(name)) {
            return Some(NotApplication::AboutTheProject);
        }
        let is_test = (!is_at_top && TEST_FOLDERS.contains(&top))
            || name == "conftest.py"
            || (is_named_as_a_test(name) && holds_tests(file));
        is_test.then_some(NotApplication::Test)
    }

    /// A folder with a `cdk.json` is a CDK app. If it is the application's own folder, only the files in TypeScript
    /// certainly belong to the CDK app.
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

/// pytest's rule of what a test is, and unittest's. By its name alone, an `ab_test.py` of the application would be left out.
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

    fn why_not(files: &[&str], handler: Option<&str>, path: &str) -> Option<NotApplication> {
        Application::new(files.iter().copied(), handler).why_not(path, Path::new("/nonexistent"))
    }

    #[test]
    fn what_is_about_the_project_is_not_the_application() {
        for path in
            ["README.md", "LICENSE", "uv.lock", "Dockerfile", ".github/workflows/ci.yml", "data/.gitignore"]
        {
            assert_eq!(why_not(&[], None, path), Some(NotApplication::AboutTheProject), "{path}");
        }
        for path in
            ["main.py", "data/README.md", "static/.well-known/x", "readme_template.md", "data/package.json"]
        {
            assert_eq!(why_not(&[], None, path), None, "{path}");
        }
    }

    #[test]
    fn tests_at_the_top_are_not_the_application_unless_the_handler_is_there() {
        for path in ["tests/data.json", "test/x.py", "app/conftest.py"] {
            assert_eq!(why_not(&[], None, path), Some(NotApplication::Test), "{path}");
        }
        assert_eq!(why_not(&[], None, "app/tests/data.json"), None);
        assert_eq!(why_not(&[], Some("tests.canary.handler"), "tests/data.json"), None);
    }

    #[test]
    fn a_file_named_as_a_test_is_one_where_it_holds_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.py");
        let application = Application::new(std::iter::empty(), Some("test_canary.handler"));
        let why_not = |path: &str, text: &str| {
            fs_err::write(&file, text).unwrap();
            application.why_not(path, &file)
        };
        assert_eq!(why_not("app/test_main.py", "def test_it():\n    pass\n"), Some(NotApplication::Test));
        assert_eq!(why_not("main_test.py", "class Main(unittest.TestCase):\n"), Some(NotApplication::Test));
        assert_eq!(why_not("ab_test.py", "def choose():\n    pass\n"), None);
        assert_eq!(why_not("main.py", "def test_it():\n    pass\n"), None);
        assert_eq!(why_not("test_canary.py", "def test_it():\n    pass\n"), None);
    }

    #[test]
    fn a_cdk_app_is_not_the_application() {
        let files = ["cdk.json", "main.py"];
        assert_eq!(why_not(&files, None, "cdk.json"), Some(NotApplication::Infrastructure));
        assert_eq!(why_not(&files, None, "lib/stack.ts"), Some(NotApplication::Infrastructure));
        assert_eq!(why_not(&files, None, "main.py"), None);
        let files = ["infrastructure/cdk.json", "main.py"];
        assert_eq!(why_not(&files, None, "infrastructure/app.py"), Some(NotApplication::Infrastructure));
        assert_eq!(why_not(&files, None, "data/video.ts"), None);
        assert_eq!(why_not(&["data/not_cdk.json"], None, "data/x"), None);
    }
}
