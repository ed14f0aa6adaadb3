"""What calls of LUNA's services give."""

from luna_lambda_tools.private.luna.response import LunaResponse

__all__ = ["LunaResponse"]
