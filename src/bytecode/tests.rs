use super::*;

#[test]
fn bytecode_stands_where_python_looks_for_it() {
    let python = PythonVersion { major: 3, minor: 13 };
    assert_eq!(pyc_path("pkg/mod.py", python), "pkg/__pycache__/mod.cpython-313.pyc");
    assert_eq!(pyc_path("handler.py", python), "__pycache__/handler.cpython-313.pyc");
    assert_eq!(pyc_path("a.b/c.d.py", python), "a.b/__pycache__/c.d.cpython-313.pyc");
    assert_eq!(
        pyc_path("pkg/script", PythonVersion { major: 3, minor: 9 }),
        "pkg/__pycache__/script.cpython-39.pyc"
    );
}

#[test]
fn only_known_versions_are_supported() {
    assert_eq!(supported_version("3.13.5").unwrap(), PythonVersion { major: 3, minor: 13 });
    assert_eq!(supported_version("3.15.0b1").unwrap(), PythonVersion { major: 3, minor: 15 });
    for version in ["3.8.18", "3.16.0", "2.7.18", "3", "", "x.y"] {
        let error = supported_version(version).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot make bytecode with Python `{version}`: only 3.9 to 3.15 are supported")
        );
    }
}
