//! The findings of the check, and their messages.

use std::fmt;

use crate::codes::{ErrorCode, WarningCode};
use crate::support::wording;
use crate::target::{Architecture, Target};

/// A package, as its metadata names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version; empty where it has none.
    pub version: String,
}

impl fmt::Display for Package {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`", self.name)?;
        if self.version.is_empty() { Ok(()) } else { write!(formatter, " {}", self.version) }
    }
}

/// The number of tags that a message lists. Further ones add nothing: a wheel lists every policy that it
/// satisfies.
const TAGS_SHOWN: usize = 3;

/// The number of libraries that a message lists. Further ones add nothing: a graphical program lacks a whole
/// desktop.
const LIBRARIES_SHOWN: usize = 5;

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The function cannot work: the bundle is refused.
    Refused(ErrorCode),
    /// The function may work, because the file may never be loaded, or a layer may have the missing library:
    /// the user is warned.
    Warning(WarningCode),
}

/// One thing in a bundle that does not fit the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The package that brought the file; `None` for a file of the project itself.
    pub package: Option<Package>,
    /// The file: the first one, where several of a package have the same problem.
    pub file: String,
    /// How many more files of the package have the same problem.
    pub more_files: usize,
    /// The problem.
    pub problem: Problem,
    /// Whether the bundle is refused, and the stable code.
    pub severity: Severity,
    /// The target it does not fit.
    pub target: Target,
}

/// A problem of a file or a wheel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// An ELF file for another CPU.
    WrongArchitecture {
        /// The CPU it is for, as in wheel tags.
        found: String,
    },
    /// An ELF file that needs a newer glibc than the runtime's.
    GlibcTooNew {
        /// The newest version it needs, as (major, minor).
        needed: (u16, u16),
        /// The symbol version that says so, such as `GLIBC_2.28`.
        symbol_version: String,
    },
    /// An ELF file that needs a newer library of the compiler than the runtime's.
    LibraryTooNew {
        /// The symbol version it needs, such as `GLIBCXX_3.4.30`.
        symbol_version: String,
        /// The newest one that the runtime has.
        newest: String,
        /// The library that has them, such as `libstdc++.so.6`.
        library: &'static str,
    },
    /// An ELF file for a system with musl instead of glibc.
    NeedsMusl {
        /// The library of musl that it needs.
        library: String,
    },
    /// An ELF file that needs libraries that are neither in the bundle nor in the runtime.
    MissingLibrary {
        /// The libraries, sorted: those of every file that the finding is about.
        libraries: Vec<String>,
    },
    /// A wheel for other Pythons or platforms.
    WrongWheelTag {
        /// The tags of the wheel.
        tags: Vec<String>,
    },
    /// An extension module that only another Python loads by its name, without one for the target's beside
    /// it.
    WrongExtensionTag {
        /// The tag in its name.
        tag: String,
    },
}

impl Problem {
    /// Adds the libraries that another file with the same finding lacks.
    pub(super) fn join(&mut self, other: Self) {
        if let (Self::MissingLibrary { libraries }, Self::MissingLibrary { libraries: others }) =
            (self, other)
        {
            libraries.extend(others);
            libraries.sort();
            libraries.dedup();
        }
    }
}

impl Finding {
    /// The stable code of the error, if the bundle is refused.
    pub fn refusal(&self) -> Option<ErrorCode> {
        match self.severity {
            Severity::Refused(code) => Some(code),
            Severity::Warning(_) => None,
        }
    }

    /// The stable code of the warning, if the bundle is not refused.
    pub fn warning(&self) -> Option<WarningCode> {
        match self.severity {
            Severity::Refused(_) => None,
            Severity::Warning(code) => Some(code),
        }
    }

    /// "choose a version of `numpy` with a wheel for …", or advice about a file of the project itself.
    fn another(&self, needs: &str) -> String {
        match &self.package {
            Some(package) => format!("a version of `{}` with a wheel for {needs}", package.name),
            None => format!("a build of the file for {needs}, or leave it out of the bundle"),
        }
    }

    fn glibc_advice(&self, needed: (u16, u16)) -> String {
        let (major, minor) = self.target.system.glibc();
        let another = self.another(&format!("glibc {major}.{minor} or older"));
        match first_runtime_with(needed) {
            Some(runtime) => format!("choose the runtime {runtime} or newer, or {another}"),
            None => format!("no Lambda runtime has it; choose {another}"),
        }
    }
}

/// The oldest runtime whose glibc is new enough.
fn first_runtime_with(glibc: (u16, u16)) -> Option<String> {
    Target::runtime_names()
        .iter()
        // The CPU does not matter here: both have the same systems.
        .filter_map(|name| Target::new(name, Architecture::X86_64))
        .find(|target| target.system.glibc() >= glibc)
        .map(Target::runtime_name)
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target;
        let (name, system, machine) =
            (target.runtime_name(), target.system.name(), target.architecture.machine());
        let runtime = format!("{name} on Lambda ({system})");
        let runtime_on_cpu = format!("{name} on Lambda {} ({system})", target.architecture.lambda_name());
        let (major, minor) = target.system.glibc();
        if let Some(package) = &self.package {
            write!(formatter, "{package}: ")?;
        }
        let file = match self.more_files {
            0 => format!("`{}`", self.file),
            1 => format!("`{}` and 1 more file", self.file),
            more => format!("`{}` and {more} more files", self.file),
        };
        let (is, needs, it) = match self.more_files {
            0 => ("is", "needs", "it"),
            _ => ("are", "need", "them"),
        };
        match &self.problem {
            Problem::WrongArchitecture { found } => {
                write!(formatter, "{file} {is} for {found}, but {runtime_on_cpu} takes {machine}: ")?;
                if self.refusal().is_none() {
                    return write!(
                        formatter,
                        "loading {it} fails; if the function needs {it}, choose {}",
                        self.another(machine)
                    );
                }
                formatter.write_str("choose ")?;
                if let Some(other) = Architecture::ALL.iter().find(|other| other.machine() == *found) {
                    write!(formatter, "the architecture `{}`, or ", other.lambda_name())?;
                }
                formatter.write_str(&self.another(machine))
            }
            Problem::GlibcTooNew { needed, symbol_version } => write!(
                formatter,
                "{file} {needs} `{symbol_version}`, but {runtime} has glibc {major}.{minor}: {}",
                self.glibc_advice(*needed)
            ),
            Problem::LibraryTooNew { symbol_version, newest, library } => write!(
                formatter,
                "{file} {needs} `{symbol_version}`, but the `{library}` of {runtime} has `{newest}` at most: \
                 choose {}",
                self.another(system)
            ),
            Problem::NeedsMusl { library } => write!(
                formatter,
                "{file} {needs} `{library}`, made for systems with musl, such as Alpine Linux, but {runtime} has \
                 glibc: choose {}",
                self.another("manylinux")
            ),
            Problem::MissingLibrary { libraries } => {
                let shown = &libraries[..libraries.len().min(LIBRARIES_SHOWN)];
                write!(formatter, "{file} {needs} {}", wording::list(shown))?;
                if libraries.len() > shown.len() {
                    write!(formatter, " (and {} more)", libraries.len() - shown.len())?;
                }
                write!(
                    formatter,
                    ", which neither the bundle nor {runtime} has: add {} to the bundle or to a layer, or loading {it} \
                     fails",
                    if libraries.len() == 1 { "the library" } else { "the libraries" }
                )
            }
            Problem::WrongWheelTag { tags } => {
                let needs = format!("Python {}, {machine} and glibc {major}.{minor} or older", target.python);
                write!(
                    formatter,
                    "its wheel is for {}, which {runtime_on_cpu} does not take: choose {}",
                    wording::list(&tags[..tags.len().min(TAGS_SHOWN)]),
                    self.another(&needs)
                )
            }
            Problem::WrongExtensionTag { tag } => write!(
                formatter,
                "{file} {is} for `{tag}` by name, and nothing beside {it} is for {runtime_on_cpu}: `import` will \
                 fail"
            ),
        }
    }
}
