"""Patterns over the words of a question."""

import re

SUPERLATIVE = (
    r"(?!(?:w|for|inter|qu|requ|conqu|gu|harv|hon|mod|prot|cont|inv|sugg|pri|temp|b)est\b|(?:mid|north|south)west\b)"
    "[a-z]+est"
)
"""*Oldest*, but not *forest*."""

_COMPARATIVE = re.compile(
    r"\b(old|new|young|long|short|tall|high|low|deep|wid|broad|narrow|heavi|light|larg|bigg|small|cheap|dear|fast|slow|"
    r"quick|strong|weak|hott|cold|warm|earli|lat|near|rich|thick|thinn|steep|busi|rar)er\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"\b(?:which|what|who|whose|where)\b", re.IGNORECASE)
"""Says that something is asked for: *see you later* does not."""
_THAN = re.compile(r"\bthan\b", re.IGNORECASE)
_MORE = {"more": "most", "less": "least", "fewer": "fewest"}
_MORE_OF = re.compile(rf"\b({'|'.join(_MORE)})\b", re.IGNORECASE)


def as_superlative(text: str) -> str:
    """A question whose comparatives name nothing to compare with, as one of superlatives: *which hut is cheaper*."""
    if _THAN.search(text) or not _ASKS.search(text):
        return text
    return _MORE_OF.sub(lambda found: _MORE[found[1].lower()], _COMPARATIVE.sub(r"\1est", text))


def begins(words: str) -> re.Pattern[str]:
    """The words at the beginning."""
    return re.compile(rf"\W*(?:{words})\b", re.IGNORECASE)


def has(words: str) -> re.Pattern[str]:
    """The words anywhere."""
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


def than(words: str) -> re.Pattern[str]:
    """Comparatives, and not far behind them what they compare with: *older than*, but *no older than* is another."""
    return re.compile(rf"(?<!no )(?<!not )\b(?:{words})\b[^,]{{0,25}}? than\b", re.IGNORECASE)
