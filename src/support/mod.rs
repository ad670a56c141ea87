//! Small things that several stages need and that belong to none: wording of messages, sizes, listing of files, working folders, the
//! files of a `.dist-info` folder.

pub mod byte_size;
pub mod file_listing;
pub mod wheel_metadata;
pub(crate) mod wording;
pub mod working_folder;
