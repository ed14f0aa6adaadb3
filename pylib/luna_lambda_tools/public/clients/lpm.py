"""The client of luna-python-matcher."""

from __future__ import annotations

from typing import Any, Sequence

from luna_lambda_tools.private.luna.calls import Call
from luna_lambda_tools.private.luna.client import LunaClient, snaked

__all__ = ["LPM"]


class LPM(LunaClient):
    """Matches faces, bodies and descriptors.

    `references` and `candidates` are lists of dicts (or of objects with `asDict()`), as luna-python-matcher has them.
    Source: LUNA manual, page "Luna services clients description".
    """

    def matchFaces(
        self, candidates: Sequence[Any], references: Sequence[Any], raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Matches each reference with faces or events."""
        return self._match("faces", {"references": references, "candidates": candidates}, raiseError, kwargs)

    def matchBodies(
        self, candidates: Sequence[Any], references: Sequence[Any], raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Matches each reference with events by their bodies."""
        return self._match("bodies", {"references": references, "candidates": candidates}, raiseError, kwargs)

    def matchRaw(
        self, candidates: Sequence[Any], references: Sequence[Any], raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Matches descriptors that are given."""
        return self._match("raw", {"references": references, "candidates": candidates}, raiseError, kwargs)

    def matchGeneralEvents(
        self, candidates: Sequence[Any], references: Sequence[Any], raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Matches each reference with general events."""
        return self._match("general_events", {"references": references, "candidates": candidates}, raiseError, kwargs)

    def crossmatchFaces(
        self, candidateFilters: Any, referenceFilters: Any, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """Matches all that one filter finds with all that another one does."""
        return self._crossmatch("faces", candidateFilters, referenceFilters, raiseError, kwargs)

    def crossmatchBodies(
        self, candidateFilters: Any, referenceFilters: Any, raiseError: bool = True, **kwargs: Any
    ) -> Call:
        """As crossmatchFaces, by bodies."""
        return self._crossmatch("bodies", candidateFilters, referenceFilters, raiseError, kwargs)

    def _crossmatch(self, kind: str, candidates: Any, references: Any, raise_error: bool, more: dict[str, Any]) -> Call:
        body = {"candidate_filters": candidates, "reference_filters": references}
        return self._match(f"{kind}/cross", body, raise_error, more)

    def _match(self, kind: str, body: dict[str, Any], raise_error: bool, more: dict[str, Any]) -> Call:
        account = more.pop("accountId", None)
        return self._call("POST", f"/matcher/{kind}", None, raise_error, json={**body, **snaked(more)}, accountId=account)
