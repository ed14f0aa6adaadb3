"""The exceptions by which a lambda answers with an error of its own."""

from __future__ import annotations


class UserException(Exception):
    """An expected failure of a lambda: derive from it, set the two attributes, raise the class or an instance.

    Attributes:
        statusCode: status of the response, an int from 200 to 599; 500 when the class does not say.
        errorText: ``detail`` of the response's error body; ``str(exception)`` stands in when it is empty.

    A statusCode of another kind becomes a 500 whose ``detail`` says what is wrong with it.

    Example::

        class ImageCountException(UserException):
            statusCode = 400
            errorText = "expected two images in request"

    Source: LUNA manual, section "Lambda exceptions".
    """

    statusCode: int = 500
    errorText: str = ""


class UserTaskLambdaException(Exception):
    """An expected failure of a tasks lambda: derive from it, set errorText, raise the class or an instance.

    Raised by a sub-task it is that sub-task's error; raised while a task is split it fails the task (500).

    Attributes:
        errorText: ``detail`` of the error; ``str(exception)`` stands in when it is empty.

    Source: LUNA manual, module ``luna_lambda_tools.public.exceptions``.
    """

    errorText: str = ""
