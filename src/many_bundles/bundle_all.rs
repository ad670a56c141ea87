//! All bundles that a caller asks for at once.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, available_parallelism};

use crate::bundle::bundle;
use crate::error::{Error, caught};
use crate::plan::subject::Subject;
use crate::report::Bundle;
use crate::request::Request;
use crate::workspace::Workspace;

/// Builds many bundles on all cores, each into the folder beside its request. A package that several of them need is built once. The
/// results are in the order of the requests. If two requests would write the same zip, this is an error, and nothing is built.
pub fn bundle_all(requests: &[(Request, PathBuf)]) -> Result<Vec<Result<Bundle, Error>>, Error> {
    refuse_same_output(requests)?;
    // New threads: a bundle waits for packages that another one builds, and a thread of the pool must not wait.
    let workers = available_parallelism().map_or(1, NonZeroUsize::get).min(requests.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        while let Some((index, (request, output))) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            requests.get(index).map(|request| (index, request))
        } {
            made.push((index, caught(|| bundle(request, output))));
        }
        made
    };
    let mut made: Vec<(usize, Result<Bundle, Error>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    made.sort_by_key(|(index, _)| *index);
    Ok(made.into_iter().map(|(_, result)| result).collect())
}

/// Refuses requests that would write one zip over the other.
fn refuse_same_output(requests: &[(Request, PathBuf)]) -> Result<(), Error> {
    let mut outputs = BTreeSet::new();
    for (request, output) in requests {
        // A request that cannot be read has its error later.
        let Ok(workspace) = Workspace::glance(&request.path) else { continue };
        let Ok(subject) = Subject::of(request, &workspace) else { continue };
        let zip = output.join(subject.zip_name());
        if outputs.contains(&zip) {
            return Err(Error::SameOutput { zip });
        }
        outputs.insert(zip);
    }
    Ok(())
}
