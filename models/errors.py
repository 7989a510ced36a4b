"""What a model refuses; the message says what to do.

StoryUnreadable
├── MemoryTooLong
├── SentenceEmpty
└── WordsUnknown
"""

from collections.abc import Sequence

SHOWN_WORDS = 10


class StoryUnreadable(Exception):
    """The root of why a network does not read a story; the message says what to do."""


class MemoryTooLong(StoryUnreadable):
    """More sentences than the network's memory has slots."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"The memory has {count:,} sentences, and this model reads {limit:,}: send fewer.")


class SentenceEmpty(StoryUnreadable):
    """A sentence or the question holds no word."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} holds no word: leave it out, or say something.")


class WordsUnknown(StoryUnreadable):
    """Words that the network has never seen: to it they would all mean the same."""

    def __init__(self, words: Sequence[str]) -> None:
        shown = ", ".join(words[:SHOWN_WORDS]) + (", …" if len(words) > SHOWN_WORDS else "")
        super().__init__(f"This model never saw these words: {shown}. Say it with words of its tasks, or send triples.")
        self.words = tuple(words)
