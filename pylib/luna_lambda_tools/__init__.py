"""What lambdas of LUNA are written with, as served by lambdapool.

Names exported here and those of ``luna_lambda_tools.public`` stay backward compatible; ``luna_lambda_tools.private`` is
the host's and changes without notice.
"""

from .public.config import lambdaConfig
from .public.exceptions import UserException
from .public.handlers import HandlersLambdaRequest
from .public.logger import logger
from .public.standalone import StandaloneLambdaRequest
from .public.user_handlers import LambdaUserHandler

__all__ = [
    "HandlersLambdaRequest",
    "LambdaUserHandler",
    "StandaloneLambdaRequest",
    "UserException",
    "lambdaConfig",
    "logger",
]
