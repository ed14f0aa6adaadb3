"""The answer of a service; the same class that `request.clients` give."""

from luna_lambda_tools.private.luna.response import LunaResponse

__all__ = ["LunaResponse"]
