//! One bundle: the walk through the pipeline, from a request to a zip.

use std::path::Path;
use std::time::Instant;

use crate::archive::{self, Contents};
use crate::bytecode::{self, Compiled, Source};
use crate::check::{self, CheckedFile, check_handler};
use crate::conditions::{Conditions, Order};
use crate::error::Error;
use crate::hooks;
use crate::install;
use crate::interpreter::Interpreter;
use crate::project::{Project, marker_environment, stage};
use crate::report::{Bundle, PackageReport, Warning};
use crate::request::Request;
use crate::select::{self, SelectError, Selection};
use crate::target::PythonVersion;
use crate::uv::Uv;
use crate::work::WorkFolder;

/// Where Lambda unpacks a function's code. Compiled in as each module's path, so that Python finds
/// it right on import and mends nothing.
const TASK_ROOT: &str = "/var/task";

/// Builds the bundle that `request` asks for, as `<package>.zip` in `output`.
pub fn bundle(request: &Request, output: &Path) -> Result<Bundle, Error> {
    bundle_under(request, output, &Conditions::default())
}

/// Builds the bundle under other conditions than the usual ones.
pub fn bundle_under(request: &Request, output: &Path, conditions: &Conditions) -> Result<Bundle, Error> {
    let Some(workers) = conditions.workers else { return walk(request, output, conditions) };
    let workers =
        rayon::ThreadPoolBuilder::new().num_threads(workers.get()).build().map_err(Error::Threads)?;
    workers.install(|| walk(request, output, conditions))
}

fn walk(request: &Request, output: &Path, conditions: &Conditions) -> Result<Bundle, Error> {
    let start = Instant::now();
    let project = Project::open(request)?;
    let uv = Uv::find(request)?.with_cache(&conditions.cache);
    let interpreter = Interpreter::find(request, &project, &uv)?;
    let environment = marker_environment(request.target, &interpreter.version)
        .ok_or_else(|| Error::Bug(format!("`{}` is no version", interpreter.version)))?;
    let reach = project.reach(&environment)?;

    let work = WorkFolder::new(&conditions.work).map_err(Error::WorkFolder)?;
    let staged = stage(&project, &reach, &work.path().join("workspace"))?;
    if let Some(member) = reach.local.first() {
        hooks::run(&request.hooks.before_bundling, "beforeBundling", &staged.copy_of(&member.folder))?;
        staged.remove_left_out()?;
    }
    let installed = install::install(&project, &staged, &reach, request, &uv, &interpreter, work.path())?;
    let mut selection = select::select(&installed)?;
    if !request.hooks.after_bundling.is_empty() {
        selection.change(&work.path().join("selection"), |folder| {
            hooks::run(&request.hooks.after_bundling, "afterBundling", folder).map_err(Error::from)
        })?;
    }
    if selection.entries.is_empty() {
        return Err(SelectError::Empty { member: project.member }.into());
    }
    let warnings = check(&selection, request)?;
    let not_compiled = add_bytecode(&mut selection, &interpreter, request.target.python, conditions.order)?;

    let packages = package_reports(&selection, request.target.python);
    let entries = selection.into_entries();
    let files = entries.len();
    let path = output.join(format!("{}.zip", project.member));
    let written = archive::write(entries, &path)?;
    Ok(Bundle {
        path,
        sha256: written.sha256,
        zip_bytes: written.zip_bytes,
        unzipped_bytes: written.unzipped_bytes,
        files,
        packages,
        python: interpreter.version,
        not_compiled,
        warnings,
        reused: false,
        elapsed: start.elapsed(),
    })
}

/// Checks that what ships fits the target, and returns what may not.
fn check(selection: &Selection, request: &Request) -> Result<Vec<Warning>, Error> {
    if let Some(handler) = &request.handler {
        check_handler(handler, selection.entries.keys().map(String::as_str))?;
    }
    let files: Vec<CheckedFile<'_>> = selection
        .entries
        .iter()
        .map(|(path, contents)| CheckedFile {
            path,
            contents: match contents {
                Contents::File { path, .. } => check::Contents::OnDisk(path),
                Contents::Bytes(bytes) => check::Contents::Bytes(bytes),
            },
        })
        .collect();
    let findings = check::check(&files, request.target)?;
    Ok(findings
        .iter()
        .map(|finding| Warning { code: finding.code(), message: finding.to_string() })
        .collect())
}

/// Adds the bytecode of every `.py` file, and says how many have none.
fn add_bytecode(
    selection: &mut Selection,
    interpreter: &Interpreter,
    python: PythonVersion,
    order: Order,
) -> Result<usize, Error> {
    let modules: Vec<(&String, &Contents)> =
        selection.entries.iter().filter(|(path, _)| path.ends_with(".py")).collect();
    let mut sources: Vec<Source<'_>> = modules
        .iter()
        .filter_map(|(path, contents)| match contents {
            Contents::File { path: on_disk, .. } => {
                Some(Source { path: on_disk, runtime_path: format!("{TASK_ROOT}/{path}") })
            }
            Contents::Bytes(_) => None,
        })
        .collect();
    if order == Order::Reversed {
        sources.reverse();
    }
    let compiled = bytecode::compile(interpreter, &sources, rayon::current_num_threads())?;

    let mut not_compiled = 0;
    let paths: Vec<String> =
        sources.iter().map(|source| source.runtime_path[TASK_ROOT.len() + 1..].to_owned()).collect();
    for (path, compiled) in paths.iter().zip(compiled) {
        match compiled {
            Compiled::Bytecode(bytes) => {
                selection.entries.insert(bytecode::pyc_path(path, python), Contents::Bytes(bytes));
            }
            Compiled::NotPython { .. } => not_compiled += 1,
        }
    }
    Ok(not_compiled)
}

fn package_reports(selection: &Selection, python: PythonVersion) -> Vec<PackageReport> {
    let size = |path: &str| selection.entries.get(path).map_or(0, Contents::size);
    let with_bytecode = |path: &String| {
        let is_module = path.ends_with(".py");
        size(path) + if is_module { size(&bytecode::pyc_path(path, python)) } else { 0 }
    };
    let reports = selection.packages.iter().map(|package| PackageReport {
        name: package.name.clone(),
        version: package.version.clone(),
        bytes: package.files.iter().map(with_bytecode).sum(),
    });
    reports.collect()
}
