"""Metrics of the lambda's own, for Prometheus."""

from luna_lambda_tools import StandaloneLambdaRequest
from luna_lambda_tools.public.metrics.user_metrics import Counter, Gauge, Histogram, Summary

WORDS = Counter("words", "words seen", labelNames=["language"])
LAST_LENGTH = Gauge("last_text_length", "characters of the last text")
LENGTHS = Histogram("text_length", "characters of texts", buckets=[10, 100, 1000])
WORD_LENGTHS = Summary("word_length", "characters of words")

USER_METRICS = [WORDS, LAST_LENGTH, LENGTHS, WORD_LENGTHS]


async def main(request: StandaloneLambdaRequest) -> dict:
    """Count the words of a text."""
    text, language = request.json["text"], request.json["language"]
    words = text.split()
    WORDS.inc(len(words), labels={"language": language})
    LAST_LENGTH.set(len(text))
    LENGTHS.observe(len(text))
    for word in words:
        WORD_LENGTHS.observe(len(word))
    return {"words": len(words)}
