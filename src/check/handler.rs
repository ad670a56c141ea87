//! Checks that the function of the handler is in the bundle, so that a mistake fails the synth and not the
//! first call of the function. A false refusal is worse than a missed mistake: a name that the module may
//! define when it runs passes.

use serde::Deserialize;

use crate::codes::ErrorCode;
use crate::support::wording;
use crate::tools::interpreter::Interpreter;
use crate::tools::process::TimedOut;
use crate::tools::python::{Program, Python, read_field};

/// The program that reads the module (see `defined_names.py`). `-I` and `-S`: Python imports no modules of this machine beyond its standard
/// library.
static PROGRAM: Program =
    Program { text: include_str!("defined_names.py"), arguments: &["-I", "-S", "-c"], is_quick: true };

/// The longest answer of Python in bytes: a module may have very many names.
const LONGEST_ANSWER: u32 = 8 << 20;

/// The number of functions that a hint lists.
const FUNCTIONS_SHOWN: usize = 5;

/// Why Lambda could not call the handler.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The module is not in the bundle.
    #[error("the handler `{handler}` needs the module `{module}`, which is not in the bundle{hint}")]
    NoModule {
        /// The handler.
        handler: String,
        /// The module.
        module: String,
        /// The nearest module, as the end of the sentence.
        hint: String,
    },
    /// The module does not define the function.
    #[error("the handler `{handler}` needs `{attribute}` in `{path}`, which does not define it{hint}")]
    NoAttribute {
        /// The handler.
        handler: String,
        /// The name of the function in the module.
        attribute: String,
        /// The module's file in the bundle.
        path: String,
        /// The nearest name, as the end of the sentence.
        hint: String,
    },
    /// The handler names a value that cannot be called.
    #[error(
        "the handler `{handler}` is a value in `{path}`, which Lambda cannot call: name a function{hint}"
    )]
    NotCallable {
        /// The handler.
        handler: String,
        /// The module's file in the bundle.
        path: String,
        /// The functions of the module, as the end of the sentence.
        hint: String,
    },
    /// Python did not end in time.
    #[error("failed to look into the module of the handler `{handler}`: {source}")]
    TimedOut {
        /// The handler.
        handler: String,
        /// The cause.
        source: TimedOut,
    },
    /// Python cannot compile the module, so it could not import it in Lambda either.
    #[error("the handler `{handler}` is in `{path}`, which Python {python} cannot compile: {problem}{place}")]
    DoesNotCompile {
        /// The handler.
        handler: String,
        /// The module's file in the bundle.
        path: String,
        /// The full version of the Python.
        python: String,
        /// Python's message.
        problem: String,
        /// The line, as the end of the sentence.
        place: String,
    },
}

impl HandlerError {
    /// The stable code of this error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoModule { .. } | Self::NoAttribute { .. } => ErrorCode::HandlerNotFound,
            Self::NotCallable { .. } => ErrorCode::HandlerNotCallable,
            Self::DoesNotCompile { .. } => ErrorCode::HandlerDoesNotCompile,
            Self::TimedOut { .. } => ErrorCode::TimedOut,
        }
    }
}

/// A handler whose module is in the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handler<'a> {
    whole: &'a str,
    attribute: &'a str,
    /// The module's file in the bundle; `None` if it is an extension module or bytecode.
    pub source: Option<&'a str>,
    /// Whether the whole handler is the name of a module: then its function is missing.
    is_module: bool,
}

/// Looks for the module of `handler` among the paths of the bundle.
///
/// Lambda's runtime client takes the part before the last `.` as the module. It allows `/` for `.` in it
/// (`_get_handler` in its `bootstrap.py`).
pub fn check_handler<'a>(
    handler: &'a str,
    paths: impl Iterator<Item = &'a str>,
) -> Result<Handler<'a>, HandlerError> {
    let (module, attribute) = handler.rsplit_once('.').unwrap_or((handler, ""));
    let module = module.replace('/', ".");
    // Python imports `package.__init__` too.
    let module = module.strip_suffix(".__init__").unwrap_or(&module);
    let modules: Vec<Module<'_>> = paths.filter_map(Module::of).collect();
    let whole = format!("{module}.{attribute}");
    match modules.iter().filter(|candidate| candidate.name == module).min_by_key(|found| found.rank) {
        Some(found) => Ok(Handler {
            whole: handler,
            attribute,
            source: (found.rank.kind == Kind::Source).then_some(found.path),
            is_module: modules.iter().any(|candidate| candidate.name == whole),
        }),
        None => Err(HandlerError::NoModule {
            handler: handler.to_owned(),
            module: module.to_owned(),
            hint: near_module(module, &modules),
        }),
    }
}

/// The end of a sentence that names the module that was probably meant.
fn near_module(module: &str, modules: &[Module<'_>]) -> String {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let mut same_end =
        modules.iter().map(|found| found.name.as_str()).filter(|name| last(name) == last(module));
    let nearest = wording::nearest(module, modules.iter().map(|found| found.name.as_str()))
        // A package may be imported under another name than its own: `app` as `company.services.app`.
        .or_else(|| same_end.next().filter(|_| same_end.next().is_none()));
    nearest.map_or_else(String::new, |nearest| format!(" (did you mean `{nearest}`?)"))
}

impl Handler<'_> {
    /// Checks that the source of the module defines the handler. If the module may define more names when it
    /// runs, the handler passes.
    pub fn check_attribute(&self, source: &[u8], interpreter: &Interpreter) -> Result<(), HandlerError> {
        let (handler, path) = (self.whole.to_owned(), self.source.unwrap_or_default().to_owned());
        let answer = match names(source, interpreter) {
            Ok(answer) => answer,
            Err(source) => return Err(HandlerError::TimedOut { handler, source }),
        };
        match answer {
            None => Ok(()),
            Some(Answer::Problem { problem, line }) => Err(HandlerError::DoesNotCompile {
                handler,
                path,
                python: interpreter.version.clone(),
                problem,
                place: line.map_or_else(String::new, |line| format!(" (line {line})")),
            }),
            Some(Answer::Module(module)) => self.judge(handler, path, &module),
        }
    }

    fn judge(&self, handler: String, path: String, module: &Definitions) -> Result<(), HandlerError> {
        let is_name = |name: &String| name == self.attribute;
        if module.open {
            return Ok(());
        }
        if module.values.iter().any(is_name) {
            let functions = module.functions();
            let hint = functions.map_or_else(String::new, |functions| format!(", such as {functions}"));
            return Err(HandlerError::NotCallable { handler, path, hint });
        }
        if module.names.iter().any(is_name) {
            return Ok(());
        }
        let hint = if self.is_module {
            format!(": it is a module; name a function in it, such as `{handler}.lambda_handler`")
        } else if let Some(nearest) =
            wording::nearest(self.attribute, module.names.iter().map(String::as_str))
        {
            format!(" (did you mean `{nearest}`?)")
        } else {
            let functions = module.functions();
            functions.map_or_else(String::new, |functions| format!(": its functions are {functions}"))
        };
        Err(HandlerError::NoAttribute { handler, attribute: self.attribute.to_owned(), path, hint })
    }
}

/// A file that Python imports.
struct Module<'a> {
    name: String,
    path: &'a str,
    rank: Rank,
}

/// The order of several files of one module: Python imports the one with the least rank.
///
/// Source: `FileFinder.find_spec` and `_get_supported_file_loaders` in CPython's
/// `importlib/_bootstrap_external.py`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_no_package: bool,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Extension,
    Source,
    Bytecode,
}

impl<'a> Module<'a> {
    /// The module that a file is; `None` for a file that Python does not import.
    fn of(path: &'a str) -> Option<Self> {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let (stem, kind) = match file.rsplit_once('.')? {
            (stem, "py") => (stem, Kind::Source),
            // `name.cpython-313-x86_64-linux-gnu.so`
            (stem, "so") => (stem.split('.').next().unwrap_or(stem), Kind::Extension),
            (stem, "pyc") if !folder.ends_with("__pycache__") => (stem, Kind::Bytecode),
            _ => return None,
        };
        let is_no_package = stem != "__init__";
        let parts = folder.split('/').chain(is_no_package.then_some(stem)).filter(|part| !part.is_empty());
        let name = parts.collect::<Vec<_>>().join(".");
        Some(Self { name, path, rank: Rank { is_no_package, kind } })
    }
}

/// The answer of `defined_names.py`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Answer {
    Problem { problem: String, line: Option<u32> },
    Module(Definitions),
}

/// The names that a module defines; `defined_names.py` explains the fields.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Definitions {
    names: Vec<String>,
    functions: Vec<String>,
    values: Vec<String>,
    open: bool,
}

impl Definitions {
    /// The public functions, as a list.
    fn functions(&self) -> Option<String> {
        let shown: Vec<&String> =
            self.functions.iter().filter(|name| !name.starts_with('_')).take(FUNCTIONS_SHOWN).collect();
        (!shown.is_empty()).then(|| wording::list(&shown))
    }
}

/// Starts the Python that reads modules, so that the check need not wait for it.
pub fn start_early(interpreter: &Interpreter) {
    Python::start_early(interpreter, &PROGRAM);
}

/// Asks `defined_names.py`. `None` if Python does not answer: then nothing is known about the module.
fn names(source: &[u8], interpreter: &Interpreter) -> Result<Option<Answer>, TimedOut> {
    let ask = |python: &mut Python| {
        python.send(&[source])?;
        read_field(&mut python.output, LONGEST_ANSWER)
    };
    let Ok(mut python) = Python::take(interpreter, &PROGRAM) else { return Ok(None) };
    let mut answer = ask(&mut python);
    if answer.is_err() && python.was_idle {
        python = match Python::start(interpreter, &PROGRAM) {
            Ok(python) => python,
            Err(_) => return Ok(None),
        };
        answer = ask(&mut python);
    }
    let Ok(answer) = answer else { return python.end().map(|_| None) };
    python.rest();
    Ok(serde_json::from_slice(&answer).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: [&str; 10] = [
        "app/__init__.py",
        "app/main.py",
        "app/fast.cpython-313-x86_64-linux-gnu.so",
        "app/fast.py",
        "app/old.pyc",
        "app/__pycache__/cached.cpython-313.pyc",
        "single.py",
        "single/__init__.py",
        "app/data.txt",
        "company/services/orders/lambda_function.py",
    ];

    fn module_of(handler: &str) -> Result<Option<&str>, String> {
        let found = check_handler(handler, PATHS.into_iter()).map_err(|error| error.to_string())?;
        Ok(found.source)
    }

    #[test]
    fn the_module_is_the_file_that_python_imports() {
        for (handler, source) in [
            ("app.main.handler", Some("app/main.py")),
            ("app/main.handler", Some("app/main.py")),
            ("app.handler", Some("app/__init__.py")),
            ("app.__init__.handler", Some("app/__init__.py")),
            ("app.fast.handler", None),
            ("app.old.handler", None),
            ("single.handler", Some("single/__init__.py")),
        ] {
            assert_eq!(module_of(handler), Ok(source), "{handler}");
        }
    }

    #[test]
    fn a_missing_module_names_the_nearest() {
        assert_eq!(
            module_of("app.mian.handler").unwrap_err(),
            "the handler `app.mian.handler` needs the module `app.mian`, which is not in the bundle (did you mean `app.main`?)"
        );
        let other = module_of("orders.lambda_function.handler").unwrap_err();
        assert!(other.ends_with("(did you mean `company.services.orders.lambda_function`?)"), "{other}");
        assert!(module_of("app.data.handler").is_err());
        assert!(module_of("app.cached.handler").is_err());
    }

    fn answer(names: &[&str], values: &[&str]) -> Definitions {
        let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        Definitions { names: owned(names), functions: owned(&names[..1]), values: owned(values), open: false }
    }

    fn judged(handler: &str, module: &Definitions) -> Result<(), String> {
        let found = check_handler(handler, PATHS.into_iter()).unwrap();
        let path = found.source.unwrap_or_default().to_owned();
        found.judge(handler.to_owned(), path, module).map_err(|error| error.to_string())
    }

    #[test]
    fn a_missing_function_names_the_nearest_or_what_there_is() {
        let module = answer(&["lambda_handler", "json"], &[]);
        assert_eq!(judged("app.main.lambda_handler", &module), Ok(()));
        assert_eq!(
            judged("app.main.lamda_handler", &module).unwrap_err(),
            "the handler `app.main.lamda_handler` needs `lamda_handler` in `app/main.py`, which does not define it (did you mean `lambda_handler`?)"
        );
        let other = judged("app.main.execute", &module).unwrap_err();
        assert!(other.ends_with("does not define it: its functions are `lambda_handler`"), "{other}");
        let forgotten = judged("app.main", &module).unwrap_err();
        assert!(
            forgotten.ends_with("name a function in it, such as `app.main.lambda_handler`"),
            "{forgotten}"
        );
    }

    #[test]
    fn what_may_be_defined_while_it_runs_passes() {
        let module = Definitions { open: true, ..answer(&["lambda_handler"], &["TIMEOUT"]) };
        assert_eq!(judged("app.main.anything", &module), Ok(()));
        assert_eq!(judged("app.main.TIMEOUT", &module), Ok(()));
    }

    #[test]
    fn a_value_is_no_handler() {
        let module = answer(&["run", "TIMEOUT"], &["TIMEOUT"]);
        assert_eq!(
            judged("app.main.TIMEOUT", &module).unwrap_err(),
            "the handler `app.main.TIMEOUT` is a value in `app/main.py`, which Lambda cannot call: name a function, such as `run`"
        );
    }
}
