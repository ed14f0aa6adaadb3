"""Whether a folder holds a lambda: everything that LUNA's manual requires and that can be seen without running it.

Nothing of the lambda is imported. Every error is found in one pass and is one line, ``file:line: text``, that says what
to do. What only running can tell (what a decorator returns, what an import raises) is told when the lambda is loaded.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from .conflict_rules import check_conflicts
from .files import MAIN_FILE, check_configuration, check_modules, has_main_file
from .functions import FUNCTIONS, tools_base
from .handler_rules import HANDLER_BASE, HandlerRoute, assigned_route, check_handler
from .main_rules import check_main, type_of_main
from .report import Report
from .routes_list import ROUTES_TO_ADD, listed_handlers
from .scope import Project, Scope
from .source import SourceError
from .task_rules import check_task, misnamed_task_class, task_class
from .user_context_rules import check_user_context

__all__ = ["Findings", "classify", "inspect", "validate"]

# How many bytes of modules beside lambda_main.py a worker compiles at its start to tell all their errors at once.
# Beyond it the import tells them one by one.
START_BUDGET = 256 * 1024


@dataclass
class Findings:
    """What reading a lambda tells. ``notes`` are things that work, but hardly as they are meant."""

    errors: list[str]
    notes: list[str] = field(default_factory=list)
    type: str = "standalone"
    routes: list[HandlerRoute] = field(default_factory=list)


def validate(root: str) -> list[str]:
    """Every error of the lambda in the folder; [] when it is valid. Quick enough for the start of a worker."""
    return inspect(root, START_BUDGET).errors


def classify(root: str) -> str:
    """"standalone", "handlers" or "tasks": LambdaTask makes it a tasks lambda, else main's annotation decides."""
    try:
        return _type(Project(root).read(MAIN_FILE))
    except SourceError:
        return "standalone"


def inspect(root: str, budget: int | None = None) -> Findings:
    """Reads the lambda in the folder; of the modules beside lambda_main.py no more bytes than ``budget``."""
    report = Report(MAIN_FILE)
    findings = Findings([])
    if has_main_file(root, report):
        project = Project(root)
        try:
            scope = project.read(MAIN_FILE)
        except SourceError as error:
            report.add(MAIN_FILE, error.line, error.text)
        else:
            findings.type = _type(scope)
            findings.routes = _check_main_file(scope, report)
        check_modules(root, budget, report)
    check_configuration(root, report)
    findings.errors = report.lines()
    findings.notes = report.note_lines()
    return findings


def _type(scope: Scope) -> str:
    return "tasks" if task_class(scope) is not None else type_of_main(scope)


def _check_main_file(scope: Scope, report: Report) -> list[HandlerRoute]:
    task = task_class(scope)
    misnamed = misnamed_task_class(scope)
    if task is not None:
        check_task(*task, report)
        _note_main(scope, report)
    elif misnamed is not None:
        report.add(scope.file, misnamed.lineno, f"the task is called {misnamed.name}; rename it to LambdaTask")
    else:
        check_main(scope, report)
    check_user_context(scope, report)
    handlers = listed_handlers(scope, report)
    routes = [check_handler(scope, each, report) for each in handlers]
    check_conflicts(scope.file, routes, report, is_tasks_lambda=task is not None)
    _note_unlisted(scope, handlers, report)
    return routes


def _note_main(scope: Scope, report: Report) -> None:
    main = scope.bindings.get("main", [None])[-1]
    if isinstance(main, FUNCTIONS):
        report.note(scope.file, main.lineno, "main is never called: the class LambdaTask makes it a tasks lambda")


def _note_unlisted(scope: Scope, handlers: list[ast.ClassDef], report: Report) -> None:
    """Handlers that are not in the list are ignored, as the manual says; bases of listed ones are no handlers."""
    for name, bindings in scope.bindings.items():
        class_ = bindings[-1]
        if not isinstance(class_, ast.ClassDef) or class_ in handlers or not tools_base(scope, class_, HANDLER_BASE):
            continue
        if assigned_route(class_) is not None:
            report.note(scope.file, class_.lineno, f"{name} is not in {ROUTES_TO_ADD} and is ignored; add it there")
