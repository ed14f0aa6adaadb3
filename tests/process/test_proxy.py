"""The paths under which LUNA's lambda service passes requests on: /{api}/lambdas/{lambda_id}/proxy/{path}."""

import pytest

LAMBDA_ID = "f3b9c1ad-5d60-4a52-8e3c-3f8c2d9e7a10"
ACCOUNT_ID = "0b1f1d4e-7c52-4c9f-8a44-0f5f6a1d2c3b"
ACCOUNT = {"Luna-Account-Id": ACCOUNT_ID}


@pytest.fixture
def proxied(serve):
    return serve("echo", settings={"lambda.id": LAMBDA_ID})


def test_a_request_reaches_the_lambda_as_if_it_had_been_sent_there(proxied):
    response = proxied.request(
        target=f"/1/lambdas/{LAMBDA_ID}/proxy/main?a=%201&b=2", body=b"hello", headers=ACCOUNT
    )

    assert response.status == 200
    seen = response.json()
    assert (seen["method"], seen["path"], seen["query"], seen["body"]) == ("POST", "/main", "a=%201&b=2", "hello")
    assert ["luna-account-id", ACCOUNT_ID] in seen["headers"]


@pytest.mark.parametrize("api", ["1", "6", "99"])
def test_any_version_of_the_api_is_taken(proxied, api):
    assert proxied.request(target=f"/{api}/lambdas/{LAMBDA_ID}/proxy/main", headers=ACCOUNT).status == 200


def test_the_hosts_own_routes_are_there_too(proxied):
    base = f"/1/lambdas/{LAMBDA_ID}/proxy"
    assert proxied.request("GET", f"{base}/healthcheck", headers=ACCOUNT).status == 200
    metrics = proxied.request("GET", f"{base}/metrics", headers=ACCOUNT)
    assert metrics.status == 200
    assert b"request_count_total" in metrics.body


def test_a_route_that_the_lambda_does_not_have_is_not_found(proxied):
    response = proxied.request(target=f"/1/lambdas/{LAMBDA_ID}/proxy/other", headers=ACCOUNT)
    assert (response.status, response.json()["error_code"]) == (404, 12013)


def test_another_lambda_is_not_found(proxied):
    other = "00000000-0000-4000-8000-000000000000"
    response = proxied.request(target=f"/1/lambdas/{other}/proxy/main", headers=ACCOUNT)
    assert response.status == 404
    assert response.json() == {
        "error_code": 42001,
        "desc": "Object not found",
        "detail": f"Lambda with id '{other}' not found",
        "link": "https://docs.visionlabs.ai/info/luna/troubleshooting/errors-description/code-42001",
    }


@pytest.mark.parametrize("headers", [{}, {"Luna-Account-Id": "your_account_id"}])
def test_without_an_account_it_is_a_bad_request(proxied, headers):
    response = proxied.request(target=f"/1/lambdas/{LAMBDA_ID}/proxy/main", body=b"x" * 1000, headers=headers)
    assert (response.status, response.json()["error_code"]) == (400, 12031)
    assert "Luna-Account-Id" in response.json()["detail"]


def test_a_refused_request_leaves_the_connection_usable(proxied):
    with proxied.connect() as connection:
        assert connection.request(target=f"/1/lambdas/{LAMBDA_ID}/proxy/main", body=b"x" * 100_000).status == 400
        assert connection.request(target="/main").status == 200
