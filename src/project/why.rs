//! Why: of each package that the member could need, why it ships, or why it does not.

use pep508_rs::MarkerEnvironment;

use super::lock::{Obstacle, Way, Wish};
use super::{Project, Reach};
use crate::request::Choice;

/// Why packages ship, and others do not.
#[derive(Debug, Default)]
pub struct Why<'a> {
    /// The shortest way to each package that ships, the member first.
    pub ways: Vec<Way<'a>>,
    /// The packages that do not ship, with the shortest way by which they would.
    pub absent: Vec<(Way<'a>, Absence)>,
}

/// Why a package does not ship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// The caller excludes it.
    Excluded,
    /// Only what the caller excludes needs it.
    NeededByExcluded,
    /// Something is in the way.
    Obstacle(Obstacle),
}

impl Project {
    /// Why packages ship with the member. `reach` has those that do.
    pub fn why<'a>(&'a self, reach: &Reach<'a>, environment: &MarkerEnvironment) -> Why<'a> {
        let Some(member) = self.lock.package(&self.member) else { return Why::default() };
        let Choice { extras, groups, exclude_packages, .. } = &self.choice;
        let everything = Wish { extras, groups, without: &[] };
        let wish = Wish { without: exclude_packages, ..everything };

        let excluded = self.lock.ways(member, everything, environment).into_iter();
        let excluded = excluded.filter(|way| reach.left_out.contains(&way.package.name.as_str()));
        let excluded = excluded.map(|way| {
            let is_named = exclude_packages.contains(&way.package.name);
            (way, if is_named { Absence::Excluded } else { Absence::NeededByExcluded })
        });
        let out_of_reach = self.lock.out_of_reach(member, wish, environment).into_iter();
        let out_of_reach = out_of_reach.map(|(way, obstacle)| (way, Absence::Obstacle(obstacle)));
        Why {
            ways: self.lock.ways(member, wish, environment),
            absent: excluded.chain(out_of_reach).collect(),
        }
    }
}
