//! The packages that bundles reach in locks, for tests that compare them with `uv export`.
//!
//! Each line of the standard input is a question as JSON: a project, one of its members, extras, groups, a runtime, a CPU and a full
//! Python version. Each line of the standard output is the answer to it: the packages, as `name==version`, or as `name` if it
//! is a folder.

#![expect(clippy::unwrap_used, reason = "a question that cannot be answered fails the test")]
#![expect(clippy::print_stdout, reason = "the answers are its output")]

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use serde::Deserialize;
use uv_lambda_cdk::plan::dependencies::{Activation, marker_environment};
use uv_lambda_cdk::target::{Architecture, Target};
use uv_lambda_cdk::workspace::Workspace;
use uv_lambda_cdk::workspace::lockfile::Source;

#[derive(Deserialize)]
struct Question {
    project: PathBuf,
    member: String,
    extras: Vec<String>,
    groups: Vec<String>,
    runtime: String,
    architecture: String,
    python: String,
}

fn main() {
    let mut workspaces = HashMap::new();
    for line in std::io::stdin().lines() {
        let question: Question = serde_json::from_str(&line.unwrap()).unwrap();
        let workspace = workspaces
            .entry(question.project.clone())
            .or_insert_with(|| Workspace::glance(&question.project).unwrap());
        let architecture: Architecture = question.architecture.parse().unwrap();
        let target = Target::new(&question.runtime, architecture).unwrap();
        let environment = marker_environment(target, &question.python).unwrap();
        let activation = Activation { extras: &question.extras, groups: &question.groups, excluded: &[] };
        let member = workspace.lock.package(&question.member).unwrap();
        let reached: BTreeSet<String> = workspace
            .lock
            .reach(member, activation, &environment)
            .iter()
            // uv installs what it needs, and not itself, so `uv export` does not name it.
            .filter(|package| !matches!(package.source, Source::Virtual(_)))
            .map(|package| match &package.version {
                Some(version) if package.local_folder().is_none() => format!("{}=={version}", package.name),
                _ => package.name.clone(),
            })
            .collect();
        println!("{}", serde_json::to_string(&reached).unwrap());
    }
}
