"""Every requirement of the manual: a lambda that breaks it, and the line that is told."""

import pytest

from luna_lambda_tools.private import validation

MAIN = "async def main(request):\n    return {}\n"
HANDLER = "from luna_lambda_tools import LambdaUserHandler\n"

# One per requirement; the lines are counted in the source as it stands here.
GOOD_HANDLER = HANDLER + MAIN + "class H(LambdaUserHandler):\n    route = '/h'\n    async def get(self):\n        pass\n"
# line: 1 import, 2-3 main, 4 class, 5 route, 6 get, 7 pass, 8 ...


@pytest.fixture
def errors(tmp_path):
    def validate(source=None, **files):
        if source is not None:
            (tmp_path / "lambda_main.py").write_bytes(source if isinstance(source, bytes) else source.encode())
        for name, text in files.items():
            path = tmp_path / name.replace("__", ".").replace("--", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return validation.validate(str(tmp_path))

    return validate


def handler(body, head="class H(LambdaUserHandler):", listed="ROUTES_TO_ADD = [H]"):
    """Lines: 1 import, 2 and 3 main, 4 the class, from 5 on its body."""
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return f"{HANDLER}{MAIN}{head}\n{lines}{listed}\n"


def one(found):
    assert len(found) == 1, found
    return found[0]


# ---------------------------------------------------------------------- what is valid


def test_the_manuals_handlers_are_valid(errors):
    assert (
        errors(
            '''
from luna_lambda_tools import LambdaUserHandler, StandaloneLambdaRequest

UUID_REGEXP_STR = r"[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"

class ParameterHandler(LambdaUserHandler):
    route: str = f"/parameters/<parameter:{UUID_REGEXP_STR}>"

    async def post(self, parameter):
        return self.sendResponse(201, json={"response": parameter})

    async def head(self, parameter):
        return self.sendResponse(204)

class TwoHandler(LambdaUserHandler):
    route: str = r"/new_route/<parameterOne:.*>/<parameterTwo:.*>"

    async def post(self, parameterOne, parameterTwo):
        return self.sendResponse(201, json={"response": parameterOne})

class BaseAdditionalHandler(LambdaUserHandler):
    def getResponse(self, parameter):
        return {"response": parameter}

class AdditionalHandler(BaseAdditionalHandler):
    route: str = r"/other_route/<parameter:.*>"

    async def post(self, parameter):
        return self.sendResponse(201, json=self.getResponse(parameter))

ROUTES_TO_ADD = [ParameterHandler, TwoHandler, AdditionalHandler]

async def main(request: StandaloneLambdaRequest) -> dict:
    """Main route"""
    return {"result": "main route response"}
'''
        )
        == []
    )


TASKS = """
from luna_lambda_tools import LambdaUserHandler
from luna_lambda_tools.public.tasks import BaseLambdaTask

class DoneHandler(LambdaUserHandler):
    route: str = r"/done/<taskId:\\d+>"

    async def get(self, taskId):
        return self.sendResponse(200)

ROUTES_TO_ADD = [DoneHandler]

class LambdaTask(BaseLambdaTask):
    async def splitTasksContent(self, content: dict) -> list[dict]:
        return []

    async def executeSubtask(self, subtaskContent: dict) -> dict | list:
        return {}
"""


def test_a_tasks_lambda_needs_no_main(errors):
    assert errors(TASKS) == []


@pytest.mark.parametrize(
    "lines",
    [
        "from luna_lambda_tools import LambdaUserHandler as Base\nclass H(Base):",
        "import luna_lambda_tools\nclass H(luna_lambda_tools.LambdaUserHandler):",
        "import luna_lambda_tools as tools\nclass H(tools.LambdaUserHandler):",
        "from luna_lambda_tools.public import user_handlers as u\nclass H(u.LambdaUserHandler):",
        "from luna_lambda_tools.public.user_handlers import LambdaUserHandler\nclass H(LambdaUserHandler):",
        "from luna_lambda_tools import LambdaUserHandler\nBase = LambdaUserHandler\nclass H(Base):",
        "from luna_lambda_tools import LambdaUserHandler\nclass A(LambdaUserHandler): pass\nclass B(A): pass\nclass H(object, B):",
        "from typing import Generic, TypeVar\nfrom luna_lambda_tools import LambdaUserHandler\nT = TypeVar('T')\n"
        "class A(LambdaUserHandler, Generic[T]): pass\nclass H(A[int]):",
        "try:\n    from luna_lambda_tools import LambdaUserHandler\nexcept ImportError:\n    LambdaUserHandler = object\n"
        "class H(LambdaUserHandler):",
    ],
)
def test_ways_to_derive_a_handler(errors, lines):
    assert errors(f"{MAIN}{lines}\n    route = '/h'\n    async def get(self):\n        pass\nROUTES_TO_ADD = [H]\n") == []


@pytest.mark.parametrize(
    "source",
    [
        "ROUTES_TO_ADD = []\n" + MAIN,
        "ROUTES_TO_ADD: list = []\n" + MAIN,
        GOOD_HANDLER + "ROUTES_TO_ADD: list[type] = [H]\nprint(len(ROUTES_TO_ADD), ROUTES_TO_ADD[0])\n",
        GOOD_HANDLER + "def f():\n    ROUTES_TO_ADD = 5\n    ROUTES_TO_ADD += 1\n    return ROUTES_TO_ADD\n",
        GOOD_HANDLER,  # not in a list: ignored, whatever it looks like
        MAIN + "class H:\n    route = 5\n    def get(self): pass\n",
        handler("route = '/a/<x:int>'\nasync def get(self, x, more=None, *, z=1, **rest): pass"),
        handler("route = '/a/<x>'\nasync def get(self, *, x): pass\nasync def post(this, x): pass"),
        handler("route = '/files/<name:ext>'\nasync def get(self, name, ext): pass"),
        handler("PART = 'a'\nroute = f'/{PART}/<x:{PART}b>'\nasync def get(self, x): pass"),
        handler("route = f'/{make()}'\nasync def get(self, anything): pass"),
        handler("route = '/'\nasync def get(self): pass"),
        handler("route = '/main/more'\nasync def get(self): pass"),
        handler("route = '/<x:.*>'\nasync def get(self, x): pass"),
        handler("route = '/a'\ndef helper(self): pass\nasync def get(self): pass"),
        "from luna_lambda_tools.public.metrics.user_metrics import monitorLastActivity\n"
        "@monitorLastActivity\nasync def main(request):\n    return {}\n",
        "from functools import partial\nasync def work(a, request):\n    pass\nmain = partial(work, 1)\n",
        "def decorate(f): return f\n@decorate\ndef main(): pass\n",
        "async def main(request, *more, verbose=False, **rest): pass\n",
        "async def main(*arguments): pass\n",
        "if True:\n    async def main(request): pass\n",
        "def main(): pass\nasync def main(request): pass\n",
        MAIN + "class UserCtx:\n    def __init__(self, a=1, *b, c=2, **d): pass\n    async def onStart(self, x=1): pass\n",
        MAIN + "class Base:\n    async def onStart(self): pass\nclass UserCtx(Base):\n    @staticmethod\n    async def onShutdown(): pass\n",
        MAIN + "class LambdaTask:\n    pass\n",  # a name of the author's own beside main
        "# -*- coding: latin-1 -*-\nx = '\xe4'\n".encode("latin-1") + MAIN.encode(),
        b"\xef\xbb\xbf" + MAIN.encode(),
        MAIN.replace("\n", "\r\n"),
        "import re\nx = '\\d'\n" + MAIN,  # a SyntaxWarning is none of ours
    ],
)
def test_valid_lambdas(errors, source):
    assert errors(source) == []


# ---------------------------------------------------------------------- ROUTES_TO_ADD


@pytest.mark.parametrize(
    "listed, line, text",
    [
        ("ROUTES_TO_ADD = (H,)", 8, "ROUTES_TO_ADD is a tuple; write ROUTES_TO_ADD = ["),
        ("ROUTES_TO_ADD = {H}", 8, "ROUTES_TO_ADD is a set"),
        ("ROUTES_TO_ADD = list((H,))", 8, "ROUTES_TO_ADD is the result of a call"),
        ("OTHER = [H]\nROUTES_TO_ADD = OTHER", 9, "ROUTES_TO_ADD is another variable"),
        ("ROUTES_TO_ADD = [H] + []", 8, "ROUTES_TO_ADD is a computed value"),
        ("ROUTES_TO_ADD = [x for x in (H,)]", 8, "ROUTES_TO_ADD is a comprehension"),
        ("ROUTES_TO_ADD = None", 8, "ROUTES_TO_ADD is a constant"),
        ("ROUTES_TO_ADD: list", 8, "ROUTES_TO_ADD is without a value"),
        ("ROUTES_TO_ADD = [H]\nROUTES_TO_ADD += []", 9, "ROUTES_TO_ADD is changed here"),
        ("ROUTES_TO_ADD = [H]\nROUTES_TO_ADD.append(H)", 9, "ROUTES_TO_ADD is changed here"),
        ("ROUTES_TO_ADD = [H]\nif 1:\n    ROUTES_TO_ADD.extend([])", 10, "ROUTES_TO_ADD is changed here"),
        ("ROUTES_TO_ADD = [H]\ndef f():\n    ROUTES_TO_ADD.insert(0, H)", 10, "ROUTES_TO_ADD is changed here"),
        ("ROUTES_TO_ADD = [H]\ndef f():\n    global ROUTES_TO_ADD\n    ROUTES_TO_ADD = []", 11, "ROUTES_TO_ADD is changed"),
        ("ROUTES_TO_ADD = [H]\nROUTES_TO_ADD[0] = H", 9, "ROUTES_TO_ADD is changed here"),
        ("ROUTES_TO_ADD = [H]\ndel ROUTES_TO_ADD", 9, "ROUTES_TO_ADD is changed here"),
        ("ROUTES_TO_ADD = [H]\nfor ROUTES_TO_ADD in []: pass", 9, "ROUTES_TO_ADD is changed here"),
        ("ROUTES_TO_ADD, x = [H], 1", 8, "ROUTES_TO_ADD is changed here"),
        ("ROUTES_TO_ADD = [H]\nROUTES_TO_ADD = [H]", 9, "ROUTES_TO_ADD is assigned a second time (before: line 8)"),
        ("ROUTES_TO_ADD = routes = [H]", 8, "ROUTES_TO_ADD shares its assignment"),
        ("if True:\n    ROUTES_TO_ADD = [H]", 9, "ROUTES_TO_ADD is assigned inside a block"),
        ("from os import path as ROUTES_TO_ADD", 8, "ROUTES_TO_ADD is imported"),
        ("def ROUTES_TO_ADD(): pass", 8, "ROUTES_TO_ADD is not a list"),
        ("ROUTES_TO_ADD = [\n    H,\n    H,\n]", 10, "H is twice in ROUTES_TO_ADD"),
        ("ROUTES_TO_ADD = [H, 'H']", 8, "ROUTES_TO_ADD holds 'H', which is a constant"),
        ("ROUTES_TO_ADD = [H, make()]", 8, "ROUTES_TO_ADD holds make(), which is the result of a call"),
        ("ROUTES_TO_ADD = [H, module.Other]", 8, "ROUTES_TO_ADD holds module.Other, which is a name of another module"),
        ("ROUTES_TO_ADD = [*[H]]", 8, "ROUTES_TO_ADD holds *[H], which is unpacked from another value"),
        ("ROUTES_TO_ADD = [H, Missing]", 8, "ROUTES_TO_ADD names Missing, which is not declared"),
        ("ROUTES_TO_ADD = [H, main]", 8, "main is not a class declared in lambda_main.py"),
        ("Alias = H\nROUTES_TO_ADD = [Alias]", 9, "Alias is a variable (line 8), not a class"),
        ("from other import Foreign\nROUTES_TO_ADD = [Foreign]", 9, "Foreign is imported; a handler must be declared in"),
        ("ROUTES_TO_ADD = [H, Late]\nclass Late(H):\n    route = '/l'\n    async def get(self): pass", 8, "Late is declared below (line 9)"),
    ],
)
def test_the_list_of_routes(errors, listed, line, text):
    found = errors(GOOD_HANDLER + listed + "\n")
    assert one(found).startswith(f"lambda_main.py:{line}: {text}"), found


# ---------------------------------------------------------------------- handlers


@pytest.mark.parametrize(
    "source, line, text",
    [
        (handler("route = '/h'\nasync def get(self): pass", "class H:"), 4, "H is not derived from LambdaUserHandler"),
        (
            handler("route = '/h'\nasync def get(self): pass", "from other import Base\nclass H(Base):"),
            5,
            "H is not derived from LambdaUserHandler",
        ),
        (
            handler("route = '/h'\nasync def get(self): pass", "class LambdaUserHandler: pass\nclass H(LambdaUserHandler):")
            .replace(HANDLER, "\n"),
            5,
            "H is not derived from LambdaUserHandler",
        ),
        (handler("route = '/h'\nasync def get(self): pass", "class H(H):"), 4, "H is not derived from LambdaUserHandler"),
        (handler("async def get(self): pass"), 4, "H has no route; write it as a constant or an f-string"),
        (handler("route: str\nasync def get(self): pass"), 5, "H.route has no value"),
        (handler("route = make()\nasync def get(self): pass"), 5, "H.route is make(); write it as a constant or an f-string"),
        (handler("route = ROUTE\nasync def get(self): pass"), 5, "H.route is ROUTE; write it as"),
        (handler("route = '/a' + '/b'\nasync def get(self): pass"), 5, "H.route is '/a' + '/b'; write it as"),
        (handler("route = 5\nasync def get(self): pass"), 5, "H.route is 5; write it as"),
        (handler("route = b'/a'\nasync def get(self): pass"), 5, "H.route is b'/a'; write it as"),
        (handler("route = '/a'.lower()\nasync def get(self): pass"), 5, "H.route is '/a'.lower(); write it as"),
        (
            handler("async def get(self): pass", "class Base(LambdaUserHandler):\n    route = '/b'\nclass H(Base):"),
            6,
            "H has its route from Base (lambda_main.py:5); move it into the class",
        ),
        (
            handler("route = '/h'", "class Base(LambdaUserHandler):\n    async def get(self): pass\nclass H(Base):"),
            6,
            "H has get from Base (lambda_main.py:5); move it into the class",
        ),
        (
            handler(
                "route = '/h'\nasync def post(self): pass",
                "class Base(LambdaUserHandler):\n    async def get(self): pass\nclass H(Base):",
            ),
            6,
            "H has get from Base (lambda_main.py:5); move it into the class",
        ),
        (handler("route = '/h'"), 4, "H answers no method; write at least one of post, get, put, patch, head, options"),
        (handler("route = '/h'\nasync def trace(self): pass"), 4, "H answers no method"),
        (handler("route = '/h'\nasync def GET(self): pass"), 4, "H answers no method"),
        (handler("route = '/h'\nget = None"), 6, 'H.get is assigned; write "async def get" in the class'),
        (handler("route = '/h'\nasync def post(self): pass\ndef get(self): pass"), 7, 'H.get is not asynchronous; write "async def get"'),
        (handler("route = '/h'\n\nasync def get(self): yield 1"), 7, "H.get is an async generator because of its yield"),
        (handler("route = '/h'\nasync def get(): pass"), 6, 'H.get has no self; write "async def get(self)"'),
        (handler("route = '/h'\n@staticmethod\nasync def get(): pass"), 7, "H.get must have self"),
        (handler("route = '/h'\n@classmethod\nasync def get(self): pass"), 7, "H.get must have self"),
        (handler("route = '/h/<x>'\nasync def get(self): pass"), 6, "H.get lacks the parameter x of its route"),
        (handler("route = '/h/<x>'\nasync def get(self, **rest): pass"), 6, "H.get lacks the parameter x of its route"),
        (handler("route = '/h/<x>'\nasync def get(self, *rest): pass"), 6, "H.get lacks the parameter x of its route"),
        (handler("route = '/h/<x>'\nasync def get(self, x, /): pass"), 6, 'H.get: x is given by its name; remove the "/"'),
        (handler("route = '/h'\nasync def get(self, x): pass"), 6, "H.get has a parameter x that its route has not"),
        (handler("route = '/h'\nasync def get(self, *, x): pass"), 6, "H.get has a parameter x that its route has not"),
        (handler("route = '/f/<name:ext>'\nasync def get(self, name): pass"), 6, "H.get lacks the parameter ext"),
        (handler("route = '/h/<class>'\nasync def get(self): pass"), 5, "H.route: a parameter of a method cannot be called class"),
        (handler("route = '/h/<request>'\nasync def get(self, request): pass"), 5, "H.route: a parameter of a method cannot"),
    ],
)
def test_a_handler(errors, source, line, text):
    found = errors(source, other__py="from luna_lambda_tools import LambdaUserHandler\nclass Base(LambdaUserHandler): pass\n"
                   if "other" not in source else "class Base: pass\n")
    assert one(found).startswith(f"lambda_main.py:{line}: {text}"), found


def test_a_misspelt_parameter_is_told_from_both_sides(errors):
    assert errors(handler("route = '/h/<name>'\nasync def get(self, nmae): pass")) == [
        "lambda_main.py:6: H.get has a parameter nmae that its route has not; add <nmae> to the route or give it a default",
        "lambda_main.py:6: H.get lacks the parameter name of its route; add name to it",
    ]


def test_each_method_is_checked(errors):
    methods = ("post", "get", "put", "patch", "head", "options", "delete")
    body = "route = '/h'\n" + "\n".join(f"def {each}(self): pass" for each in methods)
    assert [each.split(";")[0] for each in errors(handler(body))] == [
        f"lambda_main.py:{line}: H.{each} is not asynchronous" for line, each in enumerate(methods, 6)
    ]


def test_a_decorated_method_may_get_more_from_its_decorator(errors):
    body = "route = '/h/<x>'\n@give_user\nasync def get(self, user): pass"
    assert one(errors(handler(body))).startswith("lambda_main.py:7: H.get lacks the parameter x")


@pytest.mark.parametrize(
    "route",
    ["/a/<x", "/a/<>", "/a/<:int>", "/a/<x><y>", "/a/x<y>", "/a/<x>y", "/<x>/<x>", "/<x:[>", "/<x:(a)(b)>", "/<x:(?P<y>a)>", "/<1x>", "/<x:*>"],
)
def test_a_pattern_that_is_none(errors, route):
    found = errors(handler(f"route = {route!r}\nasync def get(self, x=0, y=0): pass"))
    assert one(found).startswith("lambda_main.py:5: H.route: "), found


def test_a_pattern_is_put_together_from_constants(errors):
    source = handler(
        "route = f'/{VERSION}/{PREFIX!s}<x:{BROKEN}>'\nasync def get(self, x): pass",
        "VERSION = 2\nPREFIX = 'a' + '/'\nBROKEN = '(a)(b)'\nclass H(LambdaUserHandler):",
    )
    assert one(errors(source)).startswith("lambda_main.py:8: H.route: (a)(b) has 2 groups")


def test_a_route_that_grows_without_end_is_refused(errors):
    constants = "A0 = 'xxxxxxxxxx'\n" + "".join(f"A{n} = f'{{A{n - 1}}}{{A{n - 1}}}{{A{n - 1}}}'\n" for n in range(1, 10))
    source = handler("route = f'/{A9}'\nasync def get(self): pass", f"{constants}class H(LambdaUserHandler):")
    assert one(errors(source)) == "lambda_main.py:15: H.route is longer than 4096 characters; shorten it"
    assert errors(source.replace("A0 = 'xxxxxxxxxx'", "A0 = ''")) == []  # too many steps: left to the router


@pytest.mark.parametrize(
    "route, default",
    [
        ("/main", "/main"),
        ("/main/", "/main"),
        ("//main", "/main"),
        ("main", "/main"),
        ("/ma%69n", "/main"),
        ("/healthcheck", "/healthcheck"),
        ("/docs/spec", "/docs/spec"),
        ("/docs%2Fspec", "/docs/spec"),
        ("/config", "/config"),
        ("/metrics", "/metrics"),
        ("/lambda_metrics", "/lambda_metrics"),
    ],
)
def test_a_default_route_is_taken(errors, route, default):
    found = errors(handler(f"route = {route!r}\nasync def post(self): pass"))
    assert one(found) == f"lambda_main.py:5: H.route is the default route {default}; choose another"


TASK = """
from luna_lambda_tools.public.tasks import BaseLambdaTask
class LambdaTask(BaseLambdaTask):
    async def splitTasksContent(self, content): return []
    async def executeSubtask(self, subtaskContent): return {}
"""


@pytest.mark.parametrize("route", ["/tasks", "/tasks/", "/tasks/<x:int>", "/tasks/a/b"])
def test_stored_tasks_have_their_place_in_tasks_lambdas(errors, route):
    source = handler(f"route = {route!r}\nasync def get(self, *args, x=None): pass")
    assert "is one of /tasks, where a tasks lambda's stored tasks are" in one(errors(source.replace(MAIN, TASK)))
    assert "/tasks" not in str(errors(source))


@pytest.mark.parametrize("route", ["/static", "/static/<x:path>", "/static/a"])
def test_static_files_have_their_place(errors, route):
    found = errors(handler(f"route = {route!r}\nasync def get(self, x=0): pass"))
    assert one(found).startswith("lambda_main.py:5: H.route is below /static")


def two(first, second, methods=("get", "get")):
    return (
        f"{HANDLER}{MAIN}class A(LambdaUserHandler):\n    route = {first!r}\n    async def {methods[0]}(self, x=0): pass\n"
        f"class B(LambdaUserHandler):\n    route = {second!r}\n    async def {methods[1]}(self, x=0, y=0): pass\n"
        "ROUTES_TO_ADD = [A, B]\n"
    )


@pytest.mark.parametrize(
    "first, second",
    [("/a", "/a"), ("/a", "/a/"), ("/a", "/%61"), ("/<x>", "/<y>"), ("/<x>", "/<y:str>"), ("/<x:\\d+>", "/<y:\\d+>")],
)
def test_two_handlers_must_not_answer_the_same(errors, first, second):
    found = errors(two(first, second))
    assert one(found) == "lambda_main.py:8: B.route: A (line 5) already answers GET there; choose another route"


@pytest.mark.parametrize(
    "first, second, methods",
    [
        ("/a", "/a", ("get", "post")),
        ("/a", "/A", ("get", "get")),
        ("/<x:int>", "/<y>", ("get", "get")),
        ("/<x:\\d+>", "/<x:\\d*>", ("get", "get")),
        ("/a/<x>", "/b/<x>", ("get", "get")),
    ],
)
def test_handlers_that_do_not_meet(errors, first, second, methods):
    assert errors(two(first, second, methods)) == []


# ---------------------------------------------------------------------- main


@pytest.mark.parametrize(
    "source, line, text",
    [
        ("x = 1\n", 1, 'there is no function main; write "async def main(request: StandaloneLambdaRequest) -> dict"'),
        ("class A:\n    async def main(self): pass\n", 1, "there is no function main"),
        ("x = 1\ndef main(request): pass\n", 2, 'main is not asynchronous; write "async def main"'),
        ("async def main(request):\n    yield 1\n", 1, "main is an async generator because of its yield"),
        ("\nmain = 7\n", 2, "main is 7; it must be an async function"),
        ("main = lambda request: {}\n", 1, "main is a lambda expression"),
        ("\nclass main: pass\n", 2, "main is a class"),
        ("async def main(): pass\n", 1, "main takes no parameters; it must take one: the request"),
        ("async def main(a, b): pass\n", 1, "main takes a, b; it must take one: the request"),
        ("async def main(*, request): pass\n", 1, "main takes request; it must take one: the request, by its place: request is behind a *"),
        ("async def main(request, *, more): pass\n", 1, "main takes request, more; it must take one"),
        (
            "async def main(\n    request: dict,\n): pass\n",
            2,
            "main's parameter request is annotated with dict; annotate it with StandaloneLambdaRequest or HandlersLambdaRequest",
        ),
        ("async def main(r: 'dict | 5 +'): pass\n", 1, "main's parameter r is annotated with 'dict | 5 +'"),
        (
            "async def main(r: StandaloneLambdaRequest): pass\n",
            1,
            "StandaloneLambdaRequest is not luna_lambda_tools' own; write \"from luna_lambda_tools import StandaloneLambdaRequest\"",
        ),
        (
            "class StandaloneLambdaRequest: pass\nasync def main(r: 'StandaloneLambdaRequest'): pass\n",
            2,
            "'StandaloneLambdaRequest' is not luna_lambda_tools' own",
        ),
        (
            "from luna_lambda_tools import StandaloneLambdaRequest\nfrom typing import Optional\n"
            "async def main(r: Optional[StandaloneLambdaRequest]): pass\n",
            3,
            "main's parameter r is annotated with Optional[StandaloneLambdaRequest]",
        ),
        (
            "from luna_lambda_tools.public.agent import AgentLambdaRequest\nasync def main(r: AgentLambdaRequest): pass\n",
            2,
            "main takes AgentLambdaRequest, but agent lambdas are not supported",
        ),
        ("main = work\ndef work(request): pass\n", 2, "main is not asynchronous"),
    ],
)
def test_main(errors, source, line, text):
    found = errors(source)
    assert one(found).startswith(f"lambda_main.py:{line}: {text}"), found


def test_a_main_of_another_file_is_checked_there(errors):
    found = errors("from app.handlers import main\n", **{"app--handlers__py": "\ndef main(request): pass\n"})
    assert found == ['app/handlers.py:2: main is not asynchronous; write "async def main"']


def test_a_main_that_is_imported_with_everything_is_found(errors):
    assert errors("from app import *\n", app__py="from inner import main\n", inner__py=MAIN) == []


# ---------------------------------------------------------------------- tasks


@pytest.mark.parametrize(
    "old, new, line, text",
    [
        ("(BaseLambdaTask)", "", 13, "LambdaTask is not derived from BaseLambdaTask"),
        ("class LambdaTask", "class OtherTask", 13, "the task is called OtherTask; rename it to LambdaTask"),
        ("splitTasksContent", "split", 13, "LambdaTask has no method splitTasksContent"),
        ("executeSubtask", "execute", 13, "LambdaTask has no method executeSubtask"),
        ("async def splitTasksContent", "def splitTasksContent", 14, "LambdaTask.splitTasksContent is not asynchronous"),
        ("async def executeSubtask", "def executeSubtask", 17, "LambdaTask.executeSubtask is not asynchronous"),
        ("content: dict)", "content, more)", 14, "LambdaTask.splitTasksContent must take self and one parameter"),
        ("(self, subtaskContent: dict)", "(self)", 17, "LambdaTask.executeSubtask must take self and one parameter"),
        ("return []", "yield []", 14, "LambdaTask.splitTasksContent is an async generator"),
    ],
)
def test_tasks(errors, old, new, line, text):
    found = errors(TASKS.replace(old, new))
    assert one(found).startswith(f"lambda_main.py:{line}: {text}"), found


# ---------------------------------------------------------------------- UserCtx


@pytest.mark.parametrize(
    "source, line, text",
    [
        ("UserCtx = 5\n", 3, "UserCtx is 5; it must be a class"),
        ("def UserCtx():\n    pass\n", 3, 'UserCtx is a function; write "class UserCtx"'),
        ("class UserCtx:\n    def __init__(self, value): pass\n", 4, "UserCtx.__init__ needs value; it is called without"),
        ("class UserCtx:\n    def __init__(self, *, key): pass\n", 4, "UserCtx.__init__ needs key; it is called without"),
        ("class UserCtx:\n    def onStart(self): pass\n", 4, 'UserCtx.onStart is not asynchronous; write "async def onStart"'),
        ("class UserCtx:\n    def onShutdown(self): pass\n", 4, "UserCtx.onShutdown is not asynchronous"),
        ("class UserCtx:\n    @staticmethod\n    def onShutdown(): pass\n", 5, "UserCtx.onShutdown is not asynchronous"),
        ("class UserCtx:\n    async def onStart(self, app): pass\n", 4, "UserCtx.onStart must take no parameters but self"),
        ("class UserCtx:\n    async def onStart(self): yield\n", 4, "UserCtx.onStart is an async generator"),
        ("class Base:\n    def onStart(self): pass\nclass UserCtx(Base): pass\n", 4, "UserCtx.onStart is not asynchronous"),
    ],
)
def test_the_user_context(errors, source, line, text):
    found = errors(MAIN + source)
    assert one(found).startswith(f"lambda_main.py:{line}: {text}"), found


# ---------------------------------------------------------------------- everything at once


def test_all_errors_are_told_at_once_in_their_order(errors):
    found = errors(
        "from luna_lambda_tools import LambdaUserHandler\n"
        "def main(): pass\n"
        "class UserCtx:\n    def onStart(self): pass\n"
        "class A(LambdaUserHandler):\n    route = f()\n    def get(self): pass\n"
        "ROUTES_TO_ADD = [A, B]\n",
        lambda_config__yml="a: [\n",
        z__py="x = (\n",
        a__py="def f(:\n",
    )
    assert [each.split(" ")[0] for each in found] == [
        "lambda_main.py:2:", "lambda_main.py:2:", "lambda_main.py:4:", "lambda_main.py:6:", "lambda_main.py:7:",
        "lambda_main.py:8:", "a.py:1:", "lambda_config.yml:2:", "z.py:1:",
    ]  # fmt: skip


def test_nothing_of_the_lambda_runs(errors, tmp_path):
    harm = tmp_path / "harm"
    assert errors(f"open({str(harm)!r}, 'w')\n{MAIN}", part__py=f"open({str(harm)!r}, 'w')\n") == []
    assert not harm.exists()


@pytest.mark.parametrize(
    "source, type_",
    [
        (MAIN, "standalone"),
        ("from luna_lambda_tools import StandaloneLambdaRequest as S\nasync def main(r: S): pass\n", "standalone"),
        ("from luna_lambda_tools import HandlersLambdaRequest\nasync def main(r: HandlersLambdaRequest): pass\n", "handlers"),
        ("from luna_lambda_tools import HandlersLambdaRequest\nasync def main(r: 'HandlersLambdaRequest'): pass\n", "handlers"),
        ("from __future__ import annotations\nimport luna_lambda_tools as t\nasync def main(r: t.HandlersLambdaRequest): pass\n", "handlers"),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from luna_lambda_tools import HandlersLambdaRequest\n"
            "async def main(r: 'HandlersLambdaRequest'): pass\n",
            "handlers",
        ),
        (TASKS, "tasks"),
        ("broken(", "standalone"),
        ("", "standalone"),
    ],
)
def test_the_type_of_a_lambda(tmp_path, source, type_):
    (tmp_path / "lambda_main.py").write_text(source)
    assert validation.classify(str(tmp_path)) == type_


def test_the_type_of_a_folder_without_a_lambda(tmp_path):
    assert validation.classify(str(tmp_path)) == "standalone"


# ---------------------------------------------------------------------- notes


@pytest.mark.parametrize(
    "route, text",
    [
        ("/<x:string>", "lambda_main.py:5: H.route: <x:string> matches only the text 'string'"),
        ("/<x:^a+$>", "lambda_main.py:5: H.route: <x:^a+$> cannot match"),
        ("h/<x>", 'lambda_main.py:5: H.route does not begin with a slash; it is served as "/h/<x'),
    ],
)
def test_what_works_but_hardly_as_it_is_meant_is_a_note(tmp_path, route, text):
    (tmp_path / "lambda_main.py").write_text(handler(f"route = {route!r}\nasync def get(self, x): pass"))
    found = validation.inspect(str(tmp_path))
    assert found.errors == []
    assert one(found.notes).startswith(text)


def test_a_handler_that_is_not_listed_is_a_note(tmp_path):
    (tmp_path / "lambda_main.py").write_text(GOOD_HANDLER)
    found = validation.inspect(str(tmp_path))
    assert (found.errors, found.notes) == ([], ["lambda_main.py:4: H is not in ROUTES_TO_ADD and is ignored; add it there"])


@pytest.mark.parametrize("name, hook", [("onstart", "onStart"), ("on_shutdown", "onShutdown"), ("OnStart", "onStart")])
def test_a_hook_in_other_letters_is_noted(tmp_path, name, hook):
    (tmp_path / "lambda_main.py").write_text(f"{MAIN}class UserCtx:\n    async def {name}(self): pass\n    async def onReady(self): pass\n")
    found = validation.inspect(str(tmp_path))
    assert found.errors == []
    assert found.notes == [f"lambda_main.py:4: UserCtx.{name} is never called; the hook is called {hook}"]


def test_a_main_beside_the_task_is_noted(tmp_path):
    (tmp_path / "lambda_main.py").write_text(TASK + MAIN)
    found = validation.inspect(str(tmp_path))
    line = TASK.count("\n") + 1 + MAIN[: MAIN.index("async def main")].count("\n")
    assert found.errors == []
    assert found.notes == [f"lambda_main.py:{line}: main is never called: the class LambdaTask makes it a tasks lambda"]
