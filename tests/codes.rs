//! `construct/codes.ts`, which is generated from the list of codes.

#![expect(clippy::unwrap_used, reason = "what a test cannot do, it fails at")]

use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};

use strum::{EnumMessage, VariantArray};
use uv_lambda_cdk::codes::{ErrorCode, WarningCode};

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("construct/codes.ts")
}

/// The contents of the file, as prettier formats it.
fn typescript() -> String {
    let (for_containers, errors): (Vec<ErrorCode>, Vec<ErrorCode>) =
        ErrorCode::VARIANTS.iter().partition(|code| code.container_can_help());
    let mut text = "// Generated from `src/codes.rs` by `npm run build:codes`: do not edit.\n\n".to_owned();
    text += &documentation(&[
        "Why a zip could not be built. More codes may come.\n",
        &table(&errors),
        "A container could help with the next ones. `PythonLambdaFunction` and `UvBundler` fall back to Docker instead of",
        "throwing them, unless that is forbidden.\n",
        &table(&for_containers),
    ]);
    text += &union("ErrorCode", &[errors, for_containers].concat());
    text += "\n";
    text += &documentation(&["The codes of warnings. More codes may come.\n", &table(WarningCode::VARIANTS)]);
    text += &union("WarningCode", WarningCode::VARIANTS);
    text
}

fn documentation(lines: &[&str]) -> String {
    let text = lines.join("\n");
    let lines = text.trim_end().lines().map(|line| format!(" * {line}").trim_end().to_owned());
    format!("/**\n{}\n */\n", lines.collect::<Vec<_>>().join("\n"))
}

/// A table in Markdown, which editors show.
fn table<Code: Display + EnumMessage>(codes: &[Code]) -> String {
    let mut table = "| code | meaning |\n| --- | --- |\n".to_owned();
    for code in codes {
        let meaning = code.get_documentation().unwrap().trim_end().replace('\n', " ");
        writeln!(table, "| `{code}` | {meaning} |").unwrap();
    }
    table
}

fn union<Code: Display>(name: &str, codes: &[Code]) -> String {
    let members: Vec<String> = codes.iter().map(|code| format!("  | '{code}'")).collect();
    format!("export type {name} =\n{};\n", members.join("\n"))
}

#[test]
fn typescript_has_the_codes_of_the_list() {
    let found = fs_err::read_to_string(file()).unwrap();
    assert!(found == typescript(), "construct/codes.ts is out of date: run `npm run build:codes`");
}

#[test]
#[ignore = "it writes the file: `npm run build:codes`"]
fn write_the_codes_of_typescript() {
    fs_err::write(file(), typescript()).unwrap();
}
