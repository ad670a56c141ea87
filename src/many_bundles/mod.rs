//! Many bundles of one process: all that a caller asks for at once, and those that a CDK app asks for one after the other.

mod bundle_all;
mod last_synth;
mod prefetch_list;

use crate::remote;
use crate::report::Warning;
use crate::statistics;
pub use bundle_all::bundle_all;

pub use last_synth::bundle_next;

/// Ends the work of this process: records for the next synth which bundles it asked for, writes what is still to be written into remote
/// stores, and counts. Returns the warnings that no bundle has. Called once, when the process ends.
pub fn finish() -> Vec<Warning> {
    last_synth::remember_synth();
    let warnings = remote::finish_all();
    statistics::remember();
    warnings
}
