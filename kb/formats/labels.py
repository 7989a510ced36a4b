"""Checked labels, and texts to terms remembered within bounds; what delimited files and JSON lines share."""

from collections.abc import Callable, Iterable

from kb.triples import Term, normalise_label, readable_relation

_REMEMBERED_TERMS = 1 << 19
_REMEMBERED_CHARACTERS = 1 << 24
_SHORT_CHARACTERS = 256
_NUMBERED_TEXTS = 1 << 22
_NUMBERED_CHARACTERS = 1 << 28


class BadLabel(ValueError):
    """A text that cannot be a label; the message completes "subject ..."."""


def checked_label(text: str, max_label_bytes: int) -> str:
    """The normalised label.

    Raises: BadLabel when it is empty, too long, or holds what no database keeps.
    """
    label = normalise_label(text)
    if not label:
        raise BadLabel("is empty")
    if "\0" in label:
        raise BadLabel("holds a NUL character")
    if len(label) * 4 > max_label_bytes:
        check_length(label, max_label_bytes)
    return label


def check_length(text: str, max_label_bytes: int) -> None:
    """Raises: BadLabel when the text takes more than max_label_bytes in UTF-8."""
    if len(text) > max_label_bytes or len(text.encode()) > max_label_bytes:
        raise BadLabel(f"is longer than {max_label_bytes:,} bytes: shorten it, or raise the limit")


class RememberedTerms(dict[str, Term]):
    """Text -> Term; what is missing is made by `make`, and all is forgotten when it gets too much."""

    def __init__(self, max_label_bytes: int) -> None:
        super().__init__()
        self.max_label_bytes = max_label_bytes
        self._max_short = min(max_label_bytes, _SHORT_CHARACTERS)
        self._characters = 0

    def make(self, text: str) -> Term:
        """The term that a text means. Raises: BadLabel."""
        raise NotImplementedError

    def label(self, text: str) -> str:
        """The checked label; quickly where a short text is one already. Raises: BadLabel."""
        is_short = text.isascii() and text.isprintable() and 0 < len(text) <= self._max_short
        if is_short and text[0] != " " != text[-1] and "  " not in text:  # no other white space is printable ASCII
            return text
        return checked_label(text, self.max_label_bytes)

    def __missing__(self, text: str) -> Term:
        term = self[text] = self.make(text)
        self._characters += len(text)
        if len(self) > _REMEMBERED_TERMS or self._characters > _REMEMBERED_CHARACTERS:
            self.clear()
            self._characters = 0
        return term


class NumberedTexts(dict[str, int]):
    """Text -> number of the term that it means; learnt in two steps, so that nothing is numbered of a bad block."""

    def __init__(self, number: Callable[[Term], int]) -> None:
        super().__init__()
        self._number = number
        self._characters = 0

    def unknown(self, texts: Iterable[str]) -> list[str]:
        """Those of the texts that have no number yet, each once, in their order."""
        if len(self) > _NUMBERED_TEXTS or self._characters > _NUMBERED_CHARACTERS:
            self.clear()
            self._characters = 0
        return [text for text in dict.fromkeys(texts) if text not in self]

    def learn(self, texts: list[str], terms: list[Term]) -> None:
        """Number the terms that the texts mean."""
        self.update(zip(texts, map(self._number, terms), strict=True))
        self._characters += sum(map(len, texts))


class Things(RememberedTerms):
    """Plain names of entities."""

    def make(self, text: str) -> Term:
        """A thing without IRI."""
        return tuple.__new__(Term, (self.label(text), None, None, None))  # half the time of Term(...)


class Relations(RememberedTerms):
    """Plain names of relations, made readable."""

    def make(self, text: str) -> Term:
        """A relation without IRI."""
        return Term(self.label(readable_relation(self.label(text))))
