"""lambda_config.yml and lambdaConfig."""

import copy
import json
import os
import pickle
import time

import pytest

from luna_lambda_tools import lambdaConfig
from luna_lambda_tools.private import configuration, validation
from luna_lambda_tools.private.start_failure import StartFailure

GOOD = "async def main(request):\n    return {}\n"
READS = """
from luna_lambda_tools import lambdaConfig
title = lambdaConfig["name"]
async def main(request):
    return {"title": title, "all": lambdaConfig}
"""


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """A working directory outside the host, with a fresh lambdaConfig."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lambdaConfig, "_state", "unread")
    return tmp_path


def test_the_file_is_a_dictionary_already_at_import(hosted):
    async def drive(channel):
        assert (await channel.ask()).json == {"title": "My Lambda", "all": {"name": "My Lambda", "users": [{"a": 1}]}}

    hosted.write("name: My Lambda\nusers:\n- a: 1\n", "lambda_config.yml").write(READS).run(drive)


def test_without_the_file_a_read_says_so(hosted):
    async def drive(channel):
        answer = await channel.ask()
        assert answer.status == 500
        assert answer.detail.startswith("the lambda has no lambda_config.yml")

    hosted.write(
        "from luna_lambda_tools import lambdaConfig\nasync def main(request):\n    return lambdaConfig['name']\n"
    ).run(drive)


@pytest.mark.parametrize("name", ["lambda_config.yaml", "Lambda_Config.yml"])
def test_a_file_of_another_name_is_pointed_out(hosted, in_folder, name):
    _, told, _ = hosted.write("a: 1\n", name).write(READS).fails()
    assert f"NoConfigurationError: the lambda has no lambda_config.yml: rename {name}" in told
    found = validation.inspect(str(in_folder))
    assert found.notes == [f"{name}:1: is not read; the lambda's configuration is called lambda_config.yml"]


def test_a_named_pipe_is_no_configuration(hosted, tmp_path):
    os.mkfifo(tmp_path / "lambda_config.yml")
    _, told, _ = hosted.write(GOOD).fails()
    assert told == "lambda_config.yml:1: is not a regular file; put the configuration itself there"


@pytest.mark.parametrize(
    "data, text",
    [
        (b"a: 1\nb: [1, 2\n", "lambda_config.yml:3: "),
        (b"a: 1\n\tb: 2\n", "lambda_config.yml:2: "),
        (b"a: !!python/object/apply:os.system ['true']\n", "lambda_config.yml:1: could not determine a constructor"),
        (b"a: &a [*a]\n", "lambda_config.yml:1: a value contains itself through an alias"),
        (b"- 1\n- 2\n", "lambda_config.yml:1: the file must be a mapping"),
        (b"just text\n", "lambda_config.yml:1: the file must be a mapping"),
        (b"a: 1\nb: \xff\n", "lambda_config.yml:2: "),
        (b"a: 1\nb: \x01\n", "lambda_config.yml:2: "),
        (b"a: 2024-13-01\n", "lambda_config.yml:1: a value cannot be read: ValueError: month must be in 1..12"),
        (b"? [1]\n: 2\n", "lambda_config.yml:1: found unhashable key"),
        (b"a: 1\n---\nb: 2\n", "lambda_config.yml:2: but found another document"),
        (b"[" * 5000, "lambda_config.yml:1: is nested too deeply"),
        (b"#" * (1024 * 1024 + 1), "lambda_config.yml:1: is larger than 1024 KiB"),
    ],
)
def test_a_bad_file_is_a_load_failure(hosted, data, text):
    stage, told, _ = hosted.write(data, "lambda_config.yml").write(GOOD).fails()
    assert stage == "load"
    assert told.startswith(text)


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"#" * (1024 * 1024)])
def test_an_empty_file_is_an_empty_dictionary(hosted, data):
    async def drive(channel):
        assert (await channel.ask()).json == [0, False]

    hosted.write(data, "lambda_config.yml")
    hosted.write(
        "from luna_lambda_tools import lambdaConfig\n"
        "async def main(request):\n    return [len(lambdaConfig), 'a' in lambdaConfig]\n"
    ).run(drive)


@pytest.mark.parametrize("template", ["{name}: &{name} [{members}]\n", "{name}: &{name}\n  <<: [{members}]\n"])
def test_alias_bombs_are_refused_quickly(template):
    first = "a0: &a0 {x: 1}\n"
    levels = [template.format(name=f"a{n}", members=", ".join([f"*a{n - 1}"] * 9)) for n in range(1, 12)]
    began = time.monotonic()

    with pytest.raises(StartFailure, match="stands for more than 100000 values"):
        configuration.parse((first + "".join(levels)).encode())

    assert time.monotonic() - began < 5


def test_aliases_and_merge_keys_work():
    value = configuration.parse(b"base: &base {a: 1}\nother:\n  <<: *base\n  b: 2\n")
    assert value == {"base": {"a": 1}, "other": {"a": 1, "b": 2}}


def test_outside_the_host_it_reads_the_working_directory_when_first_used(in_folder):
    (in_folder / "lambda_config.yml").write_text("a: 1\nb: {c: 2}\n")

    assert isinstance(lambdaConfig, dict)
    assert lambdaConfig["a"] == 1
    assert dict(lambdaConfig) == {**lambdaConfig} == {"a": 1, "b": {"c": 2}} == lambdaConfig
    assert list(lambdaConfig) == list(lambdaConfig.keys()) == ["a", "b"]
    assert json.loads(json.dumps(lambdaConfig)) == lambdaConfig.copy()
    assert lambdaConfig.get("z", 5) == 5


@pytest.mark.parametrize(
    "read",
    [
        lambda c: c["a"],
        lambda c: c.get("a"),
        lambda c: "a" in c,
        lambda c: list(c),
        lambda c: c.items(),
        lambda c: dict(c),
        lambda c: c.copy(),
    ],
)
def test_outside_the_host_without_a_file_reads_are_key_errors(in_folder, read):
    with pytest.raises(KeyError) as caught:
        read(lambdaConfig)
    assert "no lambda_config.yml" in str(caught.value)
    assert not lambdaConfig


@pytest.mark.parametrize(
    "write",
    [
        lambda c: c.__setitem__("a", 2),
        lambda c: c.pop("a"),
        lambda c: c.update(a=2),
        lambda c: c.setdefault("z", 1),
        lambda c: c.clear(),
        lambda c: c.__delitem__("a"),
    ],
)
def test_the_top_level_is_read_only(in_folder, write):
    (in_folder / "lambda_config.yml").write_text("a: 1\n")
    with pytest.raises(TypeError, match="read-only"):
        write(lambdaConfig)
    assert lambdaConfig["a"] == 1


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c)), dict.copy])
def test_copies_are_ordinary_dictionaries(in_folder, make):
    (in_folder / "lambda_config.yml").write_text("a: {b: 1}\n")
    assert lambdaConfig
    made = make(lambdaConfig)
    made["z"] = 1
    assert made == {"a": {"b": 1}, "z": 1}
