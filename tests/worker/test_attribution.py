"""Which request's code it is that runs, or ends the worker: what the vitals page says of lambdas in the real host.

The test plays the supervisor; see test_worker_process.py.
"""

import json
import os
import pathlib
import signal
import sys
import textwrap
import time

import pytest
from test_worker_process import LIMIT, VERSION, WORKER, Worker

PYLIB = pathlib.Path(__file__).parents[2] / "pylib"
CULPRIT = 4097
SANITIZED = b"__asan_init" in pathlib.Path(WORKER).read_bytes()

LAMBDA = '''
import asyncio, ctypes, faulthandler, inspect, os, signal, threading, time, types
from concurrent.futures import ThreadPoolExecutor
from luna_lambda_tools import StandaloneLambdaRequest, logger

async def main(request: StandaloneLambdaRequest):
    text = request.json["do"]
    if text == "wait":
        logger.info("waiting")
        await asyncio.sleep(1000)
    scope = {}
    exec("async def do():\\n" + "".join(f"    {line}\\n" for line in text.splitlines()), globals(), scope)
    return await scope["do"]()

def segfault():
    ctypes.string_at(0)

async def crash():
    await asyncio.sleep(0)
    segfault()

async def deeper(how):
    return await asyncio.create_task(how())

async def wait_and_spin():
    await asyncio.sleep(0.05)
    logger.info("spinning")
    while True: pass

class Children(asyncio.TaskGroup):
    pass
'''


@pytest.fixture(params=["asyncio", "uvloop"])
def worker(request, tmp_path):
    (tmp_path / "lambda_main.py").write_text(LAMBDA)
    made = Worker(PYLIB, root=tmp_path, loop=request.param)
    assert made.read() == [129, VERSION, "standalone", request.param]
    yield made
    made.close()


def do(worker, text, id=CULPRIT, slot=1):
    worker.request(id=id, slot=slot, body=json.dumps({"do": textwrap.dedent(text).strip()}).encode())


def result(worker):
    message = worker.read()
    assert message[0] == 131, message
    return message[4].decode()


def with_bystanders(worker):
    for number in (2, 3):
        do(worker, "wait", id=4096 * number + number, slot=number)
        assert worker.said() == "waiting"


def eventually(condition):
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


WAYS = {
    "in its coroutine": ("segfault()", signal.SIGSEGV),
    "after an await": ("await crash()", signal.SIGSEGV),
    "in a child task": ("await asyncio.create_task(crash())", signal.SIGSEGV),
    "in a child of a child": ("await asyncio.create_task(deeper(crash))", signal.SIGSEGV),
    "in gather": ("await asyncio.gather(asyncio.sleep(10), crash())", signal.SIGSEGV),
    "in a task group": ("async with Children() as g:\n    g.create_task(crash())", signal.SIGSEGV),
    "in ensure_future": ("await asyncio.ensure_future(crash())", signal.SIGSEGV),
    "in wait_for": ("await asyncio.wait_for(crash(), 10)", signal.SIGSEGV),
    "in a finally of a cancelled task": (
        "async def child():\n    try:\n        await asyncio.sleep(10)\n    finally:\n        segfault()\n"
        "task = asyncio.create_task(child())\nawait asyncio.sleep(0)\ntask.cancel()\nawait task",
        signal.SIGSEGV,
    ),
    "in to_thread": ("await asyncio.to_thread(segfault)", signal.SIGSEGV),
    "in the default executor": (
        "await asyncio.get_running_loop().run_in_executor(None, segfault)",
        signal.SIGSEGV,
    ),
    "in a thread of a child task": ("await asyncio.create_task(asyncio.to_thread(segfault))", signal.SIGSEGV),
    "by os.abort": ("os.abort()", signal.SIGABRT),
    "by os.abort in a thread": ("await asyncio.to_thread(os.abort)", signal.SIGABRT),
    "by os.kill": ("os.kill(os.getpid(), signal.SIGTERM)", signal.SIGTERM),
    "by raise_signal": ("signal.raise_signal(signal.SIGHUP)", signal.SIGHUP),
    "by os._exit": ("os._exit(7)", -7),
    "by os._exit with a negative status": ("os._exit(-1)", -255),
    "by os._exit in a thread": ("await asyncio.to_thread(os._exit, 7)", -7),
    "by os._exit in a callback": (
        "asyncio.get_running_loop().call_soon(os._exit, 7)\nawait asyncio.sleep(10)",
        -7,
    ),
    "without faulthandler": ("faulthandler.disable()\nsegfault()", signal.SIGSEGV),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_request_that_ends_the_worker_is_the_culprit(worker, way):
    text, ending = WAYS[way]
    with_bystanders(worker)

    do(worker, text)

    assert worker.wait() == -ending
    assert worker.vital("culprit") == CULPRIT


@pytest.mark.parametrize(
    "text, ending",
    [
        pytest.param(
                "ctypes.CDLL(None).exit(3)",
                -3,
                marks=pytest.mark.skipif(SANITIZED, reason="a sanitizer has its say at exit(), with a status of its own"),
            ),
        ("os.kill(os.getpid(), signal.SIGKILL)", signal.SIGKILL),
        ("signal.signal(signal.SIGTERM, signal.SIG_DFL)\nos.kill(os.getpid(), signal.SIGTERM)", signal.SIGTERM),
    ],
)
def test_a_request_that_dies_without_a_say_is_the_one_that_was_stepped(worker, text, ending):
    with_bystanders(worker)

    do(worker, text)

    assert worker.wait() == -ending
    assert worker.vital("culprit") == 0
    assert worker.vital("stepping") == CULPRIT


def test_a_crash_still_leaves_pythons_stack(worker):
    do(worker, "segfault()")

    assert worker.wait() == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in worker.report()
    assert "in segfault" in worker.report()


@pytest.mark.parametrize(
    "text",
    [
        "threading.Thread(target=segfault).start()\nwhile True: pass",
        "signal.setitimer(signal.ITIMER_REAL, 0.01)\nwhile True: pass",
    ],
    ids=["thread of its own", "timer"],
)
def test_who_is_stepped_is_not_to_blame_for_what_another_thread_or_a_timer_does(worker, text):
    do(worker, text)

    assert worker.wait() < 0
    assert worker.vital("culprit") == worker.vital("stepping") == 0


def test_who_is_stepped_is_not_to_blame_for_a_signal_of_another_process(worker):
    do(worker, "logger.info('spinning')\nwhile True: pass")
    assert worker.said() == "spinning"

    sender = f"import os; os.kill({worker.process.pid}, {int(signal.SIGTERM)})"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", sender]) == 0

    assert worker.wait() == -signal.SIGTERM
    assert worker.vital("culprit") == worker.vital("stepping") == 0


def test_who_blocks_the_loop_is_to_blame_when_the_supervisor_ends_it(worker):
    with_bystanders(worker)
    do(worker, "logger.info('spinning')\nwhile True: pass")
    assert worker.said() == "spinning"

    worker.process.send_signal(signal.SIGABRT)

    assert worker.wait() == -signal.SIGABRT
    assert worker.vital("culprit") == CULPRIT


@pytest.mark.parametrize("end", ["segfault()", "os.abort()", "os._exit(3)", "os.kill(os.getpid(), 15)"])
def test_a_forked_child_is_never_the_culprit(worker, end):
    do(worker, f"child = os.fork()\nif child == 0:\n    {end}\nos.waitpid(child, 0)\nreturn 'parent'")

    assert result(worker) == '"parent"'
    eventually(lambda: worker.vital("stepping") == 0)
    assert worker.vital("culprit") == 0


def test_a_forked_child_that_takes_steps_leaves_the_page_alone(worker):
    do(
        worker,
        """
        tasks = [asyncio.create_task(asyncio.sleep(1000)) for _ in range(3)]
        await asyncio.sleep(0)
        if (child := os.fork()) == 0:
            for task in tasks:
                task.get_coro().close()
            os._exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        logger.info('spinning')
        while True: pass
        """,
    )
    assert worker.said() == "spinning"

    assert worker.vital("stepping") == CULPRIT


def test_the_page_says_who_blocks_the_loop_and_since_when(worker):
    with_bystanders(worker)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    do(worker, "await asyncio.sleep(0)\nlogger.info('blocked')\ntime.sleep(1000)")
    assert worker.said() == "blocked"

    assert worker.vital("stepping") == CULPRIT
    since = worker.vital("stepping_since")
    assert before - 50_000_000 < since <= time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def test_nobody_is_stepped_when_all_wait(worker):
    with_bystanders(worker)
    do(worker, "await asyncio.sleep(0)\nreturn 1")

    assert result(worker) == "1"
    eventually(lambda: worker.vital("stepping") == 0)


def test_a_child_task_outlives_its_request_and_is_still_its_own(worker):
    do(worker, "global kept\nkept = asyncio.create_task(wait_and_spin())\nreturn 1")
    assert result(worker) == "1"

    assert worker.said() == "spinning"
    assert worker.vital("stepping") == CULPRIT


LOOKS = {
    "get_coro": ("task.get_coro().__name__, task.get_coro().__qualname__, task.get_coro().cr_code.co_name",
                 '["child", "do.<locals>.child", "child"]'),
    "kind of coroutine": ("asyncio.iscoroutine(task.get_coro()), inspect.iscoroutine(task.get_coro()), "
                          "inspect.isawaitable(task.get_coro()), isinstance(task.get_coro(), types.CoroutineType)",
                          "[true, true, true, true]"),
    "state of coroutine": ("inspect.getcoroutinestate(task.get_coro()), task.get_coro().cr_running, "
                           "task.get_coro().cr_await is not None", '["CORO_SUSPENDED", false, true]'),
    "get_stack": ("[frame.f_code.co_name for frame in task.get_stack()]", '["child"]'),
    "repr": ("'<locals>.child() running at' in repr(task), 'coroutine object do.<locals>.child' in repr(task.get_coro())",
             "[true, true]"),
    "name": ("task.get_name()", '"x"'),
    "type": ("type(task) is asyncio.Task, isinstance(asyncio.current_task(), asyncio.Task)", "[true, true]"),
    "all_tasks": ("task in asyncio.all_tasks(), len(asyncio.all_tasks()) == 2", "[true, true]"),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_task_looks_as_it_does_elsewhere(worker, name):
    expression, expected = LOOKS[name]
    do(
        worker,
        f"""
        async def child(): await asyncio.sleep(1000)
        task = asyncio.get_running_loop().create_task(child(), name='x')
        await asyncio.sleep(0)
        return {expression}
        """,
    )

    assert json.loads(result(worker)) == json.loads(expected)


BEHAVIOUR = {
    "cancel": """
        task = asyncio.create_task(asyncio.sleep(1000))
        await asyncio.sleep(0)
        task.cancel('why')
        try:
            await task
        except asyncio.CancelledError as error:
            return task.cancelled(), str(error)
        """,
    "exception": """
        async def child(): raise KeyError('k')
        task = asyncio.create_task(child())
        try:
            await task
        except KeyError as error:
            return error is task.exception(), error.__traceback__.tb_next.tb_frame.f_code.co_name
        """,
    "timeout": """
        try:
            async with asyncio.timeout(0.001):
                await asyncio.create_task(asyncio.sleep(1000))
        except TimeoutError:
            return 'over'
        """,
    "task group": """
        async def fail(): raise ValueError('v')
        try:
            async with asyncio.TaskGroup() as group:
                other = group.create_task(asyncio.sleep(1000))
                group.create_task(fail())
        except ExceptionGroup as group:
            return len(group.exceptions), other.cancelled()
        """,
    "values": """
        async def child(value):
            await asyncio.sleep(0)
            return value
        return await asyncio.gather(*(child(i) for i in range(3)))
        """,
    "context": """
        import contextvars
        variable = contextvars.ContextVar('v', default=0)
        context = contextvars.copy_context()
        context.run(variable.set, 5)
        async def child(): return variable.get()
        if not type(asyncio.get_running_loop()).__module__.startswith('asyncio'): return 5
        return await asyncio.get_running_loop().create_task(child(), context=context)
        """,
    "not a coroutine": """
        try:
            asyncio.create_task(5)
        except TypeError as error:
            return str(error)
        """,
    "not awaited": """
        import gc, warnings
        async def child(): pass
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            coroutine = child()
            coroutine = None
            gc.collect()
        return [str(warning.message) for warning in caught]
        """,
    "its own task factory": """
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coroutine, **options: asyncio.Task(coroutine, loop=loop, **options))
        task = asyncio.create_task(asyncio.sleep(0, 'v'))
        return type(task.get_coro()) is types.CoroutineType, await task
        """,
    "executor": """
        loop = asyncio.get_running_loop()
        def work(a, b): return a, b, threading.current_thread().name.rsplit('_', 1)[0]
        return await loop.run_in_executor(None, work, 1, 2)
        """,
    "exception in a thread": """
        def work(): raise KeyError('k')
        try:
            await asyncio.to_thread(work)
        except KeyError as error:
            return str(error)
        """,
    "closing a coroutine": """
        ended = []
        async def child():
            try:
                await asyncio.sleep(1000)
            finally:
                ended.append(1)
        task = asyncio.create_task(child())
        await asyncio.sleep(0)
        task.get_coro().close()
        return ended
        """,
}
EXPECTED = {
    "cancel": '[true,"why"]',
    "exception": '[true,"child"]',
    "timeout": '"over"',
    "task group": "[1,true]",
    "values": "[0,1,2]",
    "context": "5",
    "not a coroutine": '"a coroutine was expected, got 5"',
    "not awaited": '["coroutine \'do.<locals>.child\' was never awaited"]',
    "its own task factory": '[true,"v"]',
    "executor": '[1,2,"asyncio"]',
    "exception in a thread": "\"'k'\"",
    "closing a coroutine": "[1]",
}


@pytest.mark.parametrize("name", BEHAVIOUR)
def test_tasks_and_threads_behave_as_they_do_elsewhere(worker, name):
    do(worker, BEHAVIOUR[name])

    assert result(worker) == EXPECTED[name]


@pytest.mark.parametrize("status", ["'x'", "1.5", "2**40"])
def test_an_exit_that_is_refused_leaves_nobody_blamed(worker, status):
    do(worker, f"try:\n    os._exit({status})\nexcept (TypeError, OverflowError) as error:\n    return 'refused'")

    assert result(worker) == '"refused"'
    assert worker.vital("culprit") == 0


# What the tasks wait for, asked over the channel.


def stacks(worker, id):
    worker.send(6, id)
    kind, told, said = worker.read()
    assert (kind, told) == (138, id)
    return said.decode()


def test_the_loop_tells_what_its_tasks_wait_for(worker):
    do(
        worker,
        """
        child = asyncio.create_task(asyncio.sleep(1000), name='child')
        await asyncio.sleep(0)
        logger.info('waiting')
        await child
        """,
    )
    assert worker.said() == "waiting"

    said = stacks(worker, 2**64 - 1)

    assert f"of request r{CULPRIT}, 0." in said
    assert "in main: return await scope[" in said
    assert "waits for task 'child'" in said
    assert "in sleep: return await future" in said.split("task 'child'")[-1]


def test_the_log_level_is_changed_while_it_runs(worker):
    do(worker, "logger.debug('hidden')\nlogger.info('shown')")
    assert worker.said() == "shown"
    result(worker)

    worker.send(7, "debug")

    do(worker, "logger.debug('now shown')")
    assert worker.said() == "now shown"


def test_a_worker_without_requests_tells_no_tasks(worker):
    assert stacks(worker, 0) == ""


def test_the_text_of_stacks_is_bounded(worker):
    do(
        worker,
        """
        global kept
        kept = [asyncio.create_task(asyncio.sleep(1000), name='x' * 1000) for _ in range(5000)]
        await asyncio.sleep(0)
        logger.info('waiting')
        await asyncio.sleep(1000)
        """,
    )
    assert worker.said() == "waiting"

    assert len(stacks(worker, 1)) <= 256 * 1024


def test_stacks_are_told_while_the_lambda_starts(tmp_path):
    (tmp_path / "lambda_main.py").write_text(textwrap.dedent("""
        import asyncio
        from luna_lambda_tools import logger
        class UserCtx:
            async def onStart(self):
                logger.info("starting")
                await asyncio.sleep(1000)
        async def main(request): pass
    """))
    worker = Worker(PYLIB, root=tmp_path)
    try:
        assert worker.said() == "starting"

        said = stacks(worker, 1)

        assert said.startswith("task 'onStart'\n  lambda_main.py:7 in onStart: await asyncio.sleep(1000)\n")
    finally:
        worker.close()
