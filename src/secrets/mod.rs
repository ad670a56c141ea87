//! Credentials: where they lie, how they are masked in everything that leaves, and how a container gets them.

pub mod container_credentials;
pub mod keyring;
pub(crate) mod mask;
