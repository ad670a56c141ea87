//! Which files of a local package go into the bundle, and why the others do not: git's rules, the rules for an application's folder,
//! and the options `include` and `exclude`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::application_files::{Application, NotApplication};
use super::{PlanError, Shipping};
use crate::request::Request;
use crate::request::file_patterns::Patterns;
use crate::workspace::Workspace;
use crate::workspace::source_files::{
    BUILD_FOLDERS, Rules, SourceFile, Sources, files_outside, is_never_source_name, source_files, walk,
    with_composed_names,
};

/// The files of a local package. This is the one list that is staged, hashed and built.
#[derive(Debug, Default)]
pub struct PackageFiles {
    /// The files in the package's folder, sorted by path.
    pub inside: Vec<SourceFile>,
    /// The files outside of it that its manifest names, sorted by path, each as seen from the folder.
    pub outside: Vec<SourceFile>,
    /// The files in the folder that git would track and that are left out.
    pub left_out: Vec<(SourceFile, LeftOutBecause)>,
    /// Every other path that decides which files these are.
    pub observed: BTreeSet<PathBuf>,
}

/// Why a file that git would track is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOutBecause {
    /// It lies in the folder of an application, but does not belong to it.
    NotApplication(NotApplication),
    /// A pattern of `exclude` matches it.
    Excluded {
        /// The pattern.
        pattern: String,
    },
}

/// The choice of files for a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileChoice<'a> {
    pub request: &'a Request,
    pub workspace: &'a Workspace,
    /// The member that is bundled. The options `include` and `exclude` and the handler concern its files only.
    pub member: &'a str,
}

impl FileChoice<'_> {
    /// The files of a local package.
    pub fn files(&self, name: &str, folder: &Path, shipping: Shipping) -> Result<PackageFiles, PlanError> {
        let Self { request, workspace, member } = *self;
        let is_member = name == member;
        let mut nested = workspace.folders_inside(folder);
        let mut files = PackageFiles::default();
        if shipping == Shipping::Copy {
            nested.extend(workspace.archives_inside(folder));
        }
        match (shipping, &workspace.script) {
            (Shipping::Copy, Some(name)) if is_member => {
                let path = folder.join(name);
                files.inside = vec![SourceFile { path, relative: name.clone() }];
            }
            (Shipping::Wheel, _) => {
                let sources = source_files(folder, &nested)?;
                (files.inside, files.observed) = (sources.files, sources.observed);
                if let Some(manifest) = workspace.manifest(folder) {
                    let packages = workspace.local_folders();
                    let sources =
                        files_outside(folder, manifest, &workspace.root, packages, workspace.archives())?;
                    files.outside = sources.files;
                    files.observed.extend(sources.observed);
                }
            }
            (Shipping::Copy, _) => {
                let sources = source_files(folder, &nested)?;
                files.observed = sources.observed;
                let found = with_composed_names(sources.files)?;
                let handler = request.handler.as_deref().filter(|_| is_member);
                let application = Application::new(found.iter().map(|file| file.relative.as_str()), handler);
                for file in found {
                    match application.why_not(&file.relative, &file.path) {
                        None => files.inside.push(file),
                        Some(why) => files.left_out.push((file, LeftOutBecause::NotApplication(why))),
                    }
                }
            }
        }
        if is_member {
            self.include(folder, &nested, shipping, &mut files)?;
            self.exclude(folder, &mut files)?;
        }
        // Build backends read it as well, and would leave out again the files that `include` brought back.
        if !request.choice.include.is_empty() {
            files.inside.retain(|file| file.path.file_name().is_none_or(|name| name != ".gitignore"));
        }
        Ok(files)
    }

    /// Brings back the files that `include` names.
    fn include(
        &self,
        folder: &Path,
        nested: &[PathBuf],
        shipping: Shipping,
        files: &mut PackageFiles,
    ) -> Result<(), PlanError> {
        let mut patterns = Patterns::new(&self.request.choice.include);
        if patterns.is_empty() {
            return Ok(());
        }
        let known: BTreeSet<String> = files.inside.iter().map(|file| file.relative.clone()).collect();
        let Sources { files: found, observed } = walk(folder, folder, nested, Rules::None)?;
        files.observed.extend(observed);
        let found = if shipping == Shipping::Copy { with_composed_names(found)? } else { found };
        for file in found {
            if patterns.matching(&file.relative).is_some() && !known.contains(&file.relative) {
                files.left_out.retain(|(other, _)| *other != file);
                files.inside.push(file);
            }
        }
        files.inside.sort_by(|left, right| left.relative.cmp(&right.relative));
        match patterns.unmatched().next() {
            None => Ok(()),
            Some(pattern) if parts(pattern).any(is_never_source_name) => Err(self.nothing_matches(
                folder,
                "include",
                pattern,
                ". Repositories, environments, caches and files that hold secrets, such as `.env`, never ship: give a function its secrets in other ways",
            )),
            Some(pattern) => Err(self.nothing_matches(folder, "include", pattern, "")),
        }
    }

    /// Leaves out the files that `exclude` names.
    fn exclude(&self, folder: &Path, files: &mut PackageFiles) -> Result<(), PlanError> {
        let mut patterns = Patterns::new(&self.request.choice.exclude);
        if patterns.is_empty() {
            return Ok(());
        }
        for (file, _) in &files.left_out {
            // The pattern is not needed for a file that is left out already, but it is not a mistake.
            patterns.matching(&file.relative);
        }
        let mut excluded = Vec::new();
        for file in std::mem::take(&mut files.inside) {
            match patterns.matching(&file.relative).map(str::to_owned) {
                // A package without its manifest cannot be built.
                Some(pattern) if file.relative != "pyproject.toml" => excluded.push((file, pattern)),
                _ => files.inside.push(file),
            }
        }
        // A pattern for files that never ship is not a mistake on a machine that has no such files.
        if let Some(pattern) = patterns.unmatched().find(|pattern| !names_files_that_never_ship(pattern)) {
            return Err(self.nothing_matches(folder, "exclude", pattern, ""));
        }
        self.check_handler_ships(&files.inside, &excluded)?;
        let excluded = excluded.into_iter();
        files.left_out.extend(excluded.map(|(file, pattern)| (file, LeftOutBecause::Excluded { pattern })));
        Ok(())
    }

    /// Refuses a pattern that matches the handler's module. If another file may be that module, the check of the bundle decides.
    fn check_handler_ships(
        &self,
        shipping: &[SourceFile],
        excluded: &[(SourceFile, String)],
    ) -> Result<(), PlanError> {
        let Some((handler, (module, _))) =
            self.request.handler.as_ref().and_then(|handler| Some((handler, handler.rsplit_once('.')?)))
        else {
            return Ok(());
        };
        let module = module.replace('.', "/");
        let is_module = |file: &SourceFile| {
            [format!("/{module}.py"), format!("/{module}/__init__.py")]
                .iter()
                .any(|end| format!("/{}", file.relative).ends_with(end))
        };
        match excluded.iter().find(|(file, _)| is_module(file)) {
            Some((file, pattern)) if !shipping.iter().any(is_module) => Err(PlanError::ExcludesHandler {
                handler: handler.clone(),
                file: file.relative.clone(),
                pattern: pattern.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn nothing_matches(
        &self,
        folder: &Path,
        option: &'static str,
        pattern: &str,
        because: &'static str,
    ) -> PlanError {
        PlanError::NothingMatches {
            option,
            pattern: pattern.to_owned(),
            member: self.member.to_owned(),
            folder: folder.to_path_buf(),
            because,
        }
    }
}

/// Whether a pattern names files that never ship on any machine.
fn names_files_that_never_ship(pattern: &str) -> bool {
    parts(pattern).any(|part| {
        is_never_source_name(part)
            || BUILD_FOLDERS.contains(&part)
            // Patterns that people copy from the lists of other tools.
            || ["*.py[cod]", "*.py[co]", ".env*", "venv", "env"].contains(&part)
    })
}

/// The parts of a pattern between its slashes.
fn parts(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.trim_start_matches('!').split('/').map(str::trim).filter(|part| !part.is_empty())
}
