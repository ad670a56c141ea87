//! Tells the linker how to make a Node add-on on each platform, and the program the digest of its sources.

use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    if std::env::var_os("CARGO_FEATURE_BINDING").is_some() {
        napi_build::setup();
    }

    // The digest is a part of every cache key, so a build of other sources never hits the entries of this
    // one.
    let mut files = vec![PathBuf::from("Cargo.lock"), PathBuf::from("Cargo.toml")];
    collect(Path::new("src"), &mut files)?;
    files.sort();
    let mut hasher = Sha256::new();
    for file in &files {
        hasher.update(fs::read(file)?);
        println!("cargo::rerun-if-changed={}", file.display());
    }
    println!("cargo::rustc-env=UV_LAMBDA_CDK_SOURCES={:x?}", hasher.finalize());
    println!("cargo::rerun-if-changed=src");
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
