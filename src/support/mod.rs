//! Small things that several stages need and that belong to none.

pub mod byte_size;
pub mod file_access;
pub mod file_listing;
pub mod file_stamp;
pub mod glance;
pub mod regular_file;
pub mod threads;
pub mod unfinished_file;
pub mod unicode_names;
pub mod waiting;
pub mod wheel_metadata;
pub(crate) mod wording;
pub mod working_folder;
