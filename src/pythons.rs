//! Pythons: which one would compile for each runtime, and why. Downloads nothing.

use std::path::PathBuf;

use serde::Serialize;

use crate::error::Error;
use crate::plan::subject;
use crate::request::{Options, Request};
use crate::target::{PythonVersion, Target, pinned_python};
use crate::tools::interpreter::{Choice, Origin, Outlook, Question};
use crate::tools::uv::Uv;
use crate::workshop::{StoreUse, WorkshopError, open_store};
use crate::workspace::find_root;

/// The Python of one runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimePython {
    /// The name of the runtime, such as `python3.13`.
    pub runtime: String,
    /// The full version that this release names for the runtime.
    pub default: Option<String>,
    /// The full version that would compile; `None` if there is no such Python.
    pub version: Option<String>,
    /// Its executable; `None` if it is not on this machine.
    pub path: Option<PathBuf>,
    /// Why it is this one, or why there is none.
    pub source: PythonSource,
    /// The same as a sentence.
    pub reason: String,
}

/// Why a Python would compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PythonSource {
    /// The option `python`.
    Option,
    /// A full version in `.python-version`.
    VersionFile,
    /// The default of this release, which is installed.
    Default,
    /// The default of this release, which uv would download.
    Download,
    /// Found on this machine; bundles have the warning `PYTHON_NOT_PINNED`.
    Found,
    /// None.
    None,
}

/// The Python of the runtime in these options, or else of every runtime, for bundles of the project. Fails if there is no uv.
pub fn pythons(options: Options) -> Result<Vec<RuntimePython>, Error> {
    let request = Request::new(options)?;
    let (store, _) = open_store(&request, &StoreUse::AsRequested);
    let uv = Uv::find(&request, &store).map_err(WorkshopError::Uv)?;
    let project = find_root(&request.path).ok();
    let path = request.path.as_path();
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let version_file = subject::pinned_python(folder, project.as_deref().unwrap_or(folder));
    let runtimes = Target::pythons().filter(|python| request.runtime.is_none_or(|wanted| *python == wanted));
    Ok(runtimes
        .map(|runtime| {
            let question = Question {
                asked: request.python.as_ref(),
                version_file: version_file.as_deref(),
                runtime,
                project: project.as_deref(),
                uv: &uv,
            };
            let default = pinned_python(runtime);
            match question.foresee(&store) {
                Ok(Outlook::Chosen(choice)) => chosen(runtime, default, choice),
                Ok(Outlook::Download(version)) => to_download(runtime, default, version, &question),
                Err(error) => RuntimePython {
                    runtime: runtime.runtime_name(),
                    default,
                    version: None,
                    path: None,
                    source: PythonSource::None,
                    reason: error.to_string(),
                },
            }
        })
        .collect())
}

fn chosen(runtime: PythonVersion, default: Option<String>, choice: Choice) -> RuntimePython {
    let (source, reason) = match choice.origin {
        Origin::Option => (PythonSource::Option, "the option `python` names it".to_owned()),
        Origin::VersionFile => (PythonSource::VersionFile, "`.python-version` names it".to_owned()),
        Origin::Release => (PythonSource::Default, "the default, which is installed".to_owned()),
        Origin::Found { pinned, missing } => (
            PythonSource::Found,
            format!("found on this machine; the default is {pinned}: {}", missing.reason),
        ),
    };
    RuntimePython {
        runtime: runtime.runtime_name(),
        default,
        version: Some(choice.interpreter.version),
        path: Some(choice.interpreter.path),
        source,
        reason,
    }
}

fn to_download(
    runtime: PythonVersion,
    default: Option<String>,
    version: String,
    question: &Question<'_>,
) -> RuntimePython {
    let (source, reason) = match (question.asked, question.version_file) {
        (Some(_), _) => {
            (PythonSource::Option, "the option `python` names it; uv downloads it for the first bundle")
        }
        (None, Some(_)) => {
            (PythonSource::VersionFile, "`.python-version` names it; uv downloads it for the first bundle")
        }
        (None, None) => (PythonSource::Download, "the default; uv downloads it for the first bundle"),
    };
    RuntimePython {
        runtime: runtime.runtime_name(),
        default,
        version: Some(version),
        path: None,
        source,
        reason: reason.to_owned(),
    }
}
