"""The page of documentation."""

import re
from html.parser import HTMLParser

import docs_support as support
import pytest
from docs_support import no_lambda_stays  # noqa: F401
from luna_lambda_tools.private.default_routes import docs, docs_page

VOID = {"meta", "link", "wbr"}


class Page(HTMLParser):
    """The page as elements and text; fails when an element is not closed in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.texts))


def page_of(folder, source=support.MANUAL, **more):
    return Page(docs_page.render(docs.spec(support.model_of(folder, source, **more))))


def test_routes_methods_parameters_and_docstrings_are_on_the_page(tmp_path):
    page = page_of(tmp_path, '"""Counts faces."""\n' + support.MANUAL)
    for text in ("faces 3", "Counts faces.", "/main", "Main route", "HEAD/parameters/{parameter}", "Parameters handler"):
        assert text in page.text, text
    assert "/parameters/<parameter:[a-f0-9]{8}-" in page.text


def test_links_lead_to_places_on_the_page(tmp_path):
    page = page_of(tmp_path, static_folder=str(tmp_path))
    places = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert len(places) == len(set(places))
    assert links and {link[1:] for link in links} <= set(places)


def test_nothing_on_the_page_is_fetched_or_run(tmp_path):
    page = page_of(tmp_path)
    assert not {"script", "img", "iframe", "object", "form", "base"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style")]
        assert attributes.get("href", "#").startswith(("#", "data:,"))
    assert "url(" not in docs_page.STYLE and "@import" not in docs_page.STYLE


EVIL = "</style></code><script>alert(1)</script>\"'&amp;"


@pytest.mark.parametrize("source", [f'"""{EVIL}"""', f"DOC = {EVIL!r}"])
def test_every_text_is_escaped(tmp_path, source):
    evil = f"""{source}
import dataclasses
from typing import Literal
from luna_lambda_tools import LambdaUserHandler
@dataclasses.dataclass
class Result:
    value: Literal[{EVIL!r}]
Result.__doc__ = {EVIL!r}
class Handler(LambdaUserHandler):
    route = "/a<b>&/<x:<script>|[\\"']>"
    async def get(self, x) -> Result:
        self.getQueryParam({EVIL!r})
        return self.sendResponse(200, body=b"", headers={{"Content-Type": {EVIL!r}}})
Handler.__doc__ = Handler.get.__doc__ = {EVIL!r}
ROUTES_TO_ADD = []
async def main(request) -> Result:
    return {{}}
main.__doc__ = {EVIL!r}
"""
    lambda_ = support.model_of(tmp_path, evil, name=EVIL, version=EVIL, id=EVIL)
    handler = support.loaded().Handler
    lambda_.routes = [support.RouteModel(f"/a/<x:[{EVIL}]>", handler, {"GET": handler.get}, [("x", EVIL)], EVIL)]
    page = Page(docs_page.render(docs.spec(lambda_)))
    assert "script" not in [tag for tag, _ in page.tags]
    assert page.text.count("<script>alert(1)</script>") >= 8


def test_docstrings_keep_their_paragraphs_lists_and_code(tmp_path):
    source = 'async def main(request):\n    """First\n\n    One `word`\n    goes on.\n\n    - a\n    - b\n    """\n    return {}'
    text = docs_page.render(docs.spec(support.model_of(tmp_path, source)))
    assert "<p>One <code>word</code> goes on.</p>\n<pre>- a\n- b</pre>" in text
