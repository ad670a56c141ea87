//! One bundle: the walk through the pipeline, from a request to a zip.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;
use std::time::Instant;

use pep508_rs::MarkerEnvironment;
use serde_json::json;

use crate::archive::{self, ArchiveError, Contents, Entry};
use crate::bytecode;
use crate::check::{self, CheckedFile, Handler, HandlerError, Measured, SizeError, check_handler};
use crate::conditions::Conditions;
use crate::error::Error;
use crate::gather::{Gathered, Gathering, merge};
use crate::identity::{Identity, Surroundings};
use crate::install::check_lock;
use crate::pack::{Pack, PackedFile, folder_in_zip};
use crate::project::{Project, Reach, marker_environment, stage};
use crate::report::{Bundle, PackageReport, Warning};
use crate::request::Request;
use crate::request::layer;
use crate::select::SelectError;
use crate::store::{Kept, Key, Store};
use crate::support::working_folder::WorkFolder;
use crate::tools::interpreter::Interpreter;
use crate::tools::uv::Uv;

/// Builds the bundle that `request` asks for, as `<package>.zip` in `output`.
pub fn bundle(request: &Request, output: &Path) -> Result<Bundle, Error> {
    bundle_under(request, output, &Conditions::default())
}

/// Builds the bundle under other conditions than the usual ones.
pub fn bundle_under(request: &Request, output: &Path, conditions: &Conditions) -> Result<Bundle, Error> {
    let Some(workers) = conditions.workers else { return undamaged(request, Some(output), conditions) };
    let workers =
        rayon::ThreadPoolBuilder::new().num_threads(workers.get()).build().map_err(Error::Threads)?;
    workers.install(|| undamaged(request, Some(output), conditions))
}

/// Sees to it that the store has the bundle, for those who ask for it later.
pub fn prepare(request: &Request) -> Result<(), Error> {
    if request.store.is_some() { undamaged(request, None, &Conditions::default()).map(drop) } else { Ok(()) }
}

/// Walks, and once more where something kept turned out to be damaged, without what is.
fn undamaged(request: &Request, output: Option<&Path>, conditions: &Conditions) -> Result<Bundle, Error> {
    match walk(request, output, conditions) {
        Err(error) if error.is_damage() => {
            let (store, _) = open_store(request, conditions);
            Pack::remove_damaged(&store);
            walk(request, output, conditions)
        }
        outcome => outcome,
    }
}

fn walk(request: &Request, output: Option<&Path>, conditions: &Conditions) -> Result<Bundle, Error> {
    let start = Instant::now();
    let means = Means::find(request, conditions)?;
    let Means { store, project, uv, interpreter, .. } = &means;
    let reach = project.reach(&means.environment)?;
    let surroundings = Surroundings::new(request, project, uv, interpreter);
    let identity = surroundings.identity(&reach)?;
    let lock = surroundings.lock()?;
    let name = format!("{}.zip", if request.layer.is_some() { "layer" } else { &project.member });
    let path = output.map(|output| output.join(&name));

    // Whoever makes the same bundle at this moment makes it for us as well.
    let _turn = store.turn(&identity.bundle);
    let found = identity.bundle.as_ref().map(|bundle| handler_key(bundle, request));
    let is_checked = found.iter().chain([&lock]).all(|key| store.fact(key).is_some());
    if let Some(kept) = identity.bundle.as_ref().filter(|_| is_checked).and_then(|key| store.bundle(key)) {
        let warnings = size_warnings(&project.member, &kept.report, request)?;
        lend(&kept, path.as_deref())?;
        let mut bundle = Bundle { path: path.unwrap_or_default(), reused: true, ..kept.report };
        bundle.warnings.extend(warnings);
        bundle.elapsed = start.elapsed();
        return Ok(bundle);
    }

    let work = WorkFolder::new(&conditions.work).map_err(Error::WorkFolder)?;
    let Gathered { packs, after_commands, is_as_expected } =
        means.gather(&reach, &identity, &lock, work.path())?;
    let packs = after_commands.map_or(packs, |pack| vec![pack]);
    let files = merge(&packs);
    if files.is_empty() {
        return Err(SelectError::Empty { member: project.member.clone() }.into());
    }
    let handler = find_handler(&files, request)?;
    let warnings = check(&files, request)?;
    let packages = package_reports(&packs, &files);
    let entries = entries(&files, request);
    let unzipped_bytes = entries.iter().map(|entry| entry.contents.size()).sum();
    // Before the zip is written, which takes longest where it is too large.
    measured(&project.member, &packages, unzipped_bytes, request).check_unzipped(request.max_size)?;

    let key = identity.bundle.filter(|_| is_as_expected);
    let kept_at = key.as_ref().and_then(|key| store.zip_path(key));
    let zip = kept_at.or_else(|| path.clone()).unwrap_or_else(|| work.path().join(&name));
    let (written, function) = thread::scope(|scope| {
        // Python reads the handler's module meanwhile.
        let function = scope.spawn(|| check_function(handler.as_ref(), &files, request, interpreter, store));
        (archive::write(entries, &zip), function.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let written = written?;
    // What is refused is not left where a result is looked for.
    let refused = |_: &_| drop(fs_err::remove_file(&zip));
    function.inspect_err(refused)?;
    let is_without_bytecode =
        |(path, file): &(&&str, &&PackedFile)| path.ends_with(".py") && file.bytecode.is_none();
    let mut bundle = Bundle {
        path: path.clone().unwrap_or_default(),
        sha256: written.sha256,
        zip_bytes: written.zip_bytes,
        unzipped_bytes: written.unzipped_bytes,
        files: written.entries,
        packages,
        python: interpreter.version.clone(),
        not_compiled: files.iter().filter(is_without_bytecode).count(),
        warnings,
        reused: false,
        elapsed: start.elapsed(),
    };
    let too_large =
        size_warnings(&project.member, &bundle, request).map_err(Error::from).inspect_err(refused)?;
    if let Some(key) = key {
        let kept =
            store.keep_bundle(&key, &bundle).map_err(|error| ArchiveError::not_writable(&zip, error))?;
        if let Some(kept) = kept {
            lend(&kept, path.as_deref())?;
        }
        store.remember(&handler_key(&key, request), "found");
        store.keep_small();
    }
    bundle.warnings.extend(too_large);
    bundle.warnings.extend(means.no_store);
    bundle.elapsed = start.elapsed();
    Ok(bundle)
}

/// What a bundle is made of and with, found before anything of it is made.
#[derive(Debug)]
pub(crate) struct Means<'a> {
    request: &'a Request,
    conditions: &'a Conditions,
    /// What is known.
    pub store: Store,
    /// Why nothing is known, where that was not asked for.
    no_store: Option<Warning>,
    /// Of which project.
    pub project: Project,
    /// The uv that installs.
    pub uv: Uv,
    /// The Python that compiles.
    pub interpreter: Interpreter,
    /// What markers mean on the target.
    pub environment: MarkerEnvironment,
}

impl<'a> Means<'a> {
    /// Finds them.
    pub fn find(request: &'a Request, conditions: &'a Conditions) -> Result<Self, Error> {
        let (store, no_store) = open_store(request, conditions);
        let project = Project::open(request)?;
        let uv = Uv::find(request, &store)?.with_cache(&conditions.cache);
        let interpreter = Interpreter::find(request, &project, &uv, &store)?;
        let environment = marker_environment(request.target, &interpreter.version)
            .ok_or_else(|| Error::Bug(format!("`{}` is no version", interpreter.version)))?;
        Ok(Self { request, conditions, store, no_store, project, uv, interpreter, environment })
    }

    /// Everything that ships, in packs. `lock` is the key of the answer to whether the lock is right.
    pub fn gather(
        &self,
        reach: &Reach<'_>,
        identity: &Identity<'_>,
        lock: &Key,
        work: &Path,
    ) -> Result<Gathered, Error> {
        let Self { request, conditions, store, project, uv, interpreter, .. } = self;
        let staged = stage(project, reach, &work.join("workspace"))?;
        if store.fact(lock).is_none() {
            check_lock(project, &staged, uv, interpreter)?;
            store.remember(lock, "matches");
        }
        Gathering { request, project, uv, interpreter, conditions, store, staged: &staged, work }
            .gather(reach, identity)
    }
}

fn measured<'a>(
    member: &'a str,
    packages: &'a [PackageReport],
    unzipped_bytes: u64,
    request: &Request,
) -> Measured<'a> {
    Measured { member, packages, unzipped_bytes, layer_bytes: layer::unzipped_bytes(&request.layers) }
}

/// Checks that the bundle is small enough, and returns what the user should be warned of.
fn size_warnings(member: &str, bundle: &Bundle, request: &Request) -> Result<Vec<Warning>, SizeError> {
    let Bundle { packages, unzipped_bytes, zip_bytes, .. } = bundle;
    let measured = measured(member, packages, *unzipped_bytes, request);
    let unzipped = measured.check_unzipped(request.max_size)?;
    let zipped = measured.check_zipped(*zip_bytes, request.max_size)?;
    Ok(unzipped.into_iter().chain(zipped).collect())
}

/// Gives a kept zip to where it is wanted.
fn lend(kept: &Kept, path: Option<&Path>) -> Result<(), ArchiveError> {
    path.map_or(Ok(()), |path| kept.lend(path).map_err(|error| ArchiveError::not_writable(path, error)))
}

/// The store of the request. Where it cannot be used, everything is made, and a warning says why it takes so long.
fn open_store(request: &Request, conditions: &Conditions) -> (Store, Option<Warning>) {
    let Some(folder) = request.store.as_ref().filter(|_| conditions.store) else {
        return (Store::none(), None);
    };
    match Store::open(folder) {
        Ok(store) => (store, None),
        Err(error) => {
            let message = format!(
                "nothing is kept for the next time, since the cache folder `{}` cannot be used: {error}",
                folder.display()
            );
            (Store::none(), Some(Warning { code: "CACHE_NOT_USABLE".into(), message }))
        }
    }
}

/// The key of the answer to whether the handler is in the bundle.
fn handler_key(bundle: &Key, request: &Request) -> Key {
    Key::of("handler", &json!([bundle.to_string(), request.handler]))
}

/// Looks for the module of the handler. `None` where nobody names one, and where it may be in a layer and is not here.
fn find_handler<'a>(
    files: &BTreeMap<&'a str, &PackedFile>,
    request: &'a Request,
) -> Result<Option<Handler<'a>>, HandlerError> {
    let Some(handler) = &request.handler else { return Ok(None) };
    match check_handler(handler, files.keys().copied()) {
        Err(_) if layer::may_hold(&request.layers, handler) => Ok(None),
        found => found.map(Some),
    }
}

/// Checks that the function of the handler is in its module. What was found out about a module is remembered.
fn check_function(
    found: Option<&Handler<'_>>,
    files: &BTreeMap<&str, &PackedFile>,
    request: &Request,
    interpreter: &Interpreter,
    store: &Store,
) -> Result<(), Error> {
    let Some(found) = found else { return Ok(()) };
    let Some(file) = found.source.and_then(|path| files.get(path)) else { return Ok(()) };
    let key = Key::of("function", &json!([request.handler, file.digest, interpreter.version]));
    if store.fact(&key).is_none() {
        found.check_attribute(&file.read().map_err(ArchiveError::Read)?, interpreter)?;
        store.remember(&key, "defined");
    }
    Ok(())
}

/// Checks that what ships fits the target, and returns what may not.
fn check(files: &BTreeMap<&str, &PackedFile>, request: &Request) -> Result<Vec<Warning>, Error> {
    let mut texts = BTreeMap::new();
    for (path, file) in files.iter().filter(|(path, _)| check::is_read(path)) {
        texts.insert(*path, file.read().map_err(ArchiveError::Read)?);
    }
    let files: Vec<CheckedFile<'_>> = files
        .iter()
        .map(|(path, file)| {
            let known = check::Contents::Known(file.elf.as_ref());
            let contents = texts.get(path).map_or(known, |text| check::Contents::Bytes(text));
            CheckedFile { path, contents }
        })
        .collect();
    let findings = check::check(&files, request.target)?;
    Ok(findings
        .iter()
        .map(|finding| Warning { code: finding.code().into(), message: finding.to_string() })
        .collect())
}

/// The entries of the archive.
fn entries(files: &BTreeMap<&str, &PackedFile>, request: &Request) -> Vec<Entry> {
    let folder = folder_in_zip(request.layer.is_some());
    let python = request.target.python;
    let mut entries = Vec::with_capacity(2 * files.len());
    for (path, file) in files {
        let contents = Contents::Piece(file.contents.clone());
        entries.push(Entry { path: format!("{folder}{path}"), contents });
        if let Some(bytecode) = &file.bytecode {
            let contents = Contents::Piece(bytecode.clone());
            entries.push(Entry { path: format!("{folder}{}", bytecode::pyc_path(path, python)), contents });
        }
    }
    entries
}

fn package_reports(packs: &[Pack], files: &BTreeMap<&str, &PackedFile>) -> Vec<PackageReport> {
    let size = |path: &String| {
        files.get(path.as_str()).map_or(0, |file| {
            file.contents.shape.size + file.bytecode.as_ref().map_or(0, |bytecode| bytecode.shape.size)
        })
    };
    let mut reports: Vec<PackageReport> = packs
        .iter()
        .flat_map(|pack| &pack.packages)
        .map(|package| PackageReport {
            name: package.name.clone(),
            version: package.version.clone(),
            bytes: package.files.iter().map(size).sum(),
        })
        .collect();
    reports.sort_by(|left, right| left.name.cmp(&right.name));
    reports
}
