"""Patterns over the words of a question."""

import re

SUPERLATIVE = (
    r"(?!(?:w|for|inter|qu|requ|conqu|gu|harv|hon|mod|prot|cont|inv|sugg|pri|temp|b)est\b|(?:mid|north|south)west\b)"
    "[a-z]+est"
)
"""*Oldest*, but not *forest*."""


def begins(words: str) -> re.Pattern[str]:
    """The words at the beginning."""
    return re.compile(rf"\W*(?:{words})\b", re.IGNORECASE)


def has(words: str) -> re.Pattern[str]:
    """The words anywhere."""
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


def than(words: str) -> re.Pattern[str]:
    """Comparatives, and not far behind them what they compare with: *older than*, but *no older than* is another."""
    return re.compile(rf"(?<!no )(?<!not )\b(?:{words})\b[^,]{{0,25}}? than\b", re.IGNORECASE)
