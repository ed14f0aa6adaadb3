"""Standalone lambdas."""

from luna_lambda_tools.public.standalone.standalone_request import StandaloneLambdaRequest

__all__ = ["StandaloneLambdaRequest"]
