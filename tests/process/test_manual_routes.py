"""The additional routes of LUNA's manual: its two lambdas word for word, and its three snippets."""

import uuid
from pathlib import Path

import pytest

from support.http_client import Response, request_bytes
from support.lambdapool import Lambdapool
from support.wait import eventually

# What the manual's snippets leave out around them.
AROUND = """
from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest

{}

async def main(request: StandaloneLambdaRequest) -> dict:
    return {{}}
"""

WITHOUT_PARAMETERS = '''
class AdditionalHandler(LambdaUserHandler):

    route: str = "/new_route"

    async def post(self):
        return self.sendResponse(201, json={"response": parameter})

ROUTES_TO_ADD = [AdditionalHandler]
'''

TWO_PARAMETERS = '''
class AdditionalHandler(LambdaUserHandler):

    route: str = r"/new_route/<parameterOne:.*>/<parameterTwo:.*>"

    async def post(self, parameterOne, parameterTwo):
        return self.sendResponse(201, json={"response": parameter})

ROUTES_TO_ADD = [AdditionalHandler]
'''

INHERITANCE = '''
class BaseAdditionalHandler(LambdaUserHandler):

    def getResponse(self, parameter):
        return {"response": parameter}

class AdditionalHandler(BaseAdditionalHandler):

    route: str = r"/new_route/<parameter:.*>"

    async def post(self, parameter):
        return self.sendResponse(201, json=self.getResponse(parameter))

ROUTES_TO_ADD = [AdditionalHandler]
'''


@pytest.fixture
def serve_snippet(serve, make_lambda):
    def start(snippet: str) -> Lambdapool:
        folder: Path = make_lambda(AROUND.format(snippet))
        return serve(folder)

    return start


def error_of(response: Response) -> tuple[int, int, str]:
    told = response.json()
    return response.status, told["error_code"], told["detail"]


# ---------------------------------------------------------------------- the standalone lambda


def test_a_posted_parameter_is_there_for_head_and_get(serve):
    server = serve("manual_routes")
    first, second = str(uuid.uuid4()), str(uuid.uuid4())

    with server.connect() as connection:
        assert connection.request("HEAD", f"/parameters/{first}").status == 404
        for each in (first, second):
            posted = connection.request("POST", f"/parameters/{each}")
            assert (posted.status, posted.json()) == (201, {"response": each})
        found = connection.request("HEAD", f"/parameters/{first}")
        assert (found.status, found.body, found.header("Content-Type")) == (204, b"", None)
        listed = connection.request("GET", "/parameters")

    assert (listed.status, listed.body) == (200, f"{first}; {second}".encode())
    assert listed.header("Content-Type") == "text/plain"


def test_no_parameters_are_an_empty_text(serve):
    listed = serve("manual_routes").request("GET", "/parameters")

    assert (listed.status, listed.body, listed.header("Content-Type")) == (200, b"", "text/plain")


def test_a_parameter_that_is_not_there_is_a_404_without_a_body(serve):
    missing = serve("manual_routes").request("HEAD", f"/parameters/{uuid.uuid4()}")

    assert (missing.status, missing.body) == (404, b"")
    assert missing.header("Content-Type") == "text/plain"


@pytest.mark.parametrize("parameter", ["", "x", str(uuid.uuid4()).upper(), f"{uuid.uuid4()}0", f"{uuid.uuid4()}/x"])
def test_what_the_pattern_does_not_match_is_no_route(serve, parameter):
    response = serve("manual_routes").request("POST", f"/parameters/x{parameter}")

    assert error_of(response) == (404, 12013, "Page not found")


def test_methods_that_the_handlers_have_not_are_told(serve):
    server = serve("manual_routes")

    one = server.request("GET", f"/parameters/{uuid.uuid4()}")
    all_ = server.request("POST", "/parameters")

    assert error_of(one) == error_of(all_) == (405, 12021, "Method not allowed")
    assert (one.header("Allow"), all_.header("Allow")) == ("POST, HEAD", "GET")


def test_main_is_beside_the_additional_routes(serve):
    response = serve("manual_routes").post()

    assert (response.status, response.json()) == (200, {"result": "main route response"})


# ---------------------------------------------------------------------- the tasks lambda


def task(number: int, *data: dict[str, float]) -> dict[str, object]:
    return {"task_id": number, "content": {"data": list(data)}}


def in_flight(server: Lambdapool) -> float:
    lines = server.request("GET", "/metrics").body.decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("lambdapool_requests_in_flight"))


def test_a_task_is_split_executed_and_counted(serve):
    server = serve("manual_tasks_routes")

    unknown = server.request("GET", "/subtasks_done/17")
    done = server.post(task(17, {"count": 2, "delay": 0.01}, {"count": 0, "delay": 0}, {"count": 1, "delay": 0}))
    counted = server.request("GET", "/subtasks_done/17")
    other = server.request("GET", "/subtasks_done/18")

    assert (unknown.status, unknown.json()) == (404, {"error": "Task 17 not found"})
    result = {"result": "some task result"}
    assert (done.status, done.json()) == (
        200,
        {"task_id": 17, "results": [{"sub_task_id": each, "result": result} for each in range(3)], "errors": []},
    )
    assert (counted.status, counted.json()) == (200, {"sub_tasks_done": 3})
    assert (other.status, other.json()) == (404, {"error": "Task 18 not found"})


def test_a_sub_task_that_fails_is_an_error_beside_the_results(serve):
    server = serve("manual_tasks_routes")
    server.allow("^sub-task 0 of task 5 failed")

    done = server.post(task(5, {"delay": 0}, {"count": 0, "delay": 0}))

    assert (done.status, done.json()) == (
        200,
        {
            "task_id": 5,
            "results": [{"sub_task_id": 1, "result": {"result": "some task result"}}],
            "errors": [{"sub_task_id": 0, "error_code": 42004, "desc": "Lambda exception", "detail": "'count'"}],
        },
    )
    assert server.request("GET", "/subtasks_done/5").json() == {"sub_tasks_done": 1}


def test_content_that_cannot_be_split_fails_the_task(serve):
    server = serve("manual_tasks_routes")
    server.allow("KeyError: 'data'")

    response = server.post({"task_id": 1, "content": {}})

    assert error_of(response) == (500, 42004, "'data'")


def test_a_path_that_is_no_number_is_no_route(serve):
    response = serve("manual_tasks_routes").request("GET", "/subtasks_done/seventeen")

    assert error_of(response) == (404, 12013, "Page not found")


def test_a_task_whose_client_leaves_is_cancelled(serve):
    server = serve("manual_tasks_routes")

    with server.connect() as connection:
        body = task(9, {"count": 0, "delay": 0}, {"count": 1, "delay": 3600})
        connection.send(request_bytes(json_body=body))
        eventually(lambda: server.request("GET", "/subtasks_done/9").status == 200, what="the first sub-task is done")
        eventually(lambda: in_flight(server) == 1, what="the second one runs")

    eventually(lambda: in_flight(server) == 0, what="the task is cancelled")
    server.check()  # The worker is the one that has been there.
    assert len(server.log.find("^worker ready$")) == 1


def test_what_a_tasks_lambda_did_is_counted_under_its_metrics(serve):
    server = serve("manual_tasks_routes")

    server.post(task(1, {"count": 0, "delay": 0}, {"count": 0, "delay": 0}))

    lines = server.request("GET", "/lambda_metrics").body.decode().splitlines()
    found = [line for line in lines if line.startswith("tasks_counter_total{")]
    assert len(found) == 6, lines
    assert {line.rpartition(" ")[2] for line in found if '"completed_subtasks"' in line} == {"2"}
    assert {line.rpartition(" ")[2] for line in found if '"error_subtasks"' in line} == {"0"}


# ---------------------------------------------------------------------- the snippets


def test_the_route_without_parameters_runs_its_code(serve_snippet):
    # The manual's code answers with a name that it has not defined.
    server = serve_snippet(WITHOUT_PARAMETERS)
    server.allow("NameError")

    response = server.request("POST", "/new_route")

    assert error_of(response) == (500, 42004, "name 'parameter' is not defined")
    assert server.request("GET", "/new_route").status == 405
    assert server.request("POST", "/new_route/more").status == 404


def test_the_route_with_two_parameters_runs_its_code(serve_snippet):
    server = serve_snippet(TWO_PARAMETERS)
    server.allow("NameError")

    response = server.request("POST", "/new_route/one/two")

    assert error_of(response) == (500, 42004, "name 'parameter' is not defined")
    assert server.request("POST", "/new_route/one").status == 404


def test_the_route_with_two_parameters_gets_both(serve_snippet):
    mended = TWO_PARAMETERS.replace('"response": parameter}', '"response": [parameterOne, parameterTwo]}')
    server = serve_snippet(mended)

    response = server.request("POST", "/new_route/one/t%20wo")

    assert (response.status, response.json()) == (201, {"response": ["one", "t%20wo"]})


def test_the_handler_with_inheritance_answers_by_its_base(serve_snippet):
    server = serve_snippet(INHERITANCE)

    response = server.request("POST", "/new_route/some-value")

    assert (response.status, response.json()) == (201, {"response": "some-value"})
    assert server.request("HEAD", "/new_route/some-value").status == 405
