//! The libraries of the systems under the Lambda runtimes. [`System`] has the version of glibc.
//!
//! Sources:
//! - Libraries: bref's listings of `/lib64` in the runtimes `provided.al2` and `provided.al2023`
//!   (brefphp/aws-lambda-layers, `utils/lib-check/al2-x64.txt`, `utils/lib-copy/libs-x86.txt` and
//!   `libs-arm.txt`), which the Python runtimes are based on; `libexpat`, `libgomp` and on Amazon Linux 2023
//!   `libcrypt` and `libnsl` are absent from them. A function has no `libexpat`, although its build image
//!   has: developmentseed/eoapi-cdk#181, #182.
//! - Amazon Linux 2: gcc 7.3.1, `libstdc++.so.6.0.24` (the same listing).
//! - Amazon Linux 2023: began with gcc 11 (`libstdc++.so.6.0.29`); since 2023.7 the libraries are
//!   those of gcc 14, `libstdc++.so.6.0.33` (docker-library/official-images#18759,
//!   amazonlinux/container-images#132; in Lambda: `libs-arm.txt`).
//! - Which gcc has which symbol versions: <https://gcc.gnu.org/onlinedocs/libstdc++/manual/abi.html>.

use crate::target::{Architecture, System, Target};

/// A family of versioned symbols, such as `GLIBCXX_`, and the newest version a system has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SymbolFamily {
    /// The start of its versions.
    pub(super) prefix: &'static str,
    /// The library that defines them.
    pub(super) library: &'static str,
    /// The newest version.
    pub(super) newest: [u16; 3],
}

/// The symbol families of the compiler's libraries.
const fn families(glibcxx: u16, cxxabi: u16, gcc: u16) -> [SymbolFamily; 3] {
    [
        SymbolFamily { prefix: "GLIBCXX_", library: "libstdc++.so.6", newest: [3, 4, glibcxx] },
        SymbolFamily { prefix: "CXXABI_", library: "libstdc++.so.6", newest: [1, 3, cxxabi] },
        SymbolFamily { prefix: "GCC_", library: "libgcc_s.so.1", newest: [gcc, 0, 0] },
    ]
}

const AMAZON_LINUX_2_FAMILIES: [SymbolFamily; 3] = families(24, 11, 7);
const AMAZON_LINUX_2023_FAMILIES: [SymbolFamily; 3] = families(33, 15, 14);

/// The newest symbol versions of the compiler's libraries on a system.
pub(super) const fn symbol_families(system: System) -> &'static [SymbolFamily] {
    match system {
        System::AmazonLinux2 => &AMAZON_LINUX_2_FAMILIES,
        System::AmazonLinux2023 => &AMAZON_LINUX_2023_FAMILIES,
    }
}

/// Whether a system may get newer libraries of the compiler. Amazon Linux 2023 has replaced them once, so a
/// version that is too new for our table may have arrived since. Amazon Linux 2 is frozen.
pub(super) const fn families_may_grow(system: System) -> bool {
    matches!(system, System::AmazonLinux2023)
}

/// Libraries of both systems.
const COMMON: &[&str] = &[
    // glibc's own
    "libBrokenLocale.so.1",
    "libanl.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libmemusage.so",
    "libnss_compat.so.2",
    "libnss_dns.so.2",
    "libnss_files.so.2",
    "libpcprofile.so",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libthread_db.so.1",
    "libutil.so.1",
    // the compiler's
    "libgcc_s.so.1",
    "libstdc++.so.6",
    // others
    "libacl.so.1",
    "libattr.so.1",
    "libbz2.so.1",
    "libcap.so.2",
    "libcom_err.so.2",
    "libcurl.so.4",
    "libform.so.6",
    "libformw.so.6",
    "libgmp.so.10",
    "libgssapi_krb5.so.2",
    "libgssrpc.so.4",
    "libidn2.so.0",
    "libk5crypto.so.3",
    "libkeyutils.so.1",
    "libkrad.so.0",
    "libkrb5.so.3",
    "libkrb5support.so.0",
    "liblzma.so.5",
    "libmenu.so.6",
    "libmenuw.so.6",
    "libncurses.so.6",
    "libncursesw.so.6",
    "libnghttp2.so.14",
    "libnssckbi.so",
    "libp11-kit.so.0",
    "libpanel.so.6",
    "libpanelw.so.6",
    "libpopt.so.0",
    "libselinux.so.1",
    "libsqlite3.so.0",
    "libtasn1.so.6",
    "libtic.so.6",
    "libtinfo.so.6",
    "libuuid.so.1",
    "libverto.so.1",
    "libxml2.so.2",
    "libz.so.1",
];

/// Libraries of Amazon Linux 2 alone.
const AMAZON_LINUX_2: &[&str] = &[
    "libSegFault.so",
    "libcidn.so.1",
    "libcrypt.so.1",
    "libcrypto.so.10",
    "libdb-5.3.so",
    "libelf.so.1",
    "libffi.so.6",
    "libfreebl3.so",
    "libgmpxx.so.4",
    "libhistory.so.6",
    "libicudata.so.50",
    "libicui18n.so.50",
    "libicuio.so.50",
    "libicuuc.so.50",
    "libkdb5.so.8",
    "liblber-2.4.so.2",
    "libldap-2.4.so.2",
    "libldap_r-2.4.so.2",
    "liblua-5.1.so",
    "libnsl.so.1",
    "libnspr4.so",
    "libnss3.so",
    "libnssutil3.so",
    "libpcre.so.1",
    "libpcrecpp.so.0",
    "libpcreposix.so.0",
    "libplc4.so",
    "libplds4.so",
    "libreadline.so.6",
    "librpm.so.3",
    "librpmio.so.3",
    "libsasl2.so.3",
    "libsepol.so.1",
    "libsmime3.so",
    "libssh2.so.1",
    "libssl.so.10",
    "libssl3.so",
    "libunistring.so.0",
];

/// Libraries of Amazon Linux 2023 alone.
const AMAZON_LINUX_2023: &[&str] = &[
    "libSegFault.so",
    "libarchive.so.13",
    "libassuan.so.0",
    "libaudit.so.1",
    "libauparse.so.0",
    "libblkid.so.1",
    "libc_malloc_debug.so.0",
    "libcap-ng.so.0",
    "libcrypto.so.3",
    "libdnf.so.2",
    "libffi.so.8",
    "libgcrypt.so.20",
    "libgio-2.0.so.0",
    "libgirepository-1.0.so.1",
    "libglib-2.0.so.0",
    "libgmodule-2.0.so.0",
    "libgobject-2.0.so.0",
    "libgpg-error.so.0",
    "libgpgme.so.11",
    "libgthread-2.0.so.0",
    "libhistory.so.8",
    "libjson-c.so.5",
    "libkdb5.so.10",
    "liblua-5.4.so",
    "liblz4.so.1",
    "libmagic.so.1",
    "libmodulemd.so.2",
    "libmount.so.1",
    "libmpfr.so.6",
    "libnpth.so.0",
    "libpcre2-8.so.0",
    "libpcre2-posix.so.3",
    "libpeas-1.0.so.0",
    "libpsx.so.2",
    "libreadline.so.8",
    "librepo.so.0",
    "librpm.so.9",
    "librpmio.so.9",
    "libsepol.so.2",
    "libsmartcols.so.1",
    "libsolv.so.1",
    "libsolvext.so.1",
    "libssl.so.3",
    "libunistring.so.2",
    "libyaml-0.so.2",
    "libzstd.so.1",
];

/// Whether the runtime itself has the shared library of this name.
pub(super) fn has_library(target: Target, name: &str) -> bool {
    let own = match target.system {
        System::AmazonLinux2 => AMAZON_LINUX_2,
        System::AmazonLinux2023 => AMAZON_LINUX_2023,
    };
    if COMMON.contains(&name) || own.contains(&name) {
        return true;
    }
    match target.architecture {
        // glibc has its vector mathematics for x86-64 only.
        Architecture::X86_64 => matches!(name, "ld-linux-x86-64.so.2" | "libmvec.so.1"),
        Architecture::Arm64 => name == "ld-linux-aarch64.so.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_own_libraries() {
        let old = Target::new("python3.11", Architecture::X86_64).unwrap();
        let new = Target::new("python3.13", Architecture::X86_64).unwrap();
        let arm = Target::new("python3.13", Architecture::Arm64).unwrap();
        for target in [old, new, arm] {
            assert!(has_library(target, "libstdc++.so.6"));
            assert!(!has_library(target, "libexpat.so.1"));
        }
        assert!(has_library(old, "libcrypt.so.1") && !has_library(new, "libcrypt.so.1"));
        assert!(has_library(new, "libssl.so.3") && !has_library(old, "libssl.so.3"));
        assert!(has_library(new, "libmvec.so.1") && !has_library(arm, "libmvec.so.1"));
        assert!(has_library(arm, "ld-linux-aarch64.so.1") && !has_library(arm, "ld-linux-x86-64.so.2"));
    }
}
