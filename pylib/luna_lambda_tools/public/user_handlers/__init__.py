"""Additional routes of a lambda."""

from luna_lambda_tools.public.user_handlers.base_handler import LambdaUserHandler
from luna_lambda_tools.public.user_handlers.response import HTTPResponse, StreamResponse

__all__ = ["HTTPResponse", "LambdaUserHandler", "StreamResponse"]
