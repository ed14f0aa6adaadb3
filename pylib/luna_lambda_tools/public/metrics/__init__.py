"""Metrics of a lambda's own. Source: LUNA manual, page "Lambda metrics"."""

from .user_metrics import Counter, Gauge, Histogram, Summary, monitorLastActivity

__all__ = ["Counter", "Gauge", "Histogram", "Summary", "monitorLastActivity"]
