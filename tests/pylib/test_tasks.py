"""Tasks lambdas: the two calls of the supervisor, which splits a task and runs its sub-tasks by them."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
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


def execute(part, number=1, task_id=7, account_id=None):
    """The body of the call that runs a sub-task."""
    return {"task_id": task_id, "account_id": account_id, "sub_task_id": number, "content": {"part": part}}


def split(*parts, task_id=7):
    """The body of the call that splits a task."""
    return {"task_id": task_id, "account_id": None, "content": {"parts": [{"part": part} for part in parts]}}


def answer_of(hosted, source, body=None, path=b"execute", **options):
    """The answer to one call, and the channel; afterwards the lambda must still be well."""
    answers = []

    async def drive(channel):
        call = execute(1) if body is None else body
        answers.append(await channel.ask("TASK", path, call, headers=[], request_id="the id"))
        assert (await channel.ask("GET", b"/healthcheck")).status == 200

    channel = hosted.write(source).run(drive, **options)
    assert channel.readiness is not None, channel.failure
    return answers[0], channel


# ---------------------------------------------------------------------- sub-tasks


def test_the_manuals_lambda_is_split_and_counts_its_sub_tasks(hosted):
    async def drive(channel):
        assert (await channel.ask("GET", b"/subtasks_done/3")).status == 404
        data = [{"count": 1, "delay": 0}, {"count": 0, "delay": 0}]
        call = {"task_id": 3, "account_id": None, "content": {"data": data}}
        answer = await channel.ask("TASK", b"split", call)
        assert (answer.status, answer.headers["Content-Type"], answer.route) == (200, "application/json", "split")
        assert answer.json == [{"content": each} for each in data]
        for number, content in enumerate(answer.json):
            done = await channel.ask("TASK", b"execute", {**call, "sub_task_id": number, "content": content})
            assert (done.status, done.json) == (200, {"result": "some task result"})
        assert (await channel.ask("GET", b"/subtasks_done/3")).json == {"sub_tasks_done": 2}

    assert hosted.write(MANUAL.read_text()).run(drive).readiness == ("tasks", "asyncio")


@pytest.mark.parametrize("result", [{}, [], None, 0, "text", {"é": ["\u2028"]}])
def test_a_result_is_any_value_of_json(hosted, result):
    answer, _ = answer_of(hosted, lambda_of(f"return {result!r}"))
    assert (answer.status, answer.json) == (200, result)


def test_sub_tasks_run_in_tasks_of_their_own_under_the_requests_id(hosted):
    body = 'logger.info("here")\nself.logger.info("bound")\nreturn asyncio.current_task().get_name()'
    answer, channel = answer_of(hosted, lambda_of(body), execute(0, number=4))
    assert answer.json == "sub-task 4 of task 7"
    found = {line.text: line.request_id for line in channel.lines if line.text in ("here", "bound")}
    assert found == dict.fromkeys(["here", "bound"], "the id")


def test_a_task_knows_what_it_works_for(hosted):
    head = "class UserCtx:\n    def __init__(self):\n        self.name = 'shared'\n"
    body = "return [self._data.taskId, self.accountId, self.taskType, self.userCtx.name, repr(self)]"
    answer, _ = answer_of(hosted, lambda_of(body, head=head), execute(1, account_id=ACCOUNT))
    assert answer.json == [7, ACCOUNT, "lambda", "shared", "<LambdaTask 7>"]


def test_without_an_account_and_the_context_there_is_neither(hosted):
    answer, _ = answer_of(hosted, lambda_of("return [self.accountId, self.userCtx]"))
    assert answer.json == [None, None]


def test_a_task_has_no_application(hosted):
    answer, _ = answer_of(hosted, lambda_of("return self.app"))
    assert answer.detail.startswith("lambdapool runs lambdas without a Sanic application")


def test_each_call_has_an_instance_of_its_own(hosted):
    more = "    def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n        self.seen = []\n"
    source = lambda_of("self.seen.append(part)\nreturn self.seen", more=more)

    async def drive(channel):
        for part in (1, 2):
            assert (await channel.ask("TASK", b"execute", execute(part))).json == [part]

    hosted.write(source).run(drive)


@pytest.mark.parametrize("task_id", [0, 1, -1, 2**63, 10**40])
def test_a_task_id_is_any_integer(hosted, task_id):
    answer, _ = answer_of(hosted, lambda_of("return self._data.taskId"), execute(1, task_id=task_id))
    assert answer.json == task_id


def raw_split(value):
    return b'{"task_id":7,"account_id":null,"content":{"parts":[{"part":' + value + b"}]}}"


@pytest.mark.parametrize("digits, sign", [(4300, b""), (4300, b"-"), (4301, b""), (4301, b"-")])
def test_content_with_an_integer_of_more_digits_than_python_reads_is_a_bad_request(hosted, digits, sign):
    answer, channel = answer_of(hosted, lambda_of("return part"), raw_split(sign + b"1" * digits), b"split")

    if digits == 4300:
        assert (answer.status, answer.json) == (200, [{"part": int(sign + b"1" * digits)}])
        return
    assert (answer.status, answer.kind, answer.code) == (400, "bad_request", 12022)
    assert "'content'" in answer.detail and "4300 digits" in answer.detail
    assert not [line for line in channel.lines if line.level == "error"]


@pytest.fixture
def digits_limit():
    limit = sys.get_int_max_str_digits()
    yield
    sys.set_int_max_str_digits(limit)


@pytest.mark.usefixtures("digits_limit")
def test_a_lambda_may_raise_pythons_limit_of_digits(hosted):
    source = lambda_of("return len(str(part))", head="import sys\nsys.set_int_max_str_digits(9000)")
    answer, _ = answer_of(hosted, source, raw_split(b"1" * 9000), b"split")
    assert answer.status == 200


def test_content_that_is_nested_too_deeply_for_python_is_a_bad_request(hosted):
    answer, _ = answer_of(hosted, lambda_of("return part"), raw_split(b"[" * 995 + b"]" * 995), b"split")
    assert (answer.status, answer.kind) == (400, "bad_request")
    assert answer.detail.endswith("'it is nested too deeply'")


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
def test_whatever_a_sub_task_raises_is_its_answer(hosted, statement, detail):
    answer, channel = answer_of(hosted, lambda_of(statement))
    assert (answer.status, answer.kind, answer.code, answer.detail) == (500, "lambda_exception", 42004, detail)
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
    assert (answer.kind, answer.code, answer.detail) == ("user_exception", 42004, detail)
    assert channel.texts("error") == []


@pytest.mark.parametrize(
    "result, detail",
    [
        ("{'a': {1}}", 'result["a"] is a set, which JSON cannot hold'),
        ("float('nan')", "result is nan, which JSON cannot hold"),
    ],
)
def test_a_result_that_json_cannot_hold_is_the_sub_tasks_error(hosted, result, detail):
    answer, channel = answer_of(hosted, lambda_of(f"return {result}"))
    assert (answer.status, answer.kind, answer.code, answer.detail) == (500, "bad_result", 42004, detail)
    assert channel.texts("error") == [f"sub-task 1 of task 7: {detail}"]


# ---------------------------------------------------------------------- splitting


@pytest.mark.parametrize(
    "head, splitting, status, kind, detail",
    [
        ("", "return content['data']", 500, "lambda_exception", "'data'"),
        ("", "raise SystemExit(3)", 500, "lambda_exception", "3"),
        ("class E(UserException):\n    statusCode = 400\n    errorText = 'no'\n", "raise E", 400, "user_exception", "no"),
        ("class E(UserTaskLambdaException):\n    errorText = 'no'\n", "raise E", 500, "user_exception", "no"),
    ],
)
def test_a_task_that_cannot_be_split_fails(hosted, head, splitting, status, kind, detail):
    answer, channel = answer_of(hosted, lambda_of("return 1", splitting, head=head), split(1), b"split")
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
    answer, channel = answer_of(hosted, lambda_of("return 1", f"return {contents}"), split(1), b"split")
    assert (answer.status, answer.kind, answer.code, answer.detail) == (500, "bad_result", 42004, detail)
    assert channel.texts("error") == [detail]


def test_the_contents_of_sub_tasks_are_written_as_json(hosted):
    answer, _ = answer_of(hosted, lambda_of("return 1", "return [{'part': (1, 2), 3: []}]"), split(1), b"split")
    assert answer.json == [{"part": [1, 2], "3": []}]


# ---------------------------------------------------------------------- who may call


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", [b"split", b"execute", b"/split", b"/execute", b"/main", b"/tasks", b"/tasks/1"])
def test_no_request_of_a_client_reaches_the_calls(hosted, method, path):
    async def drive(channel):
        assert (await channel.ask(method, path, execute(1))).status == 404
        assert (await channel.ask("GET", b"/state")).json["begun"] == []

    hosted.write(lambda_of("STATE['begun'].append(part)\nreturn 1")).run(drive)


@pytest.mark.parametrize("path", [b"split", b"execute"])
def test_other_lambdas_know_nothing_of_the_calls(hosted, path):
    async def drive(channel):
        answer = await channel.ask("TASK", path, execute(1))
        assert (answer.status, answer.code) == (404, 12013)

    hosted.write("async def main(request):\n    return {}\n").run(drive)


def test_a_call_that_is_none_of_the_two_is_not_found(hosted):
    answer, _ = answer_of(hosted, lambda_of("return 1"), path=b"other")
    assert (answer.status, answer.code) == (404, 12013)


# ---------------------------------------------------------------------- cancellation, forks


@pytest.mark.parametrize(
    "reason, status, errors", [("timeout", 504, 1.0), ("disconnect", 499, 0.0)]
)
def test_a_sub_task_can_be_cancelled(hosted, reason, status, errors):
    body = """
STATE["begun"].append(part)
try:
    await asyncio.sleep(3600)
except asyncio.CancelledError:
    STATE["cancelled"].append(part)
    raise"""

    async def drive(channel):
        number = channel.send("TASK", b"execute", execute(5))
        while not (await channel.ask("GET", b"/state")).json["begun"]:
            pass
        channel.on_cancel(number, reason)
        answer = await channel.answer(number)
        assert (answer.status, answer.kind) == (status, "cancelled")
        assert (await channel.ask("GET", b"/state")).json["cancelled"] == [5]

    channel = hosted.write(lambda_of(body)).run(drive)
    assert channel.texts("error") == []
    assert counted(channel)["error_subtasks"] == errors


@pytest.mark.parametrize("ending, status", [("return 'child'", 0), ("sys.exit(7)", 7), ("1 / 0", 1)])
@pytest.mark.parametrize("where", ["split", "execute"])
def test_a_forked_child_ends_where_it_comes_back(hosted, where, ending, status):
    fork = f"""
import sys
pid = os.fork()
if pid == 0:
    {ending}
ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""
    own = os.getpid()
    if where == "split":
        source = lambda_of("return 1", f"{fork}return [{{'ended': ended}}]")
        answer, _ = answer_of(hosted, source, split(1), b"split")
        assert answer.json == [{"ended": status}]
    else:
        answer, _ = answer_of(hosted, lambda_of(f"{fork}return ended"))
        assert answer.json == status
    assert os.getpid() == own


# ---------------------------------------------------------------------- loading, documents, metrics


@pytest.mark.parametrize(
    "after, text",
    [
        ("LambdaTask = None", "LambdaTask is a NoneType; it must be a class derived from BaseLambdaTask"),
        ("LambdaTask.executeSubtask = 5", "LambdaTask.executeSubtask is an int; it must be an async function"),
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
    assert list(document["paths"]["/tasks"]) == ["post", "get"]
    assert list(document["paths"]["/tasks/{id}"]) == ["get", "delete"]


def counted(channel):
    found = {}
    for kind, name, _, labels, values in channel.metrics:
        if name == "tasks_counter_total":
            assert kind == "counter"
            action = dict(labels)["task_action"]
            found[action] = found.get(action, 0) + values[0]
    return found


def test_what_is_done_for_tasks_is_counted(hosted):
    source = lambda_of("return 1 / part", "return [{'part': each} for each in content['parts']]")

    async def drive(channel):
        for parts in ([1, 0, 2], [1], None):
            await channel.ask("TASK", b"split", {"task_id": 1, "account_id": None, "content": {"parts": parts}})
        for part in (1, 0, 2, 1):
            await channel.ask("TASK", b"execute", execute(part))

    assert counted(hosted.write(source).run(drive)) == {
        "started_split": 3,
        "completed_split": 2,
        "error_split": 1,
        "started_subtasks": 4,
        "completed_subtasks": 3,
        "error_subtasks": 1,
    }


def test_what_a_sub_task_counts_is_sent_before_its_answer(hosted):
    async def drive(channel):
        channel.send("TASK", b"execute", execute(1))
        channel.begin_what_came()
        assert counted(channel)["completed_subtasks"] == 1  # No turn of the loop has passed.

    hosted.write(lambda_of("return 1")).run(drive)


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
