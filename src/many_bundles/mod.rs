//! Many bundles of one process: all that a caller asks for at once, and those that a CDK app asks for one after the other.

mod bundle_all;
mod last_synth;

pub use bundle_all::bundle_all;
pub use last_synth::{bundle_next, remember_synth};
