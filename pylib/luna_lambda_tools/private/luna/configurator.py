"""luna-configurator: settings that are fetched at the start and again and again, and come before the configured ones."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any, Mapping

from .. import log
from ..failures import summary_of
from ..start_failure import StartFailure
from .response import LunaApiException
from .settings import CONFIGURATOR, Service, SettingsError, Timeouts, origin_of, version_of
from .state import Luna

SERVICE_NAME = "luna-lambda-unit"
_SECONDS = 5.0  # for one fetch
_TIMEOUTS = Timeouts(connect=_SECONDS, request=_SECONDS, sock_connect=_SECONDS, sock_read=_SECONDS)


class Configurator:
    """Failures keep the settings as they are; the log has the first one and the recovery."""

    def __init__(self, luna: Luna, loop: asyncio.AbstractEventLoop) -> None:
        """Raises SettingsError."""
        group: Mapping[str, Any] = luna.given.get(CONFIGURATOR) or {}
        self._luna = luna
        self._loop = loop
        self._period = float(luna.given.get("poll_period", 10.0))
        self._service: Service | None = None
        self._failing = False
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        if group.get("USE_CONFIGURATOR") == 1:
            self._service = Service(
                "luna-configurator",
                origin_of(group.get("LUNA_CONFIGURATOR_ORIGIN"), f"{CONFIGURATOR}.LUNA_CONFIGURATOR_ORIGIN"),
                version_of(group.get("LUNA_CONFIGURATOR_API", 1), f"{CONFIGURATOR}.LUNA_CONFIGURATOR_API"),
                _TIMEOUTS,
            )

    async def start(self) -> None:
        """The first fetch, when it is used. Raises StartFailure when it fails and no address is configured."""
        if self._service is None:
            return
        try:
            await self._fetch()
        except (LunaApiException, SettingsError, ImportError) as error:
            if not self._luna.services:
                raise StartFailure(
                    f"{_told(error)}; luna.{CONFIGURATOR}.USE_CONFIGURATOR is 1 and no service has an address in the "
                    "configuration to start with"
                ) from None
            self._failing = True
            log.logger.warning("%s; the configured addresses are used until it answers", _told(error))
        self._wait()

    def stop(self) -> None:
        """Ends the polling."""
        self._service = None
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _wait(self) -> None:
        # By timer, not in one long task: a lambda that cancels all tasks must not end the polling.
        if self._service is not None:
            self._timer = self._loop.call_later(self._period, self._begin)

    def _begin(self) -> None:
        self._task = asyncio.Task(self._poll(), loop=self._loop)
        self._task.add_done_callback(lambda _: self._wait())

    async def _poll(self) -> None:
        try:
            await self._fetch()
        except (LunaApiException, SettingsError, ImportError) as error:
            if not self._failing:
                log.logger.warning("%s; the settings stay as they are", _told(error))
            self._failing = True
            return
        if self._failing:
            log.logger.info("luna-configurator answers again")
        self._failing = False

    async def _fetch(self) -> None:
        service = self._service
        assert service is not None
        url = f"{service.address}/settings?service_name={SERVICE_NAME}"
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Luna-Request-Id": f"{int(time.time())},{uuid.uuid4()}",
        }
        response = await self._luna.session.exchange(service, "GET", url, headers, None)
        response.raiseForStatus()
        settings = response.json
        if not isinstance(settings, dict):
            raise SettingsError("its answer is not an object of settings by name")
        changed = self._luna.update(settings)
        if changed:
            log.logger.info("settings of luna-configurator are in use: %s", ", ".join(changed))


def _told(error: BaseException) -> str:
    if isinstance(error, LunaApiException):
        return str(error)
    return f"luna-configurator: {error if isinstance(error, SettingsError) else summary_of(error)}"
