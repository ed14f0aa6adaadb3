"""Words."""


def plural(word, count):
    """The word as it stands behind the count."""
    return word if count == 1 else f"{word}s"
