//! Whether the module of the handler is in the bundle. Found out here, at synth, instead of by the
//! function's first caller.

use crate::text;

/// The handler's module is not in the bundle.
#[derive(Debug, thiserror::Error)]
#[error("the handler `{handler}` needs the module `{module}`, which is not in the bundle{hint}")]
pub struct HandlerError {
    handler: String,
    module: String,
    hint: String,
}

impl HandlerError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "HANDLER_NOT_FOUND"
    }
}

/// Looks for the module of `handler` among the paths of the bundle.
///
/// Lambda's runtime client takes what stands before the last `.` as the module, with `/` for `.`
/// allowed between its parts.
pub fn check_handler<'a>(handler: &str, paths: impl Iterator<Item = &'a str>) -> Result<(), HandlerError> {
    let module = handler.rsplit_once('.').map_or(handler, |(module, _)| module).replace('/', ".");
    let modules: Vec<String> = paths.filter_map(module_name).collect();
    if modules.contains(&module) {
        return Ok(());
    }
    let hint = text::nearest(&module, modules.iter().map(String::as_str))
        .map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"));
    Err(HandlerError { handler: handler.to_owned(), module, hint })
}

/// The name by which Python imports a file; `None` for a file that it does not import.
fn module_name(path: &str) -> Option<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = match file.rsplit_once('.')? {
        (stem, "py") => stem,
        // `name.cpython-313-x86_64-linux-gnu.so`
        (stem, "so") => stem.split('.').next().unwrap_or(stem),
        _ => return None,
    };
    let parts = folder.split('/').chain((stem != "__init__").then_some(stem)).filter(|part| !part.is_empty());
    Some(parts.collect::<Vec<_>>().join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: [&str; 5] = [
        "app/__init__.py",
        "app/main.py",
        "app/fast.cpython-313-x86_64-linux-gnu.so",
        "single.py",
        "app/data.txt",
    ];

    fn check(handler: &str) -> Result<(), String> {
        check_handler(handler, PATHS.into_iter()).map_err(|error| error.to_string())
    }

    #[test]
    fn modules_packages_and_extensions_are_found() {
        for handler in
            ["app.main.handler", "app/main.handler", "app.handler", "app.fast.handler", "single.handler"]
        {
            assert_eq!(check(handler), Ok(()), "{handler}");
        }
    }

    #[test]
    fn a_miss_names_the_nearest_module() {
        assert_eq!(
            check("app.mian.handler").unwrap_err(),
            "the handler `app.mian.handler` needs the module `app.mian`, which is not in the bundle (did you mean `app.main`?)"
        );
        assert!(check("app.data.handler").is_err());
    }
}
