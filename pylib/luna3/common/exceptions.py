"""What calls of LUNA's services raise."""

from luna_lambda_tools.private.luna.response import LunaApiException

__all__ = ["LunaApiException"]
