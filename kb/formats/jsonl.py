"""JSON lines to triples and names: one object a line, read with orjson and checked by hand for speed."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import orjson
from pyoxigraph import BlankNode, Literal, NamedNode

from kb.formats.batches import Found, ParseOptions
from kb.formats.labels import BadLabel, Relations, Things, check_length, checked_label
from kb.formats.lines import line_blocks
from kb.formats.vocabulary import RDF_DIR_LANG_STRING, RDF_LANG_STRING, RDFS_LABEL, XSD, blank_term, minted_label
from kb.triples import BLANK_NODE, Name, Term, Triple, local_name, readable_relation, relation_name

_TRIPLE_KEYS = {"subject": True, "relation": True, "object": True, "source": False}
_NAME_KEYS = {"entity": True, "name": True, "language": False, "property": False}
_TERM_KEYS = {"label": False, "iri": False, "datatype": False, "language": False}
_SHOWN_CHARACTERS = 80

Value = TypeVar("Value")


def parse_jsonl(chunks: Iterable[bytes], options: ParseOptions) -> Iterator[Found]:
    """A term is a string (a thing), a number or truth value (a literal), or an object that says more.

    {"subject", "relation", "object", "source"?} is a triple, {"entity", "name", "language"?, "property"?} a name; a
    term as object has "label", "iri", "datatype" and "language", of which a thing needs the first or the second.
    """
    statements = _Statements(options)
    for block in line_blocks(chunks, options.max_line_bytes):
        for number, line in enumerate(block.content.split(b"\n"), block.first):
            if not line or line.isspace():
                continue
            try:
                statements.read(orjson.loads(line), block.found)
            except orjson.JSONDecodeError as error:
                block.found.reject(number, f"not JSON: {error}", line)
            except BadLabel as error:
                block.found.reject(number, str(error), line)
        yield block.found


class _Statements:
    """Turns parsed JSON values into triples and names."""

    def __init__(self, options: ParseOptions) -> None:
        self._source = options.source
        self._blank_prefix = options.blank_prefix
        self._max_label_bytes = options.max_label_bytes
        self._things = Things(options.max_label_bytes)
        self._relations = Relations(options.max_label_bytes)

    def read(self, value: object, found: Found) -> None:
        """Adds what one line says. Raises: BadLabel when it says neither a triple nor a name."""
        if not isinstance(value, dict):
            raise BadLabel("the line is not a JSON object with subject, relation and object")
        if "entity" in value or "name" in value:
            found.names.append(self._name(value))
        else:
            found.triples.append(self._triple(value))

    def _triple(self, value: dict[str, Any]) -> Triple:
        _check_keys(value, _TRIPLE_KEYS, "the line ")
        source = value.get("source")
        return Triple(
            _field("subject", value["subject"], self._thing),
            _field("relation", value["relation"], self._relation),
            _field("object", value["object"], self._object),
            self._source if source is None else _field("source", source, self._text),
        )

    def _name(self, value: dict[str, Any]) -> Name:
        _check_keys(value, _NAME_KEYS, "the line ")
        language = value.get("language")
        return Name(
            _field("entity", value["entity"], self._thing),
            _field("name", value["name"], self._text),
            None if language is None else _field("language", language, _language),
            _field("property", value.get("property", RDFS_LABEL), self._iri),
        )

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise BadLabel("is not a string")
        return checked_label(value, self._max_label_bytes)

    def _iri(self, value: object) -> str:
        if not isinstance(value, str):
            raise BadLabel("is not a string")
        check_length(value, self._max_label_bytes)
        try:
            return NamedNode(value).value
        except ValueError as error:
            raise BadLabel(f"has an IRI that is none: {error}") from error

    def _thing(self, value: object) -> Term:
        if isinstance(value, str):
            return self._things[value]
        term = self._object(value)
        if term.datatype is not None:
            raise BadLabel("is a literal: give a string, or an object without datatype and language")
        return term

    def _relation(self, value: object) -> Term:
        if isinstance(value, str):
            return self._relations[value]
        term = self._thing(value)
        if term.iri is None:
            return self._relations[term.label]
        if term.iri.startswith(BLANK_NODE):
            raise BadLabel("is a blank node: give it an IRI or only a label")
        assert isinstance(value, dict)  # a str was handled above, and _thing refuses the rest
        label = readable_relation(term.label) if value.get("label") else relation_name(term.iri)
        return Term(self._text(label), term.iri)

    def _object(self, value: object) -> Term:
        if isinstance(value, str):
            return self._things[value]
        if isinstance(value, bool):
            return Term("true" if value else "false", None, XSD + "boolean")
        if isinstance(value, int):
            return Term(str(value), None, XSD + "integer")
        if isinstance(value, float):
            return Term(repr(value), None, XSD + "double")
        if not isinstance(value, dict):
            raise BadLabel("is neither a string, a number, true, false nor an object")
        _check_keys(value, _TERM_KEYS, "")
        if value.get("datatype") is not None or value.get("language") is not None:
            return self._literal(value)
        label = value.get("label")
        if value.get("iri") is None:
            if label is None:
                raise BadLabel("has neither a label nor an IRI")
            return self._things[self._text(label)]
        return self._node(value["iri"], None if label is None else self._text(label))

    def _node(self, iri: object, label: str | None) -> Term:
        if isinstance(iri, str) and iri.startswith(BLANK_NODE):
            name = iri.removeprefix(BLANK_NODE)
            if ":" in name:  # as N-Triples 1.1 allows; no parser would take our exports back
                raise BadLabel("has a blank node that is none: its name has a colon")
            try:
                node = blank_term(BlankNode(name).value, self._blank_prefix)
            except ValueError as error:
                raise BadLabel(f"has a blank node that is none: {error}") from error
            check_length(node.label, self._max_label_bytes)
            return node if label is None else node._replace(label=label)
        iri = self._iri(iri)
        own = minted_label(iri)
        if own is None:
            return Term(self._text(local_name(iri)) if label is None else label, iri)
        if label not in (None, own):
            raise BadLabel(f"has the IRI of {own[:_SHOWN_CHARACTERS]!r}, which has no other label")
        return self._things[own]

    def _literal(self, value: dict[str, Any]) -> Term:
        if value.get("iri") is not None:
            raise BadLabel("has an IRI and a datatype or language: a term is a thing or a literal, not both")
        label = self._text(value.get("label"))
        language = value.get("language")
        if language is None:
            datatype = self._iri(value["datatype"])
            if datatype in (RDF_LANG_STRING, RDF_DIR_LANG_STRING):
                raise BadLabel("has the datatype of text with a language, but no language")
            return Term(label, None, datatype)
        language = _language(language)
        expected = RDF_DIR_LANG_STRING if "--" in language else RDF_LANG_STRING
        if value.get("datatype") not in (None, expected):
            raise BadLabel("has a language and a datatype: leave the datatype out")
        return Term(label, None, expected, language)


def _language(value: object) -> str:
    """A language tag in small letters, perhaps with a direction: en, en-gb, he--rtl."""
    if not isinstance(value, str):
        raise BadLabel("has a language that is not a string")
    tag, found, direction = value.lower().partition("--")
    if found and direction not in ("ltr", "rtl"):
        raise BadLabel("has a text direction that is neither ltr nor rtl")
    try:
        Literal("", language=tag)
    except ValueError as error:
        raise BadLabel(f"has a language that is none: {error}") from error
    return value.lower()


def _check_keys(value: dict[str, Any], known: dict[str, bool], what: str) -> None:
    """Raises: BadLabel when a key that is needed is missing, or a key is not known."""
    for key in value:
        if key not in known:
            raise BadLabel(f"{what}has the unknown key {key[:_SHOWN_CHARACTERS]!r}: use {', '.join(known)}")
    for key, needed in known.items():
        if needed and key not in value:
            raise BadLabel(f"{what}has no {key!r}")


def _field(role: str, value: object, read: Callable[[object], Value]) -> Value:
    try:
        return read(value)
    except BadLabel as error:
        raise BadLabel(f"the {role} {error}") from error
