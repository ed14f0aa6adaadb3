"""GET /docs/spec as a browser and as a tool see it."""

import json
import os
import re
import shutil
import signal
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
import yaml

from support import processes
from support.lambdapool import Lambdapool

OPENAPI_SCHEMA = Path("/usr/share/openapi-specification/schemas/v3.0/schema.json")
CHROMIUM = [
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    # Whatever else the browser would like to fetch fails at once.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--virtual-time-budget=3000",
]
LAMBDA = '''
    """Keeps parameters <script>document.title = "run"</script>."""

    from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest

    UUID_REGEXP_STR = r"[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"


    class ParameterHandler(LambdaUserHandler):
        """Parameter handler"""

        route: str = f"/parameters/<parameter:{UUID_REGEXP_STR}>"

        async def post(self, parameter):
            return self.sendResponse(201, json={"response": parameter})

        async def head(self, parameter):
            return self.sendResponse(204)


    class ParametersHandler(LambdaUserHandler):
        """Parameters handler"""

        route: str = "/parameters"

        async def get(self):
            """All <img src="http://elsewhere.invalid/x.png"> parameters"""
            return self.sendResponse(200, body="", headers={"Content-Type": "text/plain"})


    ROUTES_TO_ADD = [ParameterHandler, ParametersHandler]


    async def main(request: StandaloneLambdaRequest) -> dict:
        """Main route"""
        return {}
'''


@pytest.fixture
def server(make_lambda, serve):
    return serve(make_lambda(LAMBDA))


class Dom(HTMLParser):
    """The texts of the articles by their ids, and all tags, of a page as the browser holds it."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.articles, self.tags, self._article = {}, [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "article":
            self._article = dict(attributes).get("id", "")
            self.articles[self._article] = ""

    def handle_endtag(self, tag):
        if tag == "article":
            self._article = None

    def handle_data(self, data):
        if self._article is not None:
            self.articles[self._article] += data


def browse(url, folder):
    """Opens the page in chromium; gives its DOM as text and the URLs that were requested."""
    log = folder / "net-log.json"
    command = [*CHROMIUM, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", "--dump-dom", url]
    browser = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        dom, errors = browser.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.communicate()
        raise
    finally:
        processes.end_orphans(Lambdapool.running)  # helpers of the browser that outlive it
    assert browser.returncode == 0, errors.decode(errors="replace")[-2000:]
    return dom.decode(), requested_urls(log.read_text())


def requested_urls(text):
    log = json.loads(text)
    kind = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    return [event["params"]["url"] for event in log["events"] if event["type"] == kind and "url" in event.get("params", {})]


@pytest.mark.bound(120)
def test_a_browser_shows_the_routes_and_fetches_nothing_else(server, tmp_path):
    assert shutil.which("chromium"), "the package chromium is missing"
    url = f"http://{server.address[0]}:{server.address[1]}/docs/spec"
    text, urls = browse(url, tmp_path)
    dom = Dom(text)
    for operation, words in {
        "postMain": "POST/main",
        "postParameterHandler": "POST/parameters/{parameter}",
        "headParameterHandler": "HEAD/parameters/{parameter}",
        "getParametersHandler": "GET/parameters",
        "getHealthcheck": "GET/healthcheck",
        "getDocsSpec": "GET/docs/spec",
        "getConfig": "GET/config",
    }.items():
        assert dom.articles[operation].split()[0] == words
    assert "Main route" in dom.articles["postMain"]
    assert "Parameter handler" in dom.articles["postParameterHandler"]
    assert 'All <img src="http://elsewhere.invalid/x.png"> parameters' in dom.articles["getParametersHandler"]
    # What docstrings hold is shown, not done; the page asks for nothing beyond itself.
    assert not {"script", "img"} & set(dom.tags)
    assert "<title>made" in text
    fetched = [one for one in urls if not one.startswith(("data:", "chrome:"))]
    assert url in fetched
    assert [one for one in fetched if one.startswith(url.removesuffix("/docs/spec")) and one != url] == []
    assert [one for one in fetched if "elsewhere" in one] == []
    assert [one["target"] for one in server.log.wait_for("^request$")] == ["/docs/spec"]


def test_the_yaml_is_a_valid_openapi_document(server):
    response = server.request("GET", "/docs/spec", headers={"Accept": "application/x-yaml"})
    assert (response.status, response.header("Content-Type")) == (200, "application/x-yaml")
    document = yaml.safe_load(response.body)
    jsonschema.Draft4Validator(json.loads(OPENAPI_SCHEMA.read_text())).validate(document)
    assert {"/main", "/parameters", "/parameters/{parameter}"} <= document["paths"].keys()
    assert document["info"]["title"] == "made"
    assert document["info"]["version"] == response.header("Lambda-Version")


def test_curl_gets_yaml_and_other_types_are_not_supported(server):
    url = f"http://{server.address[0]}:{server.address[1]}/docs/spec"
    got = subprocess.run(["curl", "-sS", "--max-time", "10", url], capture_output=True, text=True, check=True).stdout
    assert got.startswith('openapi: "3.0.3"\n')
    refused = server.request("GET", "/docs/spec", headers={"Accept": "application/json"})
    assert refused.status == 415
    assert refused.json()["error_code"] == 12024
    assert re.match("Unsupported media type", refused.json()["detail"])


@pytest.mark.parametrize("accept, kind", [("application/json", "application/json"), ("text/plain", "text/plain; charset=utf-8")])
def test_the_configuration_is_shown_without_secrets(make_lambda, serve, accept, kind):
    folder = make_lambda(LAMBDA, name="configured", lambda_config__yml="database:\n  password: hidden-one\n  port: 5432\n")
    response = serve(folder).request("GET", "/config", headers={"Accept": accept})
    assert (response.status, response.header("Content-Type")) == (200, kind)
    assert b"hidden-one" not in response.body
    assert b"***" in response.body and b"5432" in response.body
