"""What handlers lambdas are written with. The models are in `schemas`, which imports pydantic."""

from .handlers_request import HandlersLambdaRequest

__all__ = ["HandlersLambdaRequest"]
