import base64

import pytest

from demo_common import BadRequest, request_body, response


def test_body_is_decoded_as_it_was_encoded():
    assert request_body({"body": "text"}) == b"text"
    encoded = base64.b64encode(b"\x00\x01").decode()
    assert request_body({"body": encoded, "isBase64Encoded": True}) == b"\x00\x01"


def test_missing_body_is_a_bad_request():
    with pytest.raises(BadRequest):
        request_body({})


def test_response_is_json():
    assert response(200, "{}")["headers"] == {"content-type": "application/json"}
