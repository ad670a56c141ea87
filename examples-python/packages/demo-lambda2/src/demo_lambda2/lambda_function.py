"""Checks an order and prices it."""

from __future__ import annotations

import json
from typing import Any

from demo_common import BadRequest, request_body, response
from demo_lambda2.models import Order, Receipt
from pydantic import ValidationError


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers a request whose body is an order."""
    try:
        order = Order.model_validate_json(request_body(event))
    except BadRequest as error:
        return response(400, json.dumps({"error": str(error)}))
    except ValidationError as error:
        return response(400, error.json(include_url=False))
    receipt = Receipt(customer=order.customer, total=order.total)
    return response(200, receipt.model_dump_json())
