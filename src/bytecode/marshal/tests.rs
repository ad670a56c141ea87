use super::*;

const VERSION: PythonVersion = PythonVersion { major: 3, minor: 13 };

/// A code object as `CPython` 3.13 wrote it.
const REAL: &[u8] = include_bytes!("../../../tests/fixtures/bytecode/3.13/alone.before.marshal");

fn become_canonical(stream: &[u8], expected: &[u8]) {
    let found = canonical(stream, VERSION).unwrap();
    assert_eq!(found.escape_ascii().to_string(), expected.escape_ascii().to_string());
    assert_eq!(canonical(&found, VERSION).unwrap(), found, "not stable");
}

#[test]
fn a_reference_mark_stays_only_where_a_reference_follows() {
    become_canonical(b"\xa9\x02\xda\x03one\xda\x03two", b")\x02Z\x03oneZ\x03two");
    become_canonical(b"\xa9\x02\xda\x03oner\x01\0\0\0", b")\x02\xda\x03oner\0\0\0\0");
}

#[test]
fn equal_objects_become_one() {
    become_canonical(b")\x02s\x01\0\0\0bs\x01\0\0\0b", b")\x02\xf3\x01\0\0\0br\0\0\0\0");
    become_canonical(
        b")\x02)\x01i\x07\0\0\0)\x01i\x07\0\0\0",
        // The number is a part of one object only, so it needs no mark.
        b")\x02\xa9\x01i\x07\0\0\0r\0\0\0\0",
    );
    become_canonical(b")\x02u\x02\0\0\0\xc3\xa9t\x02\0\0\0\xc3\xa9", b")\x02\xf5\x02\0\0\0\xc3\xa9r\0\0\0\0");
}

#[test]
fn objects_that_are_merely_equal_for_python_stay_apart() {
    let stream = [
        &b")\x0cFTi\0\0\0\0i\x01\0\0\0"[..],
        b"g",
        &0.0_f64.to_le_bytes(),
        b"g",
        &(-0.0_f64).to_le_bytes(),
        b"g",
        &1.0_f64.to_le_bytes(),
        b"g",
        &f64::NAN.to_bits().to_le_bytes(),
        b"g",
        &(f64::NAN.to_bits() + 1).to_le_bytes(),
        b"s\x01\0\0\x001Z\x011N",
    ]
    .concat();
    become_canonical(&stream, &stream);
}

#[test]
fn references_are_counted_in_the_order_of_first_appearance() {
    become_canonical(
        b")\x04\xda\x06unused\xda\x03one\xda\x03two)\x03r\x02\0\0\0r\x01\0\0\0r\x02\0\0\0",
        b")\x04Z\x06unused\xda\x03one\xda\x03two)\x03r\x01\0\0\0r\0\0\0\0r\x01\0\0\0",
    );
}

#[test]
fn what_is_shorter_than_a_reference_and_one_object_anyway_is_repeated() {
    become_canonical(b")\x02\xa9\0r\0\0\0\0", b")\x02)\0)\0");
    become_canonical(b")\x02\xfa\x01-r\0\0\0\0", b")\x02z\x01-z\x01-");
    become_canonical(b")\x02\xda\x02osr\0\0\0\0", b")\x02Z\x02osZ\x02os");
    // Not interned, so two copies would be two objects.
    become_canonical(b")\x02\xfa\x02, r\0\0\0\0", b")\x02\xfa\x02, r\0\0\0\0");
}

#[test]
fn strings_are_interned_as_cpython_interns_constants() {
    become_canonical(b"z\x06_Name1", b"Z\x06_Name1");
    become_canonical(b"Z\x06a name", b"z\x06a name");
    become_canonical(b"t\x02\0\0\0\xc3\xa9", b"u\x02\0\0\0\xc3\xa9");
    become_canonical(b"a\x01\0\0\0x", b"Z\x01x");
    let long = "x".repeat(256);
    become_canonical(format!("a\0\x01\0\0{long}").as_bytes(), format!("A\0\x01\0\0{long}").as_bytes());
}

#[test]
fn a_frozenset_has_one_order() {
    let one = canonical(b">\x03\0\0\0z\x03onei\x01\0\0\0)\x02Nz\x03one", VERSION).unwrap();
    let other = canonical(b">\x03\0\0\0)\x02N\xda\x03onei\x01\0\0\0r\0\0\0\0", VERSION).unwrap();
    assert_eq!(one, other);
    // Also where frozensets are in frozensets, and whatever came before.
    let one =
        canonical(b")\x02)\x02Z\x01aZ\x01b>\x02\0\0\0>\x02\0\0\0Z\x01aZ\x01b>\x01\0\0\0Z\x01a", VERSION)
            .unwrap();
    let other =
        canonical(b")\x02)\x02Z\x01aZ\x01b>\x02\0\0\0>\x01\0\0\0Z\x01a>\x02\0\0\0Z\x01bZ\x01a", VERSION)
            .unwrap();
    assert_eq!(one, other);
}

#[test]
fn slices_of_3_14_are_objects_like_others() {
    become_canonical(b")\x02\xbai\x01\0\0\0NN:i\x01\0\0\0NN", b")\x02\xbai\x01\0\0\0NNr\0\0\0\0");
}

#[test]
fn malformed_streams_are_errors() {
    let error = |stream: &[u8]| canonical(stream, VERSION).unwrap_err();
    assert_eq!(error(b""), MarshalError::Truncated { offset: 0 });
    assert_eq!(error(b"z\x05four"), MarshalError::Truncated { offset: 2 });
    assert_eq!(error(b"NN"), MarshalError::Trailing { offset: 1 });
    assert_eq!(error(b"[\0\0\0\0"), MarshalError::UnknownType { code: b'[', offset: 1 });
    assert_eq!(error(b"(\xff\xff\xff\x7f"), MarshalError::ImpossibleSize { size: i32::MAX, offset: 5 });
    assert_eq!(error(b"s\xff\xff\xff\xff"), MarshalError::ImpossibleSize { size: -1, offset: 5 });
    assert_eq!(error(b"l\0\0\0\x80"), MarshalError::Truncated { offset: 5 });
    assert_eq!(error(b"z\x01\xe9"), MarshalError::NotAscii { offset: 3 });
    assert_eq!(error(b"r\0\0\0\0"), MarshalError::MissingReference { index: 0, offset: 5 });
    // A tuple that contains itself.
    assert_eq!(error(b"\xa9\x01r\0\0\0\0"), MarshalError::MissingReference { index: 0, offset: 7 });
    assert_eq!(
        canonical(b"N", PythonVersion { major: 3, minor: 16 }).unwrap_err().to_string(),
        "the code objects of Python `3.16` have an unknown layout"
    );
}

#[test]
fn depth_is_limited_as_in_cpython() {
    let nested = |depth: usize| [b")\x01".repeat(depth - 1), b"N".to_vec()].concat();
    become_canonical(&nested(MAXIMUM_DEPTH), &nested(MAXIMUM_DEPTH));
    assert_eq!(canonical(&nested(MAXIMUM_DEPTH + 1), VERSION), Err(MarshalError::TooDeep));
    assert_eq!(canonical(&b")\x01".repeat(1_000_000), VERSION), Err(MarshalError::TooDeep));
}

#[test]
fn sharing_that_would_explode_if_written_out_stays_small() {
    // Each tuple holds the one before twice: 2^30 leaves if it were spelled out.
    let mut stream = b")\x1fi\0\0\0\0".to_vec();
    stream[2] |= 0x80;
    for level in 0_u32..30 {
        stream.extend(b"\xa9\x02r");
        stream.extend(level.to_le_bytes());
        stream.push(b'r');
        stream.extend(level.to_le_bytes());
    }
    let found = canonical(&stream, VERSION).unwrap();
    assert!(found.len() <= stream.len());
    assert_eq!(canonical(&found, VERSION).unwrap(), found);
}

#[test]
fn any_truncation_is_an_error() {
    // Every third size, to save time.
    for size in (0..REAL.len()).step_by(3) {
        assert!(canonical(&REAL[..size], VERSION).is_err(), "{size}");
    }
}

#[test]
fn any_damage_is_survived() {
    let mut damaged = REAL.to_vec();
    for offset in 0..REAL.len() {
        // In turn the reference mark, and one bit that changes from byte to byte.
        let mask = if offset % 2 == 0 { 0x80 } else { 1 << (offset % 7) };
        damaged[offset] ^= mask;
        if let Ok(found) = canonical(&damaged, VERSION) {
            assert!(found.len() <= damaged.len(), "{offset}");
        }
        damaged[offset] ^= mask;
    }
}
