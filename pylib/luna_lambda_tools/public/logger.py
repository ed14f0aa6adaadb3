"""The logger that works anywhere in a lambda.

``logger`` is a stdlib ``logging.Logger`` (debug, info, warning, warn, error, exception, critical, log, isEnabledFor;
%-arguments and exc_info as there). Inside a request every line carries that request's id: also after awaits, in child
tasks and in ``asyncio.to_thread``. In the host the level is the operator's ``log.level``; elsewhere it is INFO and
lines go to stderr.

Source: LUNA manual, section "Logger".
"""

from ..private.log import LunaLogger, logger

__all__ = ["LunaLogger", "logger"]
