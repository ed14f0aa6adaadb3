"""What this process knows of LUNA's services. One for the process, as the lambda is."""

from __future__ import annotations

import json
from typing import Any, Mapping

from .. import log
from ..start_failure import StartFailure
from .calls import Calls
from .session import Session
from .settings import Service, SettingsError, relevant, services_of, used_without_origin

_MAX_ANSWER = 64 << 20


class Luna:
    """Without ``configure`` no service is enabled, as in the unit tests of a lambda.

    Attributes:
        services: the enabled ones, by field of ``Clients``; replaced as a whole.
        account_id: of calls for requests without one; None for none.
    """

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.services: dict[str, Service] = {}
        self.account_id: str | None = None
        self.calls = Calls()
        self.session = Session("", 0, 1, _MAX_ANSWER)
        self._settings: dict[str, Any] = {}

    def configure(self, settings_text: str, root: str) -> None:
        """Takes the supervisor's settings, a JSON text. root: the lambda's folder. Raises StartFailure."""
        given = json.loads(settings_text or "{}").get("luna", {})
        self.given = given
        self.account_id = given.get("account_id") or None
        self.calls = Calls()
        self.session = Session(
            root, given.get("retries", 2), given.get("pool_size", 100), given.get("max_answer", _MAX_ANSWER)
        )
        self._settings = relevant(given)
        try:
            self.services = services_of(self._settings)
        except SettingsError as error:
            raise StartFailure(f"luna.{error}") from None
        for switch in used_without_origin(self._settings, self.services):
            log.logger.warning("ADDITIONAL_SERVICES_USAGE.%s is 1, but the service has no origin: disabled", switch)

    def update(self, fetched: Mapping[str, Any]) -> list[str]:
        """Takes settings that come before the supervisor's; gives the names of those that changed.

        Raises SettingsError, and then nothing has changed.
        """
        settings = {**relevant(self.given), **relevant(fetched)}
        if settings == self._settings:
            return []
        self.services = services_of(settings)
        before, self._settings = self._settings, settings
        return sorted(name for name in {*before, *settings} if before.get(name) != settings.get(name))

    async def close(self, seconds: float) -> None:
        """Waits for the calls that run, then closes the connections."""
        await self.calls.finish(seconds)
        await self.session.close()


luna = Luna()
