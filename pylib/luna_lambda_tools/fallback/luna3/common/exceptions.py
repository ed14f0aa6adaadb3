"""A call that has failed; the same class that `request.clients` raise."""

from luna_lambda_tools.private.luna.response import LunaApiException

__all__ = ["LunaApiException"]
