//! The function of a handler: every `CPython` on the machine looks for it in real sources.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::PathBuf;
use std::process::{Command, Stdio};

use uv_lambda_cdk::check::check_handler;
use uv_lambda_cdk::tools::interpreter::Interpreter;

/// The oldest and the newest `CPython` of pyenv and of the system, of those that Lambda has too. Every way to bind a name
/// that a version between them has, the newest has too.
fn interpreters() -> Vec<Interpreter> {
    let managed = std::env::home_dir().unwrap().join(".pyenv/versions").read_dir();
    let managed = managed.into_iter().flatten().map(|version| version.unwrap().path().join("bin/python"));
    let system = (9..=15).map(|minor| PathBuf::from(format!("/usr/bin/python3.{minor}")));
    let mut found: Vec<Interpreter> = managed
        .chain(system)
        .chain(which::which("python3").ok())
        .filter_map(|path| {
            let question =
                "import sys, platform; print(platform.python_version()); sys.exit(sys.version_info < (3, 9))";
            let output = Command::new(&path).args(["-c", question]).stdin(Stdio::null()).output().ok()?;
            let version = String::from_utf8(output.stdout).unwrap().trim().to_owned();
            output.status.success().then_some(Interpreter { path, version })
        })
        .collect();
    assert!(!found.is_empty(), "this machine has no CPython that Lambda has");
    found.sort_by_key(minor);
    if found.len() > 2 {
        found.drain(1..found.len() - 1);
    }
    found
}

fn minor(interpreter: &Interpreter) -> u8 {
    interpreter.version.split('.').nth(1).unwrap().parse().unwrap()
}

/// The messages about a handler in a source.
fn judged(attribute: &str, source: &[u8], interpreter: &Interpreter) -> Result<(), String> {
    let handler = format!("app.{attribute}");
    let found = check_handler(&handler, ["app.py"].into_iter()).map_err(|error| error.to_string())?;
    found.check_attribute(source, interpreter).map_err(|error| format!("{}: {error}", error.code()))
}

/// Sources that bind `handler`, each in another way.
const DEFINE_IT: &[&str] = &[
    "def handler(event, context): pass",
    "async def handler(event, context): pass",
    "class handler: pass",
    "@decorator(1)\ndef handler(event, context): pass",
    "import handler",
    "import handler.inner",
    "import other as handler",
    "from other import handler",
    "from other import run as handler",
    "handler = make()",
    "handler = lambda event, context: None",
    "first = handler = make()",
    "one, (two, *handler) = make()",
    "handler: Callable = make()",
    "handler: Callable\nhandler = make()",
    "handler += make()",
    "if (handler := make()): pass",
    "[(handler := make(item)) for item in items]",
    "if condition:\n    pass\nelse:\n    def handler(event, context): pass",
    "try:\n    from fast import handler\nexcept ImportError:\n    handler = None",
    "try:\n    pass\nfinally:\n    handler = make()",
    "with make() as handler: pass",
    "for handler in make(): pass",
    "while condition:\n    handler = make()",
    "def prepare():\n    global handler\n    handler = make()\nprepare()",
    "class Kind:\n    global handler\n    def handler(event, context): pass",
    "handler = 1\ndel handler\ndef handler(event, context): pass",
    "del handler\ndef prepare():\n    global handler\n    handler = make()",
    "handler = None",
    "handler = 1\nhandler = make()",
    "handler = ...",
];

/// Sources that may bind it: only running them would show it.
const MAY_DEFINE_IT: &[&str] = &[
    "from other import *",
    "def __getattr__(name): return make()",
    "__getattr__, __dir__, __all__ = attach(__name__)",
    "from other import __getattr__",
    "globals()['handler'] = make()",
    "globals().update(make())",
    "vars()['handler'] = make()",
    "locals().update(make())",
    "exec(text)",
    "def fill():\n    exec(text, module)",
    "import sys\nsetattr(sys.modules[__name__], 'handler', make())",
    "import sys\nsys.modules[__name__] = make()",
    "from sys import modules\nmodules[__name__].handler = make()",
    "import importlib\nsetattr(importlib.import_module(__name__), 'handler', make())",
    "import other\nother.install(__name__)",
    "import inspect\ninspect.currentframe().f_globals['handler'] = make()",
];

/// Sources that do not bind it.
const LACK_IT: &[&str] = &[
    "",
    "# handler",
    "def other(event, context): pass",
    "def outer():\n    def handler(event, context): pass",
    "def outer():\n    handler = 1\n    return locals(), vars()",
    "class Kind:\n    def handler(self): pass",
    "handler: Callable",
    "handler = make()\ndel handler",
    "[handler for handler in make()]",
    "other(handler)",
    "other.handler = make()",
    "other['handler'] = make()",
    "call(handler=1)",
    "import package.handler",
    "from package.handler import other",
    "import logging\nlogger = logging.getLogger(__name__)",
    "if __name__ == '__main__':\n    other()",
];

/// Sources that bind it to a value that cannot be called.
const NOT_CALLABLE: &[&str] = &[
    "handler = 1",
    "handler = 'text'",
    "handler: int = 1",
    "handler = f'{other}'",
    "handler = {'a': 1}",
    "handler = []",
];

#[test]
fn every_way_to_define_a_name_counts() {
    for interpreter in interpreters() {
        let newer: &[(u8, &str)] = &[
            (10, "match make():\n    case {'a': [handler, *_]}: pass"),
            (10, "match make():\n    case {**handler}: pass"),
            (10, "match make():\n    case int() as handler: pass"),
            (11, "try:\n    pass\nexcept* ValueError:\n    handler = make()"),
            (12, "type handler = int"),
            (12, "def handler[T](event: T, context): pass"),
        ];
        let newer = newer.iter().filter(|(since, _)| minor(&interpreter) >= *since).map(|(_, source)| source);
        for source in DEFINE_IT.iter().chain(MAY_DEFINE_IT).chain(newer) {
            assert_eq!(
                judged("handler", source.as_bytes(), &interpreter),
                Ok(()),
                "{} on {}",
                source,
                interpreter.version
            );
        }
    }
}

#[test]
fn what_is_not_defined_is_refused() {
    for interpreter in interpreters() {
        for source in LACK_IT {
            let error = judged("handler", source.as_bytes(), &interpreter).expect_err(source);
            assert!(error.starts_with("HANDLER_NOT_FOUND: "), "{source}: {error}");
        }
        for source in NOT_CALLABLE {
            let error = judged("handler", source.as_bytes(), &interpreter).expect_err(source);
            assert!(error.starts_with("HANDLER_NOT_CALLABLE: "), "{source}: {error}");
        }
    }
}

#[test]
fn what_does_not_compile_is_refused_with_its_line() {
    for interpreter in interpreters() {
        for (source, line) in [
            (&b"def handler(event, context):\n    pass\n\nx = = 1\n"[..], " (line 4)"),
            (b"def handler(event, context): pass\nreturn 1\n", " (line 2)"),
            (b"def handler(event, context): pass\nx = '\xe9'\n", ""),
            (b"def handler(event, context): pass\nx = '\0'\n", ""),
        ] {
            let error = judged("handler", source, &interpreter).expect_err("a refusal");
            assert!(error.starts_with("HANDLER_DOES_NOT_COMPILE: "), "{error}");
            assert!(
                error.contains(&format!("which Python {} cannot compile: ", interpreter.version)),
                "{error}"
            );
            assert!(error.ends_with(line), "{error}");
        }
    }
}

#[test]
fn a_source_in_another_encoding_is_read_in_it() {
    for interpreter in interpreters() {
        assert_eq!(
            judged("größe", b"# coding: latin-1\ndef gr\xf6\xdfe(event, context): pass\n", &interpreter),
            Ok(())
        );
    }
}

#[test]
fn a_source_that_is_nested_too_deep_passes() {
    let source = format!("handler = {}1{}", "f(".repeat(5000), ")".repeat(5000));
    for interpreter in interpreters() {
        // Whether such a source compiles depends on the version, and is not tested here.
        let outcome = judged("other", source.as_bytes(), &interpreter);
        let is_no_miss =
            outcome.as_ref().err().is_none_or(|error| error.starts_with("HANDLER_DOES_NOT_COMPILE"));
        assert!(is_no_miss, "{outcome:?} on {}", interpreter.version);
    }
}

#[test]
fn a_python_that_is_gone_says_nothing() {
    let gone = Interpreter { path: "/nowhere/python".into(), version: "3.13.0".to_owned() };
    assert_eq!(judged("handler", b"", &gone), Ok(()));
}
