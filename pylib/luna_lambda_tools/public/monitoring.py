"""Points of a lambda's own for LUNA's monitoring.

Source: LUNA manual, pages "Lambda monitoring" and `luna_lambda_tools.public.monitoring`.
"""

from __future__ import annotations

from typing import ClassVar

from luna_lambda_tools.private.monitoring.point import MonitoringPoint

__all__ = ["CustomMonitoringPoint"]


class CustomMonitoringPoint(MonitoringPoint):
    """A point of a time series: derive from it, set `series`, send instances by `request.sendToMonitoring`::

        class Match(CustomMonitoringPoint):
            series = "matches"

        request.sendToMonitoring([Match(pointTags={"list": "staff"}, pointFields={"similarity": 0.93})])

    Tags are indexed text; fields are text, numbers or booleans, one at least. Both are dicts by name; what is None (of
    tags, also what is empty; of fields, also what is NaN or infinite) is left out.

    Attributes:
        series: the name of the series.
        service: the tag that all points have, `lambda-<lambda id>`.
        pointTags, pointFields: as given.
    """

    series: ClassVar[str]
