"""Which of its forms a document is sent in."""

import docs_support as support
import pytest
import yaml
from docs_support import no_lambda_stays  # noqa: F401
from luna_lambda_tools.private.default_routes import docs
from luna_lambda_tools.private.default_routes.accept import choose
from luna_lambda_tools.private.errors import HostError

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture
def lambda_(tmp_path):
    return support.model_of(tmp_path, support.MANUAL)


@pytest.mark.parametrize(
    "accept, expected",
    [
        ("application/x-yaml", "application/x-yaml"),
        ("application/yaml", "application/yaml"),
        ("text/yaml", "text/yaml; charset=utf-8"),
        ("text/html", "text/html; charset=utf-8"),
        ("TEXT/HTML", "text/html; charset=utf-8"),
        (BROWSER, "text/html; charset=utf-8"),
        ("*/*", "application/x-yaml"),
        ("application/*", "application/x-yaml"),
        ("text/*", "text/html; charset=utf-8"),
        ("text/html;q=0.5, application/x-yaml;q=0.6", "application/x-yaml"),
        ("application/x-yaml;q=0.5, text/html;q=0.6", "text/html; charset=utf-8"),
        ("application/x-yaml;q=0, */*", "text/html; charset=utf-8"),
        ("application/json, text/html;q=0.1", "text/html; charset=utf-8"),
        ("text/html ; charset=utf-8 ; q=1.000", "text/html; charset=utf-8"),
        ("", "application/x-yaml"),
        (", ,", "application/x-yaml"),
    ],
)
def test_the_type_follows_accept(lambda_, accept, expected):
    reply = docs.docs_reply(support.request(accept), lambda_)
    headers = dict(reply.headers)
    assert (reply.status, headers["Content-Type"], headers["Vary"]) == (200, expected, "Accept")
    is_html = reply.body.startswith(b"<!DOCTYPE html>")
    assert is_html == expected.startswith("text/html")
    if not is_html:
        assert yaml.safe_load(reply.body)["openapi"] == "3.0.3"


def test_without_accept_it_is_yaml(lambda_):
    assert dict(docs.docs_reply(support.request(), lambda_).headers)["Content-Type"] == "application/x-yaml"


def test_several_accept_headers_count_as_one(lambda_):
    reply = docs.docs_reply(support.request("application/json", "text/html"), lambda_)
    assert dict(reply.headers)["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "text/plain, image/*",
        "application/x-yaml;q=0",
        "*/*;q=0",
        "text/html;q=2",
        "text/html;q=0.1234",
        "html",
        "*",
    ],
)
def test_other_types_are_not_supported(lambda_, accept):
    with pytest.raises(HostError) as caught:
        docs.docs_reply(support.request(accept), lambda_)
    error = caught.value
    assert (error.status, error.code, error.desc) == (415, 12024, "Bad/incomplete input data")
    assert error.detail.startswith("Unsupported media type")
    assert "text/html" in error.detail


def test_a_type_named_outright_counts_before_wildcards():
    assert choose(["text/*;q=0.9, text/html;q=0.1, text/plain;q=0.2"], ["text/html", "text/plain"]) == "text/plain"


def test_the_page_forbids_itself_scripts_and_network(lambda_):
    headers = dict(docs.docs_reply(support.request("text/html"), lambda_).headers)
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert headers["X-Content-Type-Options"] == "nosniff"
