"""GET /config: what it shows and what it hides."""

import datetime
import json
from types import SimpleNamespace

import docs_support as support
import pytest
from luna_lambda_tools.private.default_routes import config
from luna_lambda_tools.private.default_routes.config import MASK, is_secret, masked
from luna_lambda_tools.private.errors import HostError
from luna_lambda_tools.private.lambda_model import LambdaModel

SETTINGS = {
    "name": "My Lambda",
    "database": {"host": "10.8.0.1", "port": 5432, "user": "db_user", "password": "db_password"},
    "users": [{"name": "admin"}, {"name": "user"}],
    "features": {"feature_1": True},
}


def lambda_with(settings):
    return LambdaModel("faces", "the-id", "3", "/x", "standalone", None, config=settings)


def shown(settings, *accept, user_config=None):
    context = SimpleNamespace(userConfig=user_config or {})
    return config.config_reply(support.request(*accept, config=context), lambda_with(settings))


@pytest.mark.parametrize("accept", [(), ("*/*",), ("application/json",), ("text/plain;q=0.9, application/json",)])
def test_it_is_json_by_default(accept):
    reply = shown(SETTINGS, *accept)
    assert dict(reply.headers)["Content-Type"] == "application/json"
    assert json.loads(reply.body) == {
        "lambda": {"id": "the-id", "name": "faces", "version": "3", "type": "standalone"},
        "lambda_config": {**SETTINGS, "database": {**SETTINGS["database"], "password": MASK}},
        "user_config": {},
    }


def test_it_is_lines_of_text_when_that_is_wanted():
    reply = shown(SETTINGS, "text/plain", user_config={"api_token": "x", "limit": 3})
    assert dict(reply.headers)["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.body.decode() == (
        "lambda:\n  id: the-id\n  name: faces\n  version: 3\n  type: standalone\n"
        "lambda_config:\n  name: My Lambda\n"
        "  database:\n    host: 10.8.0.1\n    port: 5432\n    user: db_user\n    password: ***\n"
        "  users:\n    -\n      name: admin\n    -\n      name: user\n"
        "  features:\n    feature_1: true\n"
        "user_config:\n  api_token: ***\n  limit: 3\n"
    )


def test_text_cannot_pretend_to_be_further_settings():
    assert b'\n  a: "x\\nlambda: evil"\n' in shown({"a": "x\nlambda: evil"}, "text/plain").body


@pytest.mark.parametrize("accept", ["text/html", "application/x-yaml", "application/json;q=0"])
def test_other_types_are_not_supported(accept):
    with pytest.raises(HostError) as caught:
        shown(SETTINGS, accept)
    assert (caught.value.status, caught.value.code) == (415, 12024)


@pytest.mark.parametrize(
    "key",
    "password PASSWORD db_password dbPassword userpassword passwd pwd secret clientSecret client-secret token "
    "access_token accessTokens refreshToken key api_key apiKey APIKey apikey API_KEY private_key AWSSecretKey "
    "credentials credential auth Authorization passphrase cookie jwt SECRET_KEY_BASE x.secret.y token2".split(),
)
def test_keys_of_secrets(key):
    assert is_secret(key)
    assert masked({key: "hidden", "a": [{key: 5}]}) == {key: MASK, "a": [{key: MASK}]}
    assert masked({key: {"user": "u", "value": ["hidden"]}}) == {key: MASK}


@pytest.mark.parametrize(
    "key", "monkey keyboard name tokenizer secretary author authority compass user keynote host passenger bypass".split()
)
def test_keys_of_other_things(key):
    assert not is_secret(key)
    assert masked({key: "shown"}) == {key: "shown"}


@pytest.mark.parametrize("value", [None, "", True, False, [], {}])
def test_that_a_secret_is_not_set_is_no_secret(value):
    assert masked({"password": value}) == {"password": value}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("postgres://user:pw@host:5432/db", "postgres://***@host:5432/db"),
        ("https://user@host/x", "https://***@host/x"),
        ("redis://:pw@host", "redis://***@host"),
        ("amqp://u:p@ss/w@host/v", "amqp://***@host/v"),
        ("postgres://u:p/w@host/db", "postgres://***@host/db"),
        ("see http://a:b@c and http://d:e@f.", "see http://***@c and http://***@f."),
        ("http://host:80/path?mail=a@b.c", "http://host:80/path?mail=a@b.c"),
        ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
        ("http://host/path", "http://host/path"),
        ("host=db password=pw user=u", "host=db password=*** user=u"),
        ("Server=x;Pwd='a b';Uid=u", "Server=x;Pwd=***;Uid=u"),
        ("https://host/x?access_token=abc&a=1", "https://host/x?access_token=***&a=1"),
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer ***"),
        ("x\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "x\n***"),
        ("admin@example.com", "admin@example.com"),
        ("plain text: a=b", "plain text: a=b"),
    ],
)
def test_secrets_inside_of_texts(text, expected):
    assert masked({"a": text, "b": [text]}) == {"a": expected, "b": [expected]}


def test_a_connection_string_without_scheme_hides_its_user():
    assert masked({"db_dsn": "user:pw@host/db", "mail": "a@b"}) == {"db_dsn": "***@host/db", "mail": "a@b"}


def test_the_value_beside_the_name_of_a_secret_is_hidden():
    environment = [{"name": "DB_PASSWORD", "value": "x"}, {"name": "HOST", "value": "y"}, {"key": "token", "value": "z"}]
    assert masked(environment) == [
        {"name": "DB_PASSWORD", "value": MASK},
        {"name": "HOST", "value": "y"},
        {"key": MASK, "value": MASK},
    ]


def test_values_of_yaml_that_json_lacks_are_shown_as_text():
    values = {
        "date": datetime.date(2024, 1, 2),
        "time": datetime.datetime(2024, 1, 2, 3, 4, 5),
        "set": {1},
        "bytes": b"abc",
        "inf": float("inf"),
        5: None,
        None: 1,
    }
    assert json.loads(shown(values).body)["lambda_config"] == {
        "date": "2024-01-02",
        "time": "2024-01-02T03:04:05",
        "set": [1],
        "bytes": "<3 bytes>",
        "inf": "inf",
        "5": None,
        "None": 1,
    }


def test_the_settings_themselves_stay_as_they_are():
    settings = {"password": "x", "a": {"url": "http://u:p@h"}}
    shown(settings)
    assert settings == {"password": "x", "a": {"url": "http://u:p@h"}}
