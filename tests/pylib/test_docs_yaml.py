"""Documents as YAML: read by PyYAML, they are what was written."""

import pytest
import yaml
from luna_lambda_tools.private.default_routes.yaml_text import dump

TEXTS = """
plain|two words|/a/{b}|it's|trailing |  leading|a: b|a:|a #b|#a|- a|-|?|? a|:|: a|&a|*a|!a|!!str a|%a|@a|`a`|[a]|{a}|"a"|'a'|,a
true|True|YES|no|On|off|y|N|null|NULL|~|none|1|-1|1.5|1e3|0x1f|0o7|0b1|1_000|.inf|-.INF|.nan|12:30:45|2024-01-02|2024-01-02T03:04:05Z
=|<<|---|...|a---|tab\there|é|日本語|a\\b|\\n
""".strip().replace("\n", "|").split("|")
ODD = [
    "",
    " ",
    "\n",
    "a\nb",
    "a\nb\n",
    "a\nb\n\n",
    "a\n\n  b\n \nc",
    " a\nb",
    "\na",
    "a\r\nb",
    "a\tb\n\tc",
    "a \nb ",
    "# a\n# b",
    "- a\n- b",
    "a: b\nc: d",
    "---\na",
    "...\na",
    "\x00\x1b\x7f\x85\xa0\u2028\u2029\ufeff\ufffe\uffff\U0001f600",
    "a\u2028b\nc",
    "x" * 5000,
]


@pytest.mark.parametrize("text", TEXTS + ODD)
def test_texts(text):
    value = {"key": text, text: [text, {"key": text, text: text}, [text]]}
    assert yaml.safe_load(dump(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"a": {}, "b": [], "c": None, "d": True, "e": False, "f": -1, "g": 1.5, "h": 10**30},
        [[], {}, [[]], [{}], [[1, 2], [3]], [[[1], {"a": [1]}]]],
        {"a": [{"b": [{"c": 1, "d": [2]}, 3]}, {"e": {}}]},
        {"x" * 2000: {"y" * 2000: ["z" * 2000]}},
        "text",
        5,
    ],
)
def test_values(value):
    assert yaml.safe_load(dump(value)) == value


def test_it_is_written_to_be_read():
    value = {"openapi": "3.0.3", "info": {"title": "A b", "description": "One\n\n- two"}, "tags": [{"name": "x", "a": [1]}]}
    assert dump(value) == (
        'openapi: "3.0.3"\ninfo:\n  title: A b\n  description: |-\n    One\n\n    - two\n'
        "tags:\n- name: x\n  a:\n  - 1\n"
    )
