//! Compare: the differences between two zips, from their packages down to the first byte.

mod diff;
mod first_difference;
mod zip_contents;
mod zip_headers;

pub use diff::{Diff, FileChange, PackageChange, Side, diff};
pub use first_difference::Difference;
pub use zip_contents::first_difference;
