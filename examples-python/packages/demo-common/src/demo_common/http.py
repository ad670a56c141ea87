"""Requests and responses in the shape of API Gateway's proxy integration."""

from __future__ import annotations

import base64
from typing import Any


class BadRequest(Exception):
    """The caller sent something that the function cannot work with."""


def request_body(event: dict[str, Any]) -> bytes:
    """The body of a request, whichever way API Gateway encoded it."""
    body = event.get("body")
    if not body:
        raise BadRequest("the request has no body")
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def response(status: int, body: str) -> dict[str, Any]:
    """A JSON response."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": body,
    }
