import json

from demo_lambda1.lambda_function import lambda_handler


def test_readings_are_summed_up():
    answer = lambda_handler({"body": "[1.5, 2.5]"}, None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"count": 2, "mean": 2.0}


def test_what_is_no_list_of_numbers_is_a_bad_request():
    for body in ["", "{", "{}", "[]", '["a"]']:
        assert lambda_handler({"body": body}, None)["statusCode"] == 400
