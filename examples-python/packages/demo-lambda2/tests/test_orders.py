import json

from demo_lambda2.lambda_function import lambda_handler

ORDER = {
    "customer": "Ada",
    "lines": [
        {"article": "tea", "quantity": 3, "price": "2.50"},
        {"article": "cup", "quantity": 1, "price": "4.00"},
    ],
}


def test_order_is_priced():
    answer = lambda_handler({"body": json.dumps(ORDER)}, None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"customer": "Ada", "total": "11.50"}


def test_wrong_order_is_a_bad_request():
    answer = lambda_handler({"body": json.dumps({**ORDER, "lines": []})}, None)
    assert answer["statusCode"] == 400
    assert "lines" in answer["body"]
