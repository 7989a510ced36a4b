"""Triples, their terms and names, and the pure text rules that make them equal; no file format and no SQL."""

import re
from hashlib import blake2b
from typing import NamedTuple
from unicodedata import category, decomposition, normalize
from urllib.parse import unquote

BLANK_NODE = "_:"
BYTE_ORDER_MARK = "\ufeff"


class Term(NamedTuple):
    """An entity, literal or relation: a thing has no datatype, a literal always has one."""

    label: str
    iri: str | None = None
    datatype: str | None = None
    language: str | None = None


class Triple(NamedTuple):
    """One statement and where it came from."""

    subject: Term
    relation: Term
    object: Term
    source: str | None = None


class Name(NamedTuple):
    """A naming statement: the text that an entity is called, and the IRI of the property that says so."""

    entity: Term
    text: str
    language: str | None
    property: str


class RejectedLine(NamedTuple):
    """A line that was left out: its number from 1, the reason, and at most its first 200 characters."""

    number: int
    reason: str
    text: str


def normalise_label(text: str) -> str:
    """NFC, without byte-order marks, trimmed, each run of white space made one blank. Idempotent."""
    if not text.isascii():
        text = normalize("NFC", text.replace(BYTE_ORDER_MARK, ""))
    return " ".join(text.split())


# A boundary inside camelCase: before a capital that follows a small letter or digit, and before the last
# capital of an acronym ("XMLFile" -> "XML File"). "Mc" stays with its name.
_LOWER = "a-zß-öø-ÿ"
_UPPER = "A-ZÀ-ÖØ-Þ"
_CAMEL = re.compile(rf"(?<=[{_LOWER}0-9])(?<!\bMc)(?=[{_UPPER}])|(?<=[{_UPPER}])(?=[{_UPPER}][{_LOWER}])")
_SHORTENED = re.compile(rf"[{_UPPER}{_LOWER}]{{2,7}}\.")
_RELATION_SEPARATORS = re.compile(r"[\s_/.:#-]+")


def _lowered(word: str) -> str:
    return word if len(word) > 1 and word.isupper() else word.lower()


def readable_relation(label: str) -> str:
    """A relation's label as words: starredActors, starred_actors -> "starred actors".

    /people/person/place_of_birth -> "people person place of birth". Acronyms beside other words stay: hasISBN ->
    "has ISBN". A label that has blanks already is left as it is, but for underscores; a word cut short keeps its full
    stop (cat.). Idempotent.
    """
    if " " in label:
        label = normalise_label(label.replace("_", " ")) or label
        if " " in label:
            return label
    words = _RELATION_SEPARATORS.sub(" ", label).split()
    if not words:
        return label
    if label.isupper() and (len(words) > 1 or words[0].isalpha()):
        return " ".join(words).lower()
    if _SHORTENED.fullmatch(label):
        return label.lower()
    parts = [part for word in words for part in _CAMEL.sub(" ", word).split()]
    return " ".join(_lowered(part) for part in parts)


def local_name(iri: str) -> str:
    """The last part of an entity's IRI as words: The_Beatles -> "The Beatles"; the IRI when nothing is left of it.

    A part with underscores or blanks is split there only, so that names like AC-DC_(band) and LeBron_James stay whole.
    """
    name = _last_part(iri)
    if "_" in name or " " in name:
        return normalise_label(name.replace("_", " ")) or iri
    return normalise_label(_split_camel(name)) or iri


def relation_name(iri: str) -> str:
    """The last part of a relation's IRI as words; those of the whole IRI when nothing is left of it."""
    return readable_relation(normalise_label(_last_part(iri)) or normalise_label(iri))


def _last_part(iri: str) -> str:
    """What follows the last "#", else "/", else ":", percent-decoded where that gives text."""
    bare = iri.rstrip("/#:")
    for separator in "#/:":
        _, found, tail = bare.rpartition(separator)
        if found:
            bare = tail
            break
    if "%" not in bare:
        return bare
    name = unquote(bare, errors="replace")
    return bare if "\0" in name or "\ufffd" in name else name


def _split_camel(name: str) -> str:
    """Words of a name in camelCase: starredActors -> starred actors, NewYork -> New York; iPhone stays."""
    if not name[:2].islower():
        return _CAMEL.sub(" ", name) if name[:1].isupper() else name
    return " ".join(_lowered(part) for part in _CAMEL.sub(" ", name).split())


def term_digest(term: Term) -> bytes:
    """16 bytes that are equal for equal terms: the IRI if there is one, else label, datatype and language."""
    if term.iri is not None:
        identity = "i" + term.iri
    else:
        identity = f"l{term.label}\0{term.datatype or ''}\0{term.language or ''}"
    return blake2b(identity.encode(), digest_size=16).digest()


_ASCII_SURFACE = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
_SELECTORS = {*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
"""Unicode's variation selectors: marks by category, which say how to draw a character, not what it is."""
_REMEMBERED_CHARACTERS = 1 << 16


class _WordParts(dict[int, str | None]):
    """By code, what `word_part` says; learnt as characters come, up to a bound."""

    def __missing__(self, code: int) -> str | None:
        part = None if code in _SELECTORS else chr(code) if _is_in_word(chr(code)) else " "
        if len(self) < _REMEMBERED_CHARACTERS:
            self[code] = part
        return part


def _is_in_word(char: str) -> bool:
    """Letters, marks, digits, and signs that are written with such ("㎏", "№"), but not above them ("™")."""
    if category(char)[0] in "LMN":
        return True
    return any(map(str.isalnum, normalize("NFKC", char))) and not decomposition(char).startswith("<super>")


_WORD_PARTS = _WordParts()


def word_part(char: str) -> str | None:
    """A character as `surface_key` takes it: itself in a word, a blank between words, None where it says nothing."""
    return _WORD_PARTS[ord(char)]


def surface_key(text: str) -> str:
    """What a name and its mention have in common: NFKC, casefolded, punctuation and symbols as blanks, folded.

    "Spider-Man" -> "spider man". Empty for text without a letter or digit, and for blank nodes, which nobody names.
    Words are told apart before they are normalised, as in a question, of which each is normalised by itself.
    """
    if text.startswith(BLANK_NODE):
        return ""
    if text.isascii():
        return " ".join(text.translate(_ASCII_SURFACE).split())
    folded = normalize("NFKC", normalize("NFKC", text.translate(_WORD_PARTS)).casefold())
    words = folded.translate(_WORD_PARTS).split()
    return " ".join(word for word in words if word[0].isalnum() or any(map(str.isalnum, word)))
