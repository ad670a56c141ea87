"""What both functions share: API Gateway requests in, responses out."""

from demo_common.http import BadRequest, request_body, response

__all__ = ["BadRequest", "request_body", "response"]
