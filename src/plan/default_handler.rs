//! The default handler of a function.

use crate::workspace::Workspace;
use crate::workspace::lockfile::Source;

/// The name that AWS gives a Python handler in its console and its guides.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html>.
const USUAL: &str = "lambda_function.lambda_handler";

/// The handler of a member: the usual one in its package, `my_app.lambda_function.lambda_handler`. The files of an
/// application without a build system lie at the top of the zip, so its handler has no package, unless the application has
/// that module in a package of its name. A script is its own module.
///
/// It is known before anything is built, because CDK's template needs it; the check says whether it is there.
pub fn default_handler(workspace: &Workspace, member: &str) -> String {
    if let Some(script) = &workspace.script {
        return format!("{}.lambda_handler", script.trim_end_matches(".py"));
    }
    let package = member.replace('-', "_");
    let is_copied =
        workspace.lock.package(member).is_some_and(|member| matches!(member.source, Source::Virtual(_)));
    let is_in_package =
        || workspace.folder_of_member(member).join(&package).join("lambda_function.py").is_file();
    if is_copied && !is_in_package() { USUAL.to_owned() } else { format!("{package}.{USUAL}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(source: &str, files: &[&str]) -> String {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let file = root.path().join(file);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, "").unwrap();
        }
        let lock = format!("version = 1\n[[package]]\nname = 'my-app'\nsource = {{ {source} = '.' }}");
        fs_err::write(root.path().join("uv.lock"), lock).unwrap();
        default_handler(&Workspace::open(root.path()).unwrap(), "my-app")
    }

    #[test]
    fn of_a_package_it_is_in_the_package() {
        assert_eq!(handler("editable", &[]), "my_app.lambda_function.lambda_handler");
        assert_eq!(
            handler("editable", &["src/other/lambda_function.py"]),
            "my_app.lambda_function.lambda_handler"
        );
    }

    #[test]
    fn of_an_application_it_is_at_the_top_unless_there_is_a_package() {
        assert_eq!(handler("virtual", &["lambda_function.py"]), "lambda_function.lambda_handler");
        assert_eq!(
            handler("virtual", &["my_app/lambda_function.py"]),
            "my_app.lambda_function.lambda_handler"
        );
    }
}
