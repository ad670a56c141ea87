"""Sums up a list of readings: `[1.5, 2.5]` becomes `{"count": 2, "mean": 2.0}`."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import orjson
from demo_common import BadRequest, request_body, response


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers a request whose body is a JSON list of numbers."""
    try:
        readings = read(request_body(event))
    except BadRequest as error:
        return response(400, orjson.dumps({"error": str(error)}).decode())
    summary = {"count": len(readings), "mean": fmean(readings)}
    return response(200, orjson.dumps(summary).decode())


def read(body: bytes) -> list[float]:
    """The readings in a request's body."""
    try:
        readings = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(readings, list) or not readings:
        raise BadRequest("the body is not a list of readings")
    if not all(isinstance(reading, (int, float)) for reading in readings):
        raise BadRequest("a reading is not a number")
    return readings
