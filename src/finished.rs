//! Finished: checks a zip against the request, and delivers it to the output folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use crate::archive::{ArchiveError, ZipReader};
use crate::check;
use crate::error::Error;
use crate::plan::Plan;
use crate::plan::cache_keys::{Keys, sha256};
use crate::report::{Bundle, Warning};
use crate::request::layers;
use crate::store::{CachedBundle, DeliverError, Key, move_to};
use crate::workshop::Workshop;

/// A zip with its report.
#[derive(Debug)]
pub struct Finished {
    report: Bundle,
    /// The file name that the zip gets in the output folder.
    zip_name: String,
    zip: Zip,
    /// The key of the zip, if it is cached.
    key: Option<Key>,
    /// What was found of the handler of the request while the zip was made.
    handler: Option<Result<(), Error>>,
}

#[derive(Debug)]
enum Zip {
    Cached(Box<CachedBundle>),
    /// In the working folder, or in the store, if its note could not be written.
    NotCached(PathBuf),
}

impl Finished {
    /// The cached zip of these keys. The check of the lock has to be cached too: the lock may be out of date though the sources are
    /// the same.
    pub fn cached(plan: &Plan<'_>, workshop: &Workshop, keys: &Keys) -> Option<Self> {
        workshop.store.shared_fact(&keys.lock)?;
        let cached = workshop.store.bundle(keys.bundle.as_ref()?)?;
        Some(Self::reused(cached, plan.subject.zip_name()))
    }

    /// A zip of the cache.
    fn reused(cached: CachedBundle, zip_name: String) -> Self {
        let report = Bundle { reused: true, ..cached.report.clone() };
        let key = Some(cached.key.clone());
        Self { report, zip_name, key, zip: Zip::Cached(Box::new(cached)), handler: None }
    }

    /// A zip of the cache that was already checked for the same request, with the warnings of that check.
    pub fn unchanged(cached: CachedBundle, zip_name: String, warnings: Vec<Warning>) -> Self {
        let mut unchanged = Self::reused(cached, zip_name);
        unchanged.report.warnings = warnings;
        unchanged
    }

    /// Caches the zip at `place`, if it has a key.
    pub fn keep(
        plan: &Plan<'_>,
        workshop: &Workshop,
        key: Option<Key>,
        place: PathBuf,
        report: Bundle,
        handler: Result<(), Error>,
    ) -> Self {
        let (zip_name, handler) = (plan.subject.zip_name(), Some(handler));
        let Some(key) = key else {
            return Self { report, zip_name, zip: Zip::NotCached(place), key: None, handler };
        };
        let zip = match workshop.store.keep_bundle(&key, &report) {
            Some(cached) => Zip::Cached(Box::new(cached)),
            None => Zip::NotCached(place),
        };
        workshop.store.keep_small();
        Self { report, zip_name, zip, key: Some(key), handler }
    }

    /// The key of the zip, if it is cached.
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref().filter(|_| matches!(self.zip, Zip::Cached(_)))
    }

    /// The warnings.
    pub fn warnings(&self) -> &[Warning] {
        &self.report.warnings
    }

    /// Adds a warning.
    pub fn warn(&mut self, warning: Option<Warning>) {
        self.report.warnings.extend(warning);
    }

    fn zip_path(&self) -> &Path {
        match &self.zip {
            Zip::Cached(cached) => &cached.zip,
            Zip::NotCached(path) => path,
        }
    }

    /// Checks that the handler of the request is in the zip, and that the zip is small enough. Otherwise the
    /// request fails, but the zip stays in the store for others.
    pub fn check(&mut self, plan: &Plan<'_>, workshop: &Workshop) -> Result<(), Error> {
        let warnings = self.size_warnings(plan)?;
        self.report.warnings.extend(warnings);
        let answer = self.key.as_ref().and_then(|key| plan.key_of_handler(key));
        if answer.as_ref().is_some_and(|answer| workshop.store.shared_fact(answer).is_some()) {
            return Ok(());
        }
        match self.handler.take() {
            Some(found) => found?,
            None => self.look_for_handler(plan, workshop)?,
        }
        if let Some(answer) = answer {
            workshop.store.remember_shared(&answer, "found");
        }
        Ok(())
    }

    /// Looks for the handler in the zip.
    fn look_for_handler(&self, plan: &Plan<'_>, workshop: &Workshop) -> Result<(), Error> {
        let mut zip = ZipReader::open(self.zip_path())?;
        let names: Vec<String> = (0..zip.entries())
            .map(|number| Ok(zip.header(number)?.name))
            .collect::<Result<_, ArchiveError>>()?;
        check_handler(plan, workshop, names.iter().map(String::as_str), |path| {
            let number = names.iter().position(|name| name == path).unwrap_or_default();
            let mut source = Vec::new();
            zip.entry(number)?.for_each_part(|part| source.extend_from_slice(part))?;
            Ok(source)
        })
    }

    fn size_warnings(&self, plan: &Plan<'_>) -> Result<Vec<Warning>, Error> {
        let Bundle { packages, unzipped_bytes, zip_bytes, .. } = &self.report;
        let unzipped = check::check_unzipped(plan, packages, *unzipped_bytes)?;
        let zipped = check::check_zipped(plan, packages, *unzipped_bytes, *zip_bytes)?;
        Ok(unzipped.into_iter().chain(zipped).collect())
    }

    /// Delivers the zip to the output folder, if there is one, and completes the report.
    pub fn deliver(self, output: Option<&Path>, start: Instant) -> Result<Bundle, Error> {
        let path = output.map(|output| output.join(&self.zip_name));
        if let Some(path) = &path {
            let delivered = match &self.zip {
                Zip::Cached(cached) => cached.deliver(path),
                Zip::NotCached(zip) => move_to(zip, path),
            };
            delivered.map_err(|error| match error {
                DeliverError::Output(error) => Error::from(ArchiveError::not_writable(path, error)),
                DeliverError::Cache(error) => Error::CacheBroke(error),
            })?;
        }
        Ok(Bundle { zip_path: path.unwrap_or_default(), elapsed: start.elapsed(), ..self.report })
    }
}

/// Checks that the handler of the request, if it names one, is among the files at `paths`, whose contents `read` gives.
pub fn check_handler<'a>(
    plan: &'a Plan<'_>,
    workshop: &Workshop,
    paths: impl Iterator<Item = &'a str>,
    read: impl FnOnce(&str) -> Result<Vec<u8>, Error>,
) -> Result<(), Error> {
    let Some(handler) = &plan.request.handler else { return Ok(()) };
    let found = match check::check_handler(handler, paths) {
        // The layers of the function may have its module.
        Err(_) if layers::may_hold(&plan.request.layers, handler) => return Ok(()),
        found => found?,
    };
    let Some(path) = found.source else { return Ok(()) };
    let source = read(path)?;
    let function = Key::of("function", &json!([handler, sha256(&source), workshop.interpreter.version]));
    if workshop.store.fact(&function).is_none() {
        found.check_attribute(&source, &workshop.interpreter)?;
        workshop.store.remember(&function, "defined");
    }
    Ok(())
}
