//! One bundle: the walk through the pipeline, from a request to a zip.

use std::panic::resume_unwind;
use std::path::Path;
use std::thread;
use std::time::{Instant, SystemTime};

use crate::archive;
use crate::check;
use crate::error::Error;
use crate::finished::{Finished, check_handler};
use crate::install::{InstallError, SourceBuilds, check_lock, known_backends, stage};
use crate::pack::Pack;
use crate::pack::bundle_files::BundleFiles;
use crate::pack::find_or_make::{Packs, find_or_make};
use crate::plan::Plan;
use crate::plan::cache_keys::Keys;
use crate::plan::subject::Subject;
use crate::remote::{Kind, ObjectName};
use crate::report::{Bundle, Warning};
use crate::request::Request;
use crate::select::SelectError;
use crate::statistics;
use crate::store::Key;
use crate::target::PythonVersion;
use crate::unchanged;
use crate::workshop::{Conditions, StoreUse, Workshop, open_store};
use crate::workspace::Workspace;

/// Builds the bundle that `request` asks for, as `<package>.zip` in the folder `output`.
pub fn bundle(request: &Request, output: &Path) -> Result<Bundle, Error> {
    bundle_under(request, output, &Conditions::default())
}

/// Builds the bundle as [`bundle`] does, under conditions of the caller.
pub fn bundle_under(request: &Request, output: &Path, conditions: &Conditions) -> Result<Bundle, Error> {
    unchanged_or_built(request, Some(output), conditions, || ())
}

/// Builds the bundle as [`bundle`] does. If something changed since it was built, calls `before_build` first.
pub fn bundle_announced(
    request: &Request,
    output: &Path,
    before_build: impl FnOnce(),
) -> Result<Bundle, Error> {
    unchanged_or_built(request, Some(output), &Conditions::default(), before_build)
}

/// Builds the bundle into the store only, for a later request.
pub fn prepare(request: &Request) -> Result<(), Error> {
    if request.store.is_none() {
        return Ok(());
    }
    unchanged_or_built(request, None, &Conditions::default(), || ()).map(drop)
}

/// Delivers the bundle if nothing changed since it was built; else calls `before_build`, and builds it.
fn unchanged_or_built(
    request: &Request,
    output: Option<&Path>,
    conditions: &Conditions,
    before_build: impl FnOnce(),
) -> Result<Bundle, Error> {
    let start = Instant::now();
    let unchanged = unchanged::find(request, &open_store(request, &conditions.store).0);
    // If the cache breaks here, the build reports it.
    let unchanged = unchanged.and_then(|finished| finished.deliver(output, start).ok());
    let mut bundle = if let Some(bundle) = unchanged {
        bundle
    } else {
        before_build();
        built(request, output, conditions)?
    };
    if let Some(store) = request.store.as_deref().filter(|_| conditions.store == StoreUse::AsRequested) {
        statistics::count(store, &bundle);
    }
    // Here, because it depends on the day, so it is never cached.
    let python = PythonVersion::of_full(&bundle.python);
    bundle.warnings.extend(python.and_then(|python| check::check_runtime_support(python, conditions.time)));
    Ok(bundle)
}

/// Builds the bundle, on as many threads as the conditions say.
fn built(request: &Request, output: Option<&Path>, conditions: &Conditions) -> Result<Bundle, Error> {
    let Some(workers) = conditions.workers else { return undamaged(request, output, conditions) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers.get()).build().map_err(Error::Threads)?;
    pool.install(|| undamaged(request, output, conditions))
}

/// Builds the bundle. If a cached pack is damaged, removes it and builds once more. If the cache cannot be read or written, builds
/// once more without it, and adds a warning.
fn undamaged(request: &Request, output: Option<&Path>, conditions: &Conditions) -> Result<Bundle, Error> {
    let store = || open_store(request, &conditions.store).0;
    match walk(request, output, conditions) {
        Err(error) if error.is_damage() => {
            Pack::remove_damaged(&store());
            walk(request, output, conditions)
        }
        Err(error) if error.may_be_the_cache(output) && store().is_used() => {
            let conditions = Conditions { store: StoreUse::Never, ..conditions.clone() };
            let mut bundle = walk(request, output, &conditions)?;
            bundle.warnings.push(Warning::cache_not_usable(&error.message()));
            Ok(bundle)
        }
        outcome => outcome,
    }
}

/// The walk through the stages. Without an output folder, the bundle is only cached.
fn walk(request: &Request, output: Option<&Path>, conditions: &Conditions) -> Result<Bundle, Error> {
    let (start, begun) = (Instant::now(), SystemTime::now());
    let workspace = Workspace::open(&request.path)?;
    let subject = Subject::of(request, &workspace)?;
    let workshop = Workshop::open(request, &workspace, &subject, conditions)?;
    let plan = Plan::new(request, &workspace, &subject, &workshop.interpreter.version)?;
    // Before the sources are read, because that takes longest if they are too large.
    check::check_sources(&plan)?;
    let keys = expected_keys(&plan, &workshop)?;

    // Another process may be building the same bundle. After the wait, it is cached.
    let _lock = workshop.store.lock(&keys.bundle, &format!("bundles `{}`", subject.member));
    let cached = Finished::cached(&plan, &workshop, &keys);
    let is_new = cached.is_none();
    let (mut finished, keys) = if let Some(cached) = cached {
        (cached, keys)
    } else {
        workshop.fetch(&shared_entries(&plan, &keys));
        make(&plan, &workshop, &keys)?
    };
    finished.check(&plan, &workshop)?;
    if is_new {
        workshop.send(&[backends_of(&plan, &workshop), shared_entries(&plan, &keys)].concat());
    }
    // Before the record: the next bundle only takes longer without it, so it is no reason for a warning.
    let cache_warning = workshop.cache_warning();
    unchanged::record(&plan, &workshop, &finished, begun);
    finished.warn(workshop.python_warning.clone());
    finished.warn(cache_warning);
    if output.is_some() {
        workshop.remote_warnings().into_iter().for_each(|warning| finished.warn(Some(warning)));
    }
    finished.deliver(output, start)
}

/// The keys of a bundle, if nobody changes its sources now. Asks a remote store for the versions of build requirements that are not
/// known here.
pub(crate) fn expected_keys(plan: &Plan<'_>, workshop: &Workshop) -> Result<Keys, Error> {
    workshop.fetch(&backends_of(plan, workshop));
    Ok(plan.keys(&workshop.versions, &plan.digest_sources()?, &known_backends(plan, workshop)))
}

/// The versions of the build requirements of the source packages, as entries that a remote store may have. The keys of these packages
/// need them.
fn backends_of(plan: &Plan<'_>, workshop: &Workshop) -> Vec<ObjectName> {
    let keys =
        plan.source_packages.iter().filter_map(|source| plan.key_of_backend(source, &workshop.versions));
    keys.map(|key| ObjectName { kind: Kind::Fact, key }).collect()
}

/// The entries of a bundle that a remote store may have: its packs, and the results of checks that would start a process.
pub(crate) fn shared_entries(plan: &Plan<'_>, keys: &Keys) -> Vec<ObjectName> {
    let packs = keys.packages.iter().filter_map(|package| package.key.clone());
    let handler = keys.bundle.as_ref().and_then(|bundle| plan.key_of_handler(bundle));
    let facts = std::iter::once(keys.lock.clone()).chain(handler);
    packs
        .map(|key| ObjectName { kind: Kind::Pack, key })
        .chain(facts.map(|key| ObjectName { kind: Kind::Fact, key }))
        .collect()
}

/// Gathers the packs of everything that ships. `expected` are the keys of the sources where they lie. If the store lacks one of these
/// packs, the sources are staged, and the missing packs are made (install, select, bytecode, pack).
pub(crate) fn gather(plan: &Plan<'_>, workshop: &Workshop, expected: &Keys) -> Result<(Packs, Keys), Error> {
    if workshop.store.shared_fact(&expected.lock).is_some()
        && let Some(packs) = Packs::all_cached(plan, workshop, expected)
    {
        return Ok((packs, expected.clone()));
    }
    let staged = stage(plan, &workshop.folder()?.join("workspace"))?;
    // Builds see the staged files, and an editor may have changed some of them since they were digested.
    check_lock(plan, workshop, &staged, &plan.key_of_lock(&workshop.versions, &staged.digests))?;
    let builds = SourceBuilds::resolve(plan, workshop).map_err(InstallError::from)?;
    let keys = plan.keys(&workshop.versions, &staged.digests, &builds.backends);
    // Packages that are built from their source have a key only now, unless their build requirements were resolved earlier.
    workshop.fetch(&shared_entries(plan, &keys));
    Ok((find_or_make(plan, workshop, &staged, &builds, &keys)?, keys))
}

/// Makes the zip: gather, check, archive, cache. Returns the keys of the contents that were built.
fn make(plan: &Plan<'_>, workshop: &Workshop, expected: &Keys) -> Result<(Finished, Keys), Error> {
    let is_checked = |bundle: Option<&Key>| {
        let check = bundle.and_then(|bundle| plan.key_of_handler(bundle));
        check.is_some_and(|check| workshop.store.shared_fact(&check).is_some())
    };
    if plan.request.handler.is_some() && !is_checked(expected.bundle.as_ref()) {
        check::start_early(&workshop.interpreter);
    }
    let (packs, keys) = gather(plan, workshop, expected)?;
    let files = BundleFiles::of(packs.shipping());
    if files.is_empty() {
        return Err(SelectError::Empty { member: plan.subject.member.clone() }.into());
    }
    let mut warnings = [packs.warnings.clone(), files.warnings()].concat();
    warnings.extend(check::check_names(plan));
    warnings.extend(check::check_files(&files, plan.subject.target)?);
    // Before the zip is written, because that takes longest if the bundle is too large.
    check::check_unzipped(plan, &files.package_reports(), files.unzipped_bytes())?;

    let key = keys.bundle.clone().filter(|_| packs.are_as_planned());
    let place = workshop.place_of_zip(key.as_ref())?;
    let entries = files.entries(plan.subject.kind, plan.subject.target.python);
    let (written, handler) = thread::scope(|scope| {
        let paths = files.files.keys().copied();
        let handler = scope.spawn(|| {
            if is_checked(key.as_ref()) {
                return Ok(());
            }
            check_handler(plan, workshop, paths, |path| Ok(files.read(path)?))
        });
        let written = archive::write(entries, &place);
        (written, handler.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let written = written?;
    let report = Bundle {
        sha256: written.sha256,
        zip_bytes: written.zip_bytes,
        unzipped_bytes: written.unzipped_bytes,
        files: written.entries,
        packages: files.package_reports(),
        python: workshop.interpreter.version.clone(),
        not_compiled: files.not_compiled(),
        warnings,
        ..Bundle::default()
    };
    Ok((Finished::keep(plan, workshop, key, place, report, handler), keys))
}
