//! All bundles that a caller asks for at once.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

use super::prefetch_list;
use crate::bundle::bundle;
use crate::error::{Error, caught};
use crate::plan::subject::Subject;
use crate::report::Bundle;
use crate::request::Request;
use crate::support::threads::on_threads;
use crate::workspace::Workspace;

/// Builds many bundles on all cores, each into the folder beside its request. A package that several of them need is built once. The
/// results are in the order of the requests. If two requests would write the same zip, this is an error, and nothing is built.
pub fn bundle_all(requests: &[(Request, PathBuf)]) -> Result<Vec<Result<Bundle, Error>>, Error> {
    refuse_same_output(requests)?;
    let prefetch = requests.first().and_then(|(request, _)| {
        let bundle = |request: &Request| {
            let Request { package, runtime, architecture, .. } = request;
            format!("{package:?} {runtime:?} {architecture:?}")
        };
        let bundles: BTreeSet<String> = requests.iter().map(|(request, _)| bundle(request)).collect();
        prefetch_list::of(request, &json!(["all", bundles]))
    });
    if let Some(prefetch) = &prefetch {
        prefetch.begin_at_first_miss();
    }
    let bundles = on_threads(requests, |(request, output)| caught(|| bundle(request, output)));
    let is_new = |bundle: &Result<Bundle, Error>| bundle.as_ref().is_ok_and(|bundle| !bundle.reused);
    // With hits or errors, the list would lack something.
    if let Some(prefetch) = prefetch.filter(|_| bundles.iter().all(is_new)) {
        prefetch.replace();
    }
    Ok(bundles)
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
