//! Why each package ships, and why each other package of the member does not.

use super::Plan;
use super::dependencies::{Activation, DependencyPath, Obstacle};
use crate::request::{Choice, layers};

/// The reasons for packages.
#[derive(Debug, Default)]
pub struct Reasons<'a> {
    /// The shortest path to each package that ships, the member first.
    pub present: Vec<DependencyPath<'a>>,
    /// The shortest path to each package that does not ship, and the reason.
    pub absent: Vec<(DependencyPath<'a>, Absence)>,
}

/// Why a package does not ship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// `excludePackages` names it.
    Excluded,
    /// A layer of the function has it.
    InLayer,
    /// Only excluded packages need it.
    NeededByExcluded,
    /// The member does not need it.
    Obstacle(Obstacle),
}

impl<'a> Plan<'a> {
    /// The reasons for every package that the member could need.
    pub fn reasons(&'a self) -> Reasons<'a> {
        let lock = &self.workspace.lock;
        let Some(member) = lock.package(&self.subject.member) else { return Reasons::default() };
        let Choice { extras, groups, exclude_packages, .. } = &self.request.choice;
        let everything = Activation { extras, groups, excluded: &[] };
        let activation = Activation { excluded: exclude_packages, ..everything };

        let excluded = lock.dependency_paths(member, everything, &self.environment).into_iter();
        let excluded = excluded.filter(|path| self.excluded.contains(&path.package.name.as_str()));
        let excluded = excluded.map(|path| {
            let name = &path.package.name;
            let absence = if exclude_packages.contains(name) {
                Absence::Excluded
            } else if layers::packages_in(&self.request.layers).any(|(layered, _)| layered.name == *name) {
                Absence::InLayer
            } else {
                Absence::NeededByExcluded
            };
            (path, absence)
        });
        let unreached = lock.unreached(member, activation, &self.environment).into_iter();
        let unreached = unreached.map(|(path, obstacle)| (path, Absence::Obstacle(obstacle)));
        Reasons {
            present: lock.dependency_paths(member, activation, &self.environment),
            absent: excluded.chain(unreached).collect(),
        }
    }
}
