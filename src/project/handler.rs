//! The handler that a function has where nobody names one.

use super::{Project, Source};

/// What AWS calls a Python handler in its console and its guides.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html>.
const USUAL: &str = "lambda_function.lambda_handler";

impl Project {
    /// The handler of the member: the usual one in its package, `my_app.lambda_function.lambda_handler`. The files of an
    /// application without a build system lie at the top of the zip, so there it is the usual one alone, unless
    /// the application keeps the module in a package of its name. A script is its own module.
    ///
    /// Settled before anything is built, because CDK's template needs it; the check says whether it is there.
    pub fn default_handler(&self) -> String {
        if let Some(script) = &self.script {
            return format!("{}.lambda_handler", script.trim_end_matches(".py"));
        }
        let package = self.member.replace('-', "_");
        let is_copied =
            self.lock.package(&self.member).is_some_and(|member| matches!(member.source, Source::Virtual(_)));
        if is_copied && !self.member_folder().join(&package).join("lambda_function.py").is_file() {
            USUAL.to_owned()
        } else {
            format!("{package}.{USUAL}")
        }
    }
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
        let project = Project {
            root: root.path().to_path_buf(),
            lock: std::sync::Arc::new(toml::from_str(&lock).unwrap()),
            local_folders: Vec::new(),
            member: "my-app".to_owned(),
            script: None,
            choice: crate::request::Choice::default(),
            has_commands: false,
            handler: None,
            layer: None,
            layers: Vec::new(),
        };
        project.default_handler()
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
