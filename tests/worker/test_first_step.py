"""A request's first step is taken before it has a task; whatever looks for the task finds it, as if it had always been there.

The same texts run in a task of a plain event loop as well, which says what is right.
"""

import asyncio
import json
import textwrap

import pytest
from test_attribution import do, result, worker  # noqa: F401
from test_worker_process import text

BEHAVIOUR = {
    "the task": """
        task = asyncio.current_task()
        before = isinstance(task, asyncio.Task), task is asyncio.current_task(), task.done(), task in asyncio.all_tasks()
        await asyncio.sleep(0)
        return before, task is asyncio.current_task(), task in asyncio.all_tasks(), len(asyncio.all_tasks())
        """,
    "the task by its loop": """
        loop = asyncio.get_running_loop()
        return asyncio.current_task(loop) is asyncio.current_task() is asyncio.current_task(loop=loop) is not None
        """,
    "all tasks": """
        return [isinstance(task, asyncio.Task) for task in asyncio.all_tasks()]
        """,
    "no task in another thread": """
        def look():
            try:
                return asyncio.current_task()
            except RuntimeError as error:
                return str(error)
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(look).result(), asyncio.current_task() is not None
        """,
    "no task in a callback": """
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: future.set_result(asyncio.current_task()))
        return await future
        """,
    "timeout": """
        try:
            async with asyncio.timeout(0.001):
                await asyncio.sleep(1000)
        except TimeoutError:
            return 'over', asyncio.current_task().cancelling()
        """,
    "timeout that is over": """
        try:
            async with asyncio.timeout(-1):
                await asyncio.sleep(1000)
        except TimeoutError:
            return 'over', asyncio.current_task().cancelling()
        """,
    "wait_for": """
        try:
            await asyncio.wait_for(asyncio.sleep(1000), 0.001)
        except TimeoutError:
            return 'over'
        """,
    "cancel itself": """
        asyncio.current_task().cancel()
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            return 'cancelled', asyncio.current_task().cancelling()
        """,
    "cancel itself while it waits for a task": """
        child = asyncio.create_task(asyncio.sleep(1000))
        asyncio.current_task().cancel()
        try:
            await child
        except asyncio.CancelledError:
            return child.cancelled()
        """,
    "cancel itself before a turn of the loop": """
        asyncio.current_task().cancel()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            return 'cancelled'
        """,
    "cancel itself while it waits for what is done": """
        child = asyncio.create_task(asyncio.sleep(0, 'v'))
        asyncio.current_task().cancel()
        try:
            return await asyncio.shield(child)
        except asyncio.CancelledError:
            return 'cancelled', await child
        """,
    "cancelled by another before its second step": """
        mine = asyncio.current_task()
        asyncio.get_running_loop().call_soon(mine.cancel)
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            return 'cancelled'
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
    "context": """
        import contextvars
        variable = contextvars.ContextVar('v', default=0)
        variable.set(1)
        async def child(): return variable.get()
        first = await asyncio.create_task(child())
        variable.set(2)
        await asyncio.sleep(0)
        return first, variable.get(), await asyncio.create_task(child()), await asyncio.to_thread(variable.get)
        """,
    "a future": """
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.001, future.set_result, 'v')
        return await future
        """,
    "a future that fails": """
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_exception, KeyError('k'))
        try:
            await future
        except KeyError as error:
            return str(error)
        """,
    "what is not to be awaited": """
        class Odd:
            def __await__(self): yield 5
        try:
            await Odd()
        except RuntimeError as error:
            return 'Task got bad yield: 5' in str(error)
        """,
    "many turns": """
        for _ in range(3): await asyncio.sleep(0)
        return sum([await asyncio.sleep(0, number) for number in range(3)])
        """,
    "a lock": """
        lock = asyncio.Lock()
        async with lock:
            waiter = asyncio.create_task(lock.acquire())
            await asyncio.sleep(0)
        return await waiter
        """,
    "its coroutine and its stack": """
        task = asyncio.current_task()
        await asyncio.sleep(0)
        return asyncio.iscoroutine(task.get_coro()), len(task.get_stack()) > 0
        """,
}


async def as_elsewhere(text):
    scope = {"asyncio": asyncio}
    exec("from concurrent.futures import ThreadPoolExecutor", scope)
    exec("async def do():\n" + textwrap.indent(textwrap.dedent(text).strip(), "    "), scope)
    return await asyncio.create_task(scope["do"]())


def expected(name):
    """What asyncio itself gives, in a loop whose only task it is."""
    with asyncio.Runner() as runner:
        found = runner.run(as_elsewhere(BEHAVIOUR[name]))
    # Here a task waits for it, there the host does.
    return {"the task": [[True, True, False, True], True, True, 1], "all tasks": [True]}.get(name, found)


@pytest.mark.parametrize("name", BEHAVIOUR)
def test_the_first_step_behaves_as_a_task_s_does(worker, name):  # noqa: F811
    do(worker, BEHAVIOUR[name])

    assert json.loads(result(worker)) == json.loads(json.dumps(expected(name)))


def test_a_context_is_one_request_s(worker):  # noqa: F811
    text = "asyncio.seen = getattr(asyncio, 'seen', __import__('contextvars').ContextVar('seen', default=0))\n"
    text += "before = asyncio.seen.get()\nasyncio.seen.set({0})\nawait asyncio.sleep(0)\nreturn before, asyncio.seen.get()"
    do(worker, text.format(1), id=4096 + 1, slot=1)
    assert result(worker) == "[0,1]"
    do(worker, text.format(2), id=2 * 4096 + 1, slot=1)

    assert result(worker) == "[0,2]"


def test_a_request_that_is_cancelled_while_it_waits_is_told(worker):  # noqa: F811
    do(worker, "wait", id=4097)
    assert worker.said() == "waiting"
    worker.send(3, 4097, "timeout")

    assert "waiting" not in worker.said()  # what it waits for
    message = worker.read()
    assert message[:2] == [132, 4097] and text(message[3]) == "cancelled", message
