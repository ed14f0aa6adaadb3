"""Which route answers which path, and what its parameters are."""

import uuid
from datetime import date
from time import perf_counter

import pytest

from luna_lambda_tools.private.routing import LONGEST_FOR_PATTERNS, Router
from luna_lambda_tools.private.routing_template import RouteError, parse

NOTHING = None
SAMPLE_UUID = "726a7d33-4bd5-46a3-a02d-37da7b4b029b"


def router_of(*templates):
    router = Router()
    for template in templates:
        router.add(parse(template), {"GET": template})
    return router


def found_in(router, path):
    """(template, arguments), or None."""
    found = router.find(path)
    return found and (found.route.methods["GET"], found.arguments)


# --- every type: what it takes, and as what

TYPES = [
    ("str", "foo", "foo"),
    ("str", "123", "123"),
    ("str", "a%20b%2Fc", "a%20b%2Fc"),
    ("str", "%FF", "%FF"),
    ("str", ".", "."),
    ("str", "", NOTHING),
    ("str", "a/b", NOTHING),
    ("strorempty", "", ""),
    ("strorempty", "foo", "foo"),
    ("strorempty", "a/b", NOTHING),
    ("int", "0", 0),
    ("int", "-12", -12),
    ("int", "+1", 1),
    ("int", "007", 7),
    ("int", "1_000", 1000),
    ("int", "9" * 4300, int("9" * 4300)),
    ("int", "9" * 4301, NOTHING),
    ("int", "", NOTHING),
    ("int", "1.0", NOTHING),
    ("int", "x", NOTHING),
    ("int", "%31", NOTHING),
    ("float", "1.5", 1.5),
    ("float", "-.5", -0.5),
    ("float", "3", 3.0),
    ("float", "+1e3", 1000.0),
    ("float", "1e999", float("inf")),
    ("float", "1_0.5", 10.5),
    ("float", "", NOTHING),
    ("float", "1,5", NOTHING),
    ("alpha", "fooBAR", "fooBAR"),
    ("alpha", "foo1", NOTHING),
    ("alpha", "", NOTHING),
    ("alpha", "caf%C3%A9", NOTHING),
    ("slug", "foo-bar-1", "foo-bar-1"),
    ("slug", "123", "123"),
    ("slug", "Foo", NOTHING),
    ("slug", "-foo", NOTHING),
    ("slug", "foo--bar", NOTHING),
    ("slug", "", NOTHING),
    ("path", "", ""),
    ("path", "a", "a"),
    ("path", "a/b/c", "a/b/c"),
    ("path", "a//b/", "a//b/"),
    ("path", "a%2Fb/%FF", "a%2Fb/%FF"),
    ("ymd", "2024-02-29", date(2024, 2, 29)),
    ("ymd", "2021-1-1", date(2021, 1, 1)),
    ("ymd", "2023-02-29", NOTHING),
    ("ymd", "2021-13-01", NOTHING),
    ("ymd", "2021-01-01x", NOTHING),
    ("uuid", SAMPLE_UUID, uuid.UUID(SAMPLE_UUID)),
    ("uuid", SAMPLE_UUID.upper(), uuid.UUID(SAMPLE_UUID)),
    ("uuid", SAMPLE_UUID.replace("-", ""), uuid.UUID(SAMPLE_UUID)),
    ("uuid", "{" + SAMPLE_UUID + "}", uuid.UUID(SAMPLE_UUID)),
    ("uuid", "urn:uuid:" + SAMPLE_UUID, uuid.UUID(SAMPLE_UUID)),
    ("uuid", SAMPLE_UUID[:-1], NOTHING),
    ("uuid", "x" * 36, NOTHING),
    (r"\d+", "12", "12"),
    (r"\d+", "1a", NOTHING),
    (r"\d+", "", NOTHING),
    ("[a-f0-9]{8}", "deadbeef", "deadbeef"),
    ("[a-f0-9]{8}", "deadbeef0", NOTHING),
    ("[^>]+", "a%3Eb", "a%3Eb"),
    (r"[\]>]*x", "]>x", "]>x"),
    (".*", "", ""),
    (".*", "a b", "a b"),
    (".*", "a/b", NOTHING),
    ("a|bc", "a", "a"),
    ("a|bc", "bc", "bc"),
    ("a|bc", "abc", NOTHING),
    ("(a)b", "ab", "a"),
    ("(a|b)?c", "c", None),
    (r"(?P<x>\d+)(?:\.[a-z]{1,4})?", "12.jpeg", "12"),
    ("(?:a|b)c", "bc", "bc"),
    ("(?=a).+", "ab", "ab"),
    ("(?<=/)a", "a", NOTHING),  # it holds a slash, and so is matched against the whole path, where it does match
    (".*/z", "a/b/z", "a/b/z"),
    ("[^/]+", "a", "a"),
    ("[^/]+", "a/b", NOTHING),
    ("^x$", "x", NOTHING),
    ("string", "string", "string"),
    ("string", "foo", NOTHING),
]


@pytest.mark.parametrize("label, value, expected", TYPES)
def test_a_type_decides_what_it_takes_and_as_what(label, value, expected):
    template = f"/t/<x:{label}>"
    found = found_in(router_of(template), f"/t/{value}")
    if label == "(?<=/)a":
        expected = "a"
    if expected is NOTHING and label != "(a|b)?c":
        assert found is None
        return
    assert found == (template, {"x": expected})
    assert type(found[1]["x"]) is type(expected)


@pytest.mark.parametrize("value, test", [("nan", lambda x: x != x), ("-inf", lambda x: x == float("-inf"))])
def test_floats_may_be_no_numbers(value, test):
    assert test(found_in(router_of("/t/<x:float>"), f"/t/{value}")[1]["x"])


@pytest.mark.parametrize(
    "template, value, expected",
    [
        ("<file:ext>", "a.txt", ("a", "txt")),
        ("<file:ext>", "a.b.txt", ("a.b", "txt")),
        ("<file:ext>", "a", None),
        ("<file:ext>", "a.", None),
        ("<file:ext>", ".txt", None),
        ("<file:ext>", "", None),
        ("<file:ext=txt>", "a.txt", ("a", "txt")),
        ("<file:ext=txt>", "a.csv", None),
        ("<file:ext=txt|csv>", "a.b.csv", ("a.b", "csv")),
        ("<file:ext=tar.gz|tar.xz>", "a.b.tar.gz", ("a.b", "tar.gz")),
        ("<file:ext=tar.gz|tar.xz>", "a.gz", None),
        ("<file=int:ext>", "12.txt", (12, "txt")),
        ("<file=int:ext=txt>", "x.txt", None),
        ("<file=uuid:ext=png>", f"{SAMPLE_UUID}.png", (uuid.UUID(SAMPLE_UUID), "png")),
    ],
)
def test_the_type_ext_gives_the_name_and_the_extension(template, value, expected):
    found = found_in(router_of(f"/f/{template}"), f"/f/{value}")
    assert (found and (found[1]["file"], found[1]["ext"])) == expected


# --- which of several

ORDER = ["strorempty", "str", "ext", "slug", "alpha", "float", "int", "ymd", "uuid"]


@pytest.mark.parametrize("low, high", zip(ORDER, ORDER[1:], strict=False))
@pytest.mark.parametrize("turned", [False, True])
def test_the_later_type_wins_at_the_same_place(low, high, turned):
    sample = {"ext": "a.b", "slug": "a-1", "alpha": "ab", "float": "1.5", "int": "15", "ymd": "2021-01-01", "str": "a"}
    sample["uuid"] = SAMPLE_UUID
    templates = [f"/t/<x:{low}>", f"/t/<x:{high}>"]
    router = router_of(*(reversed(templates) if turned else templates))
    assert found_in(router, f"/t/{sample[high]}")[0] == f"/t/<x:{high}>"


@pytest.mark.parametrize(
    "templates, path, winner",
    [
        (["/t/<x>", "/t/a"], "/t/a", "/t/a"),
        (["/t/<x:path>", "/t/a"], "/t/a", "/t/a"),
        ([r"/t/<x:\d\d>", "/t/<y:str>"], "/t/12", "/t/<y:str>"),
        ([r"/t/<x:\d\d>", "/t/<y:strorempty>"], "/t/12", r"/t/<x:\d\d>"),
        ([r"/t/<x:\d\d>", "/t/<y:strorempty>"], "/t/123", "/t/<y:strorempty>"),
        (["/t/<x:path>", "/t/<y:int>"], "/t/1", "/t/<y:int>"),
        (["/t/<x:path>", "/t/<y:int>"], "/t/1/2", "/t/<x:path>"),
        (["/<x:path>", "/t/<y:path>"], "/t/1", "/t/<y:path>"),
        (["/<x:path>", "/t/<y:path>"], "/s/1", "/<x:path>"),
        (["/<a>/<b>", "/<a>/b"], "/a/b", "/<a>/b"),
        (["/<a>/b", "/a/<b>"], "/a/b", "/a/<b>"),
        (["/<a>/b", "/a/<b>"], "/x/b", "/<a>/b"),
        (["/<a:int>/b", "/<a>/c"], "/1/c", "/<a>/c"),
        (["/one/<a>", "/one/<a>/<b:strorempty>"], "/one/two/", "/one/<a>/<b:strorempty>"),
        (["/one/<a>", "/one/<a>/<b>"], "/one/two/", "/one/<a>"),
        (["/t/<b>", "/t/<a>"], "/t/x", "/t/<b>"),
        (["/t/<a:b>", "/t/<a:a>"], "/t/a", "/t/<a:a>"),
        (["/c/<f:path>/story", "/c/<f:path>/tracker/events"], "/c/a/b/tracker/events", "/c/<f:path>/tracker/events"),
        (["/c/<f:path>/story", "/c/<f:path>/tracker/events"], "/c/a/b/story", "/c/<f:path>/story"),
    ],
)
def test_the_most_specific_route_answers(templates, path, winner):
    assert found_in(router_of(*templates), path)[0] == winner


def test_an_extension_that_is_not_allowed_is_not_left_to_other_routes():
    router = router_of("/f/<a:ext=txt>", "/f/<b:str>")
    assert found_in(router, "/f/x.txt")[0] == "/f/<a:ext=txt>"
    assert found_in(router, "/f/x.csv") is None
    assert found_in(router, "/f/x")[0] == "/f/<b:str>"


def test_types_convert_beside_patterns_and_paths():
    router = router_of("/api/<version:int>/files/<name:path>", r"/<id:int>/<tag:[a-z]+>")
    assert found_in(router, "/api/3/files/a/b")[1] == {"version": 3, "name": "a/b"}
    assert found_in(router, "/-7/ab")[1] == {"id": -7, "tag": "ab"}
    assert found_in(router, "/+7/ab") is None  # beside a pattern, the type's own pattern must match, too


def test_the_routes_of_the_manual():
    router = router_of("/parameters/<parameter:[a-f0-9]{8}-[a-f0-9]{4}>", "/parameters", "/new_route/<one:.*>/<two:.*>")
    assert found_in(router, "/parameters/deadbeef-0123")[1] == {"parameter": "deadbeef-0123"}
    assert found_in(router, "/parameters") == ("/parameters", {})
    assert found_in(router, "/parameters/DEADBEEF-0123") is None
    assert found_in(router, "/new_route/a/b")[1] == {"one": "a", "two": "b"}


@pytest.mark.parametrize(
    "path, expected",
    [
        ("/n/a/b", ("a", "b")),
        ("/n//b", ("", "b")),
        ("/n/a/", ("a", "")),
        ("/n//", ("", "")),
        ("/n/a", None),
        ("/n/a/b/", ("a", "b")),
        ("/n/a/b//", ("a", "b")),
        ("/n/a/b/c", None),
        ("/n/a%2Fx/b", ("a%2Fx", "b")),
    ],
)
def test_patterns_stay_within_their_segments(path, expected):
    found = found_in(router_of("/n/<one:.*>/<two:.*>"), path)
    assert (found and (found[1]["one"], found[1]["two"])) == expected


# --- slashes and percent signs


@pytest.mark.parametrize(
    "template, path, is_found",
    [
        ("/s", "/s", True),
        ("/s", "/s/", True),
        ("/s", "/s///", True),
        ("/s/", "/s", True),
        ("s", "/s", True),
        ("//s", "/s", True),
        ("/s", "//s", False),
        ("/s", "s", False),
        ("/s", "/S", False),
        ("/s", "", False),
        ("/", "/", True),
        ("", "/", True),
        ("/", "//", True),
        ("/", "", False),
        ("/", "*", False),
        ("/a//b", "/a//b", True),
        ("/a//b", "/a/b", False),
        ("/s/<x>", "/s/", False),
        ("/s/<x>", "/s/a/", True),
        ("/s/<x:strorempty>", "/s/", True),
        ("/s/<x:strorempty>", "/s", False),
        ("/p/<x:path>", "/p/", True),
        ("/p/<x:path>", "/p", False),
        ("/a b", "/a%20b", True),
        ("/a%20b", "/a%20b", True),
        ("/café", "/caf%C3%A9", True),
        ("/café", "/caf%c3%a9", False),
        ("/a", "/%61", False),
        ("/a:b", "/a%3Ab", True),
        ("/a:b", "/a:b", False),
        ("/a.b/<x:path>", "/a.b/c", True),
        ("/a.b/<x:path>", "/aXb/c", False),
    ],
)
def test_paths_are_compared_as_sent(template, path, is_found):
    assert (found_in(router_of(template), path) is not None) is is_found


# --- definitions


@pytest.mark.parametrize(
    "template, text",
    [
        ("/x<a>", "'x<a>' has text before its parameter"),
        ("/x<a", "'x<a' has text before its parameter"),
        ("/<a>x/b", "<a> is followed by 'x'"),
        ("/<a>-<b>", "<a> is followed by '-<b>'"),
        ("/<a", "<a does not end"),
        ("/<a:[>", "<a:[> does not end"),
        ("/<>", "<> is no parameter"),
        ("/<:int>", "<:int> is no parameter"),
        ("/<1a>", "<1a> is no parameter"),
        ("/<a b>", "<a b> is no parameter"),
        ("/<a>/<a>", "the parameter a is there 2 times"),
        ("/<a:str:int>", "<a:str:int> has more than one type"),
        ("/<a:(>", "( is no regular expression: missing )"),
        ("/<a:*>", "* is no regular expression"),
        ("/<a:(b)(c)>", "(b)(c) has 2 groups"),
        ("/<a:(?:b)(c)>", "(?:b)(c) is ambiguous; name the group"),
        ("/<a:(?P<b>c)>", "the group b in (?P<b>c) must have the parameter's name, a"),
        ("/<a:x(?i)y>", "no regular expression"),
        ("/<f=path:ext>", "<f=path:ext> has the file name's type path"),
        ("/<f=nope:ext>", "<f=nope:ext> has the file name's type nope"),
        ("/<f:ext=txt|>", "allows the extension ''"),
        ("/<f:ext=js|min.js>", "the same number of dots"),
        ("/<f:ext=bad#>", "<f:ext=bad#> is no parameter"),
        ("/<f=int>", "<f=int> is no parameter"),
        (5, "route is a int"),
    ],
)
def test_a_bad_template_is_refused(template, text):
    with pytest.raises(RouteError) as caught:
        parse(template)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "template, text",
    [
        ("/<a:string>", "write <a:str> for the type"),
        ("/<a:number>", "write <a:float> for the type"),
        ("/<a:^x>", "leave out ^ and $"),
        ("/<a:x$>", "leave out ^ and $"),
        ("/a:b", "'a:b' matches only as 'a%3Ab'"),
    ],
)
def test_what_nobody_would_expect_is_a_warning(template, text):
    (warning,) = parse(template).warnings
    assert text in warning


def test_usual_templates_have_no_warnings():
    for template in ("/", "/a/<b>", r"/<a:\d+\$>", "/café/<x:path>"):
        assert parse(template).warnings == ()


def test_a_parsed_template_says_what_arguments_it_gives():
    template = parse("/<a>/<b:int>/<file=slug:ext=txt>")
    assert template.text == "/<a:str>/<b:int>/<file=slug:ext=txt>"
    assert template.argument_names == ["a", "b", "file", "ext"]
    assert [parameter.given for parameter in template.parameters] == ["str", "int", "ext=txt"]


def test_one_route_may_come_in_two_with_different_methods():
    router = Router()
    router.add(parse("/a/<x>"), {"GET": 1})
    router.add(parse("/a/<x:str>/"), {"POST": 2})
    assert router.find("/a/b").route.methods == {"GET": 1, "POST": 2}
    with pytest.raises(RouteError, match="GET /a/<x:str> is there twice"):
        router.add(parse("/a/<x>"), {"GET": 3})


# --- hostile paths


def test_own_patterns_are_not_tried_on_very_long_paths():
    router = router_of("/<x:a+>", "/p/<x:path>")
    longest = "/" + "a" * (LONGEST_FOR_PATTERNS - 1)
    assert found_in(router, longest) is not None
    assert found_in(router, longest + "a") is None
    assert found_in(router, "/p/" + "a" * 16000) is not None


@pytest.mark.parametrize("start, more", [("", "/"), ("/t", "/"), ("/c/", "/"), ("", "/x"), ("", "/1")])
def test_paths_of_many_slashes_cost_little(start, more):
    router = router_of("/t/<x>", "/<a:int>/<b:int>", "/c/<x:path>/end", "/n/<one:.*>/<two:.*>")
    began = perf_counter()
    router.find(start + more * 8000)
    assert perf_counter() - began < 0.5


def test_any_number_of_slashes_at_the_end_is_ignored():
    router = router_of("/t", "/s/<x:int>", "/e/<x:strorempty>")
    for count in (1, 2, 33, 34, 35, 100, 9000):
        assert found_in(router, "/t" + "/" * count) == ("/t", {})
        assert found_in(router, "/s/1" + "/" * count) == ("/s/<x:int>", {"x": 1})
        assert found_in(router, "/e" + "/" * count) == ("/e/<x:strorempty>", {"x": ""})
