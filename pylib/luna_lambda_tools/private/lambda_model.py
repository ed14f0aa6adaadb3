"""What is known of a loaded lambda; made once at the start, read by routing, the default routes and the metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable


@dataclass
class RouteModel:
    """One additional route.

    Attributes:
        template: as the handler's ``route`` says, with a slash in front: ``/parameters/<parameter:[a-f0-9]{8}>``.
        handler: the class, derived from LambdaUserHandler.
        methods: the handler's functions by HTTP method in upper case, in the order of their declaration.
        parameters: (name, the name of a type or a regular expression) in the order of the template; "str" when the
            template gives neither.
        doc: the class's docstring, without indentation; "" when there is none.
    """

    template: str
    handler: type
    methods: dict[str, Callable[..., Any]]
    parameters: list[tuple[str, str]]
    doc: str


@dataclass
class LambdaModel:
    """One lambda.

    Attributes:
        type: "standalone", "handlers" or "tasks".
        main: the function that answers POST /main; None when the type has none.
        main_doc: the docstring of what answers POST /main, without indentation; "" when there is none.
        task: the class LambdaTask of a tasks lambda; it answers POST /main there. Else None.
        config: the values of lambda_config.yml; empty when there is no such file.
        static_folder: the absolute path of the lambda's folder ``static``; None when there is none.
    """

    name: str
    id: str
    version: str
    root: str
    type: str
    main: Callable[..., Any] | None
    main_doc: str = ""
    routes: list[RouteModel] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    static_folder: str | None = None
    task: Any = None
