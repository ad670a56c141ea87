//! Finds files of local packages whose names are different on Linux and the same on macOS or Windows.

use crate::codes::WarningCode;
use crate::plan::Plan;
use crate::report::Warning;
use crate::support::unicode_names::{composed, spelled_out, too_alike};

/// A warning for each local package with names that are the same on macOS or Windows.
pub fn check_names(plan: &Plan<'_>) -> Vec<Warning> {
    let packages = plan.local.iter();
    packages
        .filter_map(|package| {
            let pairs = too_alike(package.files.inside.iter().map(|file| file.relative.as_str()));
            let (first, second) = *pairs.first()?;
            let others = match pairs.len() - 1 {
                0 => String::new(),
                others => format!(" and {others} more such pairs"),
            };
            // Names that differ in case look different. Unicode forms look the same, so they are escaped.
            let is_case = composed(first) != composed(second);
            let shown = |name: &str| if is_case { name.to_owned() } else { spelled_out(name) };
            Some(Warning {
                code: WarningCode::NamesTooAlike,
                message: format!(
                    "`{}` has `{}` and `{}`{others}: on macOS and Windows these are the same name, and a bundle built there would differ: rename one of them",
                    package.name,
                    shown(first),
                    shown(second),
                ),
            })
        })
        .collect()
}
