"""Tasks lambdas: POST /main splits a task and runs its sub-tasks."""

import asyncio
import os
from pathlib import Path

import pytest
from luna_lambda_tools.private import task_main
from luna_lambda_tools.public.exceptions import UserException, UserTaskLambdaException
from luna_lambda_tools.public.tasks import BaseLambdaTask, TaskData

MANUAL = Path(__file__).resolve().parents[1] / "lambdas" / "manual_tasks_routes" / "lambda_main.py"
ACCOUNT = "11111111-2222-4333-8444-555555555555"
HEAD = """
import asyncio, os
from luna_lambda_tools import LambdaUserHandler, UserException, logger
from luna_lambda_tools.public.exceptions import UserTaskLambdaException
from luna_lambda_tools.public.tasks import BaseLambdaTask

STATE = {"running": 0, "most": 0, "begun": [], "ended": [], "cancelled": []}

class State(LambdaUserHandler):
    route = "/state"
    async def get(self):
        return self.sendResponse(200, json=STATE)

ROUTES_TO_ADD = [State]
"""


def indented(body):
    return "".join(f"        {line}\n" for line in body.strip("\n").splitlines())


def lambda_of(execute, split="return content['parts']", more="", head=""):
    """The source of a lambda with these bodies of its methods; `part` is the sub-task's value."""
    return (
        f"{HEAD}{head}\nclass LambdaTask(BaseLambdaTask):\n{more}"
        f"    async def splitTasksContent(self, content):\n{indented(split)}"
        f"    async def executeSubtask(self, subtaskContent):\n        part = subtaskContent.get('part')\n{indented(execute)}"
    )


def order(*parts, task_id=7):
    return {"task_id": task_id, "content": {"parts": [{"part": part} for part in parts]}}


def answer_of(hosted, source, body=None, **options):
    """The answer to one task, and the channel; afterwards the lambda must still be well."""
    answers = []
    headers = options.pop("headers", [("Content-Type", "application/json")])

    async def drive(channel):
        answers.append(await channel.ask(body=order(1) if body is None else body, headers=headers, request_id="the id"))
        assert (await channel.ask("GET", b"/healthcheck")).status == 200

    channel = hosted.write(source).run(drive, **options)
    assert channel.readiness is not None, channel.failure
    return answers[0], channel


def done(*results):
    return [{"sub_task_id": number, "result": result} for number, result in enumerate(results)]


def failed(number, detail):
    return {"sub_task_id": number, "error_code": 42004, "desc": "Lambda exception", "detail": detail}


# ---------------------------------------------------------------------- the whole


def test_the_manuals_lambda_runs_a_task_and_counts_its_sub_tasks(hosted):
    async def drive(channel):
        assert (await channel.ask("GET", b"/subtasks_done/3")).status == 404
        data = [{"count": 1, "delay": 0}, {"count": 0, "delay": 0}]
        answer = await channel.ask(body={"task_id": 3, "content": {"data": data}})
        result = {"result": "some task result"}
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        assert answer.json == {"task_id": 3, "results": done(result, result), "errors": []}
        assert answer.route == "/main"
        assert (await channel.ask("GET", b"/subtasks_done/3")).json == {"sub_tasks_done": 2}

    assert hosted.write(MANUAL.read_text()).run(drive).readiness == ("tasks", "asyncio")


def test_results_are_in_the_order_of_the_sub_tasks_whichever_ends_first(hosted):
    execute = "await asyncio.sleep(0 if part == 2 else 0.02 / (part + 1))\nSTATE['ended'].append(part)\nreturn [part]"
    answer, _ = answer_of(hosted, lambda_of(execute), order(0, 1, 2))
    assert answer.json == {"task_id": 7, "results": done([0], [1], [2]), "errors": []}


@pytest.mark.parametrize("result", [{}, [], None, 0, "text", {"é": ["\u2028"]}])
def test_a_result_is_any_value_of_json(hosted, result):
    answer, _ = answer_of(hosted, lambda_of(f"return {result!r}"))
    assert answer.json["results"] == done(result)


def test_a_task_without_sub_tasks_is_done(hosted):
    answer, channel = answer_of(hosted, lambda_of("1 / 0"), order())
    assert (answer.status, answer.json) == (200, {"task_id": 7, "results": [], "errors": []})
    assert channel.texts("error") == []


@pytest.mark.parametrize("count", [1, task_main.AT_ONCE, task_main.AT_ONCE + 1, 5 * task_main.AT_ONCE])
def test_a_bounded_number_of_sub_tasks_runs_at_once(hosted, count):
    execute = """
STATE["running"] += 1
STATE["most"] = max(STATE["most"], STATE["running"])
for _ in range(3):
    await asyncio.sleep(0)
STATE["running"] -= 1
return part"""

    async def drive(channel):
        answer = await channel.ask(body=order(*range(count)))
        assert answer.json["results"] == done(*range(count))
        state = (await channel.ask("GET", b"/state")).json
        assert (state["running"], state["most"]) == (0, min(count, task_main.AT_ONCE))

    hosted.write(lambda_of(execute)).run(drive)


def test_sub_tasks_run_in_tasks_of_their_own_under_the_requests_id(hosted):
    execute = """
logger.info("here %s", part)
self.logger.info("bound %s", part)
return asyncio.current_task().get_name()"""
    answer, channel = answer_of(hosted, lambda_of(execute), order(0, 1))
    assert answer.json["results"] == done("sub-task 0 of task 7", "sub-task 1 of task 7")
    found = {line.text: line.request_id for line in channel.lines if line.text.startswith(("here", "bound"))}
    assert found == dict.fromkeys(["here 0", "here 1", "bound 0", "bound 1"], "the id")


def test_a_task_knows_what_it_works_for(hosted):
    head = "class UserCtx:\n    def __init__(self):\n        self.name = 'shared'\n"
    execute = "return [self._data.taskId, self.accountId, self.taskType, self.userCtx.name, repr(self)]"
    headers = [("Luna-Account-Id", ACCOUNT)]
    answer, _ = answer_of(hosted, lambda_of(execute, head=head), headers=headers)
    assert answer.json["results"] == done([7, ACCOUNT, "lambda", "shared", "<LambdaTask 7>"])


def test_without_the_header_and_the_context_there_is_neither(hosted):
    answer, _ = answer_of(hosted, lambda_of("return [self.accountId, self.userCtx]"))
    assert answer.json["results"] == done([None, None])


def test_a_task_has_no_application(hosted):
    answer, _ = answer_of(hosted, lambda_of("return self.app"))
    assert answer.json["errors"][0]["detail"].startswith("lambdapool runs lambdas without a Sanic application")


def test_the_splitting_and_each_sub_task_have_instances_of_their_own(hosted):
    more = "    def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n        self.seen = []\n"
    execute = "self.seen.append(part)\nawait asyncio.sleep(0)\nreturn self.seen"
    source = lambda_of(execute, "self.seen.append('split')\nreturn content['parts']", more)
    answer, _ = answer_of(hosted, source, order(1, 2))
    assert answer.json["results"] == done([1], [2])


def test_sub_tasks_get_contents_as_they_are_after_a_way_as_json(hosted):
    split = "same = []\nreturn [{'part': (1, 2), 3: same}, {'part': same}]"
    execute = "subtaskContent.get('3', []).append('mine')\nreturn subtaskContent"
    answer, _ = answer_of(hosted, lambda_of(execute, split))
    assert answer.json["results"] == done({"part": [1, 2], "3": ["mine"]}, {"part": []})


# ---------------------------------------------------------------------- errors of sub-tasks


@pytest.mark.parametrize(
    "statement, detail",
    [
        ("1 / 0", "division by zero"),
        ("raise KeyError", "KeyError"),
        ("raise SystemExit(3)", "3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise asyncio.CancelledError", "CancelledError"),
        ("raise StopIteration(5)", "coroutine raised StopIteration"),
        ("asyncio.current_task().cancel()\nawait asyncio.sleep(1)", "CancelledError"),
    ],
)
def test_whatever_a_sub_task_raises_is_its_own_error(hosted, statement, detail):
    execute = "if part == 1:\n" + "".join(f"    {line}\n" for line in statement.splitlines()) + "return part"
    answer, channel = answer_of(hosted, lambda_of(execute), order(0, 1, 2))
    assert (answer.status, answer.json) == (
        200,
        {
            "task_id": 7,
            "results": [{"sub_task_id": 0, "result": 0}, {"sub_task_id": 2, "result": 2}],
            "errors": [failed(1, detail)],
        },
    )
    [line] = [line for line in channel.lines if line.level == "error"]
    assert (line.request_id, line.text.splitlines()[0]) == ("the id", "sub-task 1 of task 7 failed")
    places = [each for each in line.text.splitlines() if each.startswith("  File ")]
    assert not places or "lambda_main.py" in places[0] or "asyncio" in places[0]


@pytest.mark.parametrize(
    "head, detail",
    [
        ("class E(UserTaskLambdaException):\n    errorText = 'the text'\n", "the text"),
        ("class E(UserTaskLambdaException):\n    pass\n", "E"),
        ("class E(UserException):\n    statusCode = 409\n    errorText = 'the text'\n", "the text"),
    ],
)
@pytest.mark.parametrize("what", ["E", "E()"])
def test_an_expected_exception_of_a_sub_task_is_its_text(hosted, what, head, detail):
    answer, channel = answer_of(hosted, lambda_of(f"raise {what}", head=head))
    assert answer.json == {"task_id": 7, "results": [], "errors": [failed(0, detail)]}
    assert channel.texts("error") == []


def test_a_text_that_utf_8_cannot_hold_is_told_all_the_same(hosted):
    answer, _ = answer_of(hosted, lambda_of("raise ValueError('a\\ud800b')"))
    assert answer.json["errors"] == [failed(0, "a?b")]


@pytest.mark.parametrize(
    "result, detail",
    [
        ("{'a': {1}}", 'result["a"] is a set, which JSON cannot hold'),
        ("float('nan')", "result is nan, which JSON cannot hold"),
    ],
)
def test_a_result_that_json_cannot_hold_is_the_sub_tasks_error(hosted, result, detail):
    execute = f"return {result} if part else 'good'"
    answer, channel = answer_of(hosted, lambda_of(execute), order(0, 1))
    assert (answer.json["results"], answer.json["errors"]) == (done("good"), [failed(1, detail)])
    assert channel.texts("error") == [f"sub-task 1 of task 7: {detail}"]


def test_a_sub_task_that_cancels_all_others_leaves_their_errors(hosted):
    execute = """
if part == 0:
    for task in asyncio.all_tasks():
        if task.get_name().startswith("sub-task") and task is not asyncio.current_task():
            task.cancel()
    return "alone"
return part"""
    answer, _ = answer_of(hosted, lambda_of(execute), order(0, 1, 2))
    assert answer.json["results"] == done("alone")
    assert answer.json["errors"] == [failed(1, "CancelledError"), failed(2, "CancelledError")]


# ---------------------------------------------------------------------- splitting


@pytest.mark.parametrize(
    "head, split, status, kind, detail",
    [
        ("", "return content['data']", 500, "lambda_exception", "'data'"),
        ("", "raise SystemExit(3)", 500, "lambda_exception", "3"),
        ("class E(UserException):\n    statusCode = 400\n    errorText = 'no'\n", "raise E", 400, "user_exception", "no"),
        ("class E(UserTaskLambdaException):\n    errorText = 'no'\n", "raise E", 500, "user_exception", "no"),
    ],
)
def test_a_task_that_cannot_be_split_fails(hosted, head, split, status, kind, detail):
    answer, channel = answer_of(hosted, lambda_of("return 1", split, head=head))
    assert (answer.status, answer.kind, answer.code, answer.detail) == (status, kind, 42004, detail)
    assert len(channel.texts("error")) == (kind == "lambda_exception")


WHERE = "LambdaTask.splitTasksContent"


@pytest.mark.parametrize(
    "contents, detail",
    [
        ("None", f"{WHERE} returned a value of type NoneType; it must return a list of dicts"),
        ("({},)", f"{WHERE} returned a value of type tuple; it must return a list of dicts"),
        ("{}", f"{WHERE} returned a value of type dict; it must return a list of dicts"),
        ("[{}, 5]", f"{WHERE}: item 1 of the list is of type int; it must be a dict"),
        ("[{'a': b''}]", f'{WHERE}: result[0]["a"] is a bytes, which JSON cannot hold'),
    ],
)
def test_contents_that_are_no_list_of_dicts_are_told(hosted, contents, detail):
    answer, channel = answer_of(hosted, lambda_of("return 1", f"return {contents}"))
    assert (answer.status, answer.kind, answer.code, answer.detail) == (500, "bad_result", 42004, detail)
    assert channel.texts("error") == [detail]


# ---------------------------------------------------------------------- requests


@pytest.mark.parametrize(
    "body, code, detail",
    [
        (b"", 12002, "Request does not contain json"),
        (b"{", 12002, "Request does not contain json"),
        (b'{"content": {}}', 12003, "Field task_id not found in json"),
        (b'{"task_id": 1}', 12003, "Field content not found in json"),
        (b"null", 12022, "Path: '' message: 'null is not an object with task_id and content'"),
        (b"[]", 12022, "Path: '' message: 'an array is not an object with task_id and content'"),
        (b'{"task_id": "1", "content": {}}', 12022, "Path: 'task_id' message: 'a string is not an integer'"),
        (b'{"task_id": true, "content": {}}', 12022, "Path: 'task_id' message: 'a boolean is not an integer'"),
        (b'{"task_id": 1.0, "content": {}}', 12022, "Path: 'task_id' message: 'a number is not an integer'"),
        (b'{"task_id": 1, "content": []}', 12022, "Path: 'content' message: 'an array is not an object'"),
        (b'{"task_id": 1, "content": null}', 12022, "Path: 'content' message: 'null is not an object'"),
    ],
)
def test_a_body_that_is_no_task_is_the_clients_fault(hosted, body, code, detail):
    answer, channel = answer_of(hosted, lambda_of("return 1"), body)
    assert (answer.status, answer.kind, answer.code) == (400, "bad_request", code)
    assert answer.detail in (detail, f"Failed to validate input json. {detail}")
    assert channel.texts("error") == []


@pytest.mark.parametrize("task_id", [0, 1, -1, 2**63])
def test_a_task_id_is_any_integer(hosted, task_id):
    answer, _ = answer_of(hosted, lambda_of("return self._data.taskId"), order(1, task_id=task_id))
    assert answer.json == {"task_id": task_id, "results": done(task_id), "errors": []}


@pytest.mark.parametrize("value", ["", "me", ACCOUNT.upper().replace("1", "A")])
def test_an_account_that_is_no_uuid_is_the_clients_fault(hosted, value):
    answer, _ = answer_of(hosted, lambda_of("return 1"), headers=[("Luna-Account-Id", value)])
    assert (answer.status, answer.code) == (400, 12031)
    assert answer.detail == "Bad header 'Luna-Account-Id': it must be a UUID in lower case"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_of_main_are_refused(hosted, method):
    async def drive(channel):
        answer = await channel.ask(method)
        assert (answer.status, answer.code, answer.headers) == (405, 12021, {"Allow": "POST"})

    hosted.write(lambda_of("return 1")).run(drive)


# ---------------------------------------------------------------------- cancellation, forks

WAITS = """
STATE["begun"].append(part)
try:
    await asyncio.sleep(3600)
except asyncio.CancelledError:
    STATE["cancelled"].append(part)
    raise"""


async def state_when(channel, condition):
    while not condition(state := (await channel.ask("GET", b"/state")).json):
        pass
    return state


@pytest.mark.parametrize("reason, status", [("timeout", 504), ("disconnect", 499)])
def test_a_cancelled_task_cancels_its_sub_tasks_and_begins_no_more(hosted, reason, status):
    async def drive(channel):
        number = channel.send(body=order(*range(task_main.AT_ONCE + 4)))
        await state_when(channel, lambda state: len(state["begun"]) == task_main.AT_ONCE)
        channel.on_cancel(number, reason)
        answer = await channel.answer(number)
        assert (answer.status, answer.kind) == (status, "cancelled")
        state = (await channel.ask("GET", b"/state")).json
        assert sorted(state["cancelled"]) == sorted(state["begun"]) == list(range(task_main.AT_ONCE))

    channel = hosted.write(lambda_of(WAITS)).run(drive)
    assert channel.texts("error") == []


def test_a_cancelled_task_is_answered_when_its_last_sub_task_has_ended(hosted):
    execute = """
STATE["begun"].append(part)
try:
    await asyncio.sleep(3600)
except asyncio.CancelledError:
    for _ in range(5):
        await asyncio.sleep(0)
    STATE["ended"].append(part)
return part"""

    async def drive(channel):
        number = channel.send(body=order(1, 2))
        await state_when(channel, lambda state: len(state["begun"]) == 2)
        channel.on_cancel(number, "timeout")
        channel.on_cancel(number, "timeout")
        assert (await channel.answer(number)).status == 504
        assert (await channel.ask("GET", b"/state")).json["ended"] == [1, 2]

    hosted.write(lambda_of(execute)).run(drive)


def test_a_shutdown_cancels_sub_tasks(hosted):
    numbers = []

    async def drive(channel):
        numbers.append(channel.send(body=order(1, 2)))
        await state_when(channel, lambda state: len(state["begun"]) == 2)

    channel = hosted.write(lambda_of(WAITS)).run(drive)
    [answer] = channel.answers[numbers[0]]
    assert (answer.status, answer.kind) == (503, "cancelled")


@pytest.mark.parametrize("ending, status", [("return 'child'", 0), ("sys.exit(7)", 7), ("1 / 0", 1)])
@pytest.mark.parametrize("where", ["split", "execute"])
def test_a_forked_child_ends_where_it_comes_back(hosted, where, ending, status):
    fork = f"""
import sys
pid = os.fork()
if pid == 0:
    {ending}
STATE["ended"].append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    if where == "split":
        source = lambda_of("return STATE['ended']", f"{fork}return content['parts']")
    else:
        source = lambda_of(f"{fork}return STATE['ended']")
    own = os.getpid()
    answer, _ = answer_of(hosted, source)
    assert os.getpid() == own
    assert answer.json["results"] == done([status])


# ---------------------------------------------------------------------- loading, documents, metrics


@pytest.mark.parametrize(
    "after, text",
    [
        ("LambdaTask = None", "LambdaTask is a NoneType; it must be a class derived from BaseLambdaTask"),
        ("LambdaTask.executeSubtask = 5", "LambdaTask.executeSubtask is a int; it must be an async function"),
        ("LambdaTask.executeSubtask = lambda self, x: {}", 'LambdaTask.executeSubtask is not asynchronous; write "async def'),
    ],
)
def test_what_the_import_makes_of_the_class_is_checked(hosted, after, text):
    source = lambda_of("return 1") + "\nglobals().update(vars(__import__('later')))\n"
    hosted.write(f"import lambda_main\nLambdaTask = lambda_main.LambdaTask\n{after}\n", "later.py")
    stage, told, _ = hosted.write(source).fails()
    assert stage == "load"
    assert text in told


def test_a_constructor_that_cannot_take_what_the_host_gives_is_told(hosted):
    more = "    def __init__(self):\n        pass\n"
    stage, text, _ = hosted.write(lambda_of("return 1", more=more)).fails()
    line = lambda_of("return 1", more=more).splitlines().index("    def __init__(self):") + 1
    assert (stage, text) == (
        "load",
        f"lambda_main.py:{line}: LambdaTask.__init__ must take (self, *args, **kwargs) and hand them on to "
        "super().__init__",
    )


def test_a_constructor_that_raises_fails_the_task(hosted):
    more = "    def __init__(self, *args):\n        1 / 0\n"
    answer, _ = answer_of(hosted, lambda_of("return 1", more=more))
    assert (answer.status, answer.detail) == (500, "division by zero")


def test_the_document_describes_the_task(hosted):
    yaml = pytest.importorskip("yaml")
    documents = []

    async def drive(channel):
        documents.append(yaml.safe_load((await channel.ask("GET", b"/docs/spec", headers=[])).body))

    hosted.write(MANUAL.read_text()).run(drive)
    [document] = documents
    operation = document["paths"]["/main"]["post"]
    assert document["info"]["x-lambda-type"] == "tasks"
    assert operation["summary"] == "Lambda task"
    assert operation["tags"] == ["main"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["task_id", "content"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    result = schema["properties"]["results"]["items"]["properties"]["result"]
    assert result == {"anyOf": [{"type": "object"}, {"type": "array", "items": {}}]}
    assert list(document["paths"]["/subtasks_done/{taskId}"]) == ["get"]


def test_what_is_done_for_tasks_is_counted(hosted):
    source = lambda_of("return 1 / part", "return [{'part': each} for each in content['parts']]")

    async def drive(channel):
        for parts in ([1, 0, 2], [1], None):
            await channel.ask(body={"task_id": 1, "content": {"parts": parts}})

    channel = hosted.write(source).run(drive)
    found = {}
    for kind, name, _, labels, values in channel.metrics:
        if name == "tasks_counter_total":
            assert kind == "counter"
            action = dict(labels)["task_action"]
            found[action] = found.get(action, 0) + values[0]
    assert found == {
        "started_split": 3,
        "completed_split": 2,
        "error_split": 1,
        "started_subtasks": 4,
        "completed_subtasks": 3,
        "error_subtasks": 1,
    }


# ---------------------------------------------------------------------- the classes on their own


def test_a_task_can_be_made_by_its_authors_unit_tests():
    class LambdaTask(BaseLambdaTask):
        async def splitTasksContent(self, content):
            return [content]

        async def executeSubtask(self, subtaskContent):
            return [self._data.taskId, subtaskContent]

    task = LambdaTask(TaskData(taskId=5))
    assert asyncio.run(task.splitTasksContent({})) == [{}]
    assert asyncio.run(task.executeSubtask({})) == [5, {}]
    assert (task.accountId, task.userCtx) == (None, None)


def test_the_base_class_itself_cannot_be_made():
    with pytest.raises(TypeError):
        BaseLambdaTask(TaskData(taskId=1))


def test_the_exceptions_are_not_of_each_other():
    assert not issubclass(UserTaskLambdaException, UserException)
    assert UserTaskLambdaException.errorText == ""
