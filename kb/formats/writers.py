"""Triples and names to bytes; what these write, the parsers read back."""

from collections.abc import Iterable, Iterator

import orjson

from kb.formats.delimited import Columns
from kb.formats.vocabulary import RDFS_LABEL, XSD_STRING, blank_term, minted_iri
from kb.triples import BLANK_NODE, Name, Term, Triple, local_name, normalise_label, relation_name

_PIECE_LINES = 1_000
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})


def write_ntriples(triples: Iterable[Triple], names: Iterable[Name]) -> Iterator[bytes]:
    """N-Triples; a thing without IRI gets one of Hopfact's own; sources are left out, and labels that no name says."""
    return _in_pieces(_ntriples_lines(triples, names))


def own_names(entities: Iterable[Term], relations: Iterable[Term]) -> Iterator[Name]:
    """As names, for RDF, the labels that its readers would not make out of the IRI."""
    for terms, name_of in ((entities, _entity_name), (relations, relation_name)):
        for term in terms:
            assert term.iri is not None, term
            if term.label != normalise_label(name_of(term.iri)):
                yield Name(term, term.label, None, RDFS_LABEL)


def _entity_name(iri: str) -> str:
    if iri.startswith(BLANK_NODE):
        return blank_term(iri.removeprefix(BLANK_NODE), "").label
    return local_name(iri)


def write_tsv(triples: Iterable[Triple]) -> Iterator[bytes]:
    """Three labels a line: for people and tables, without IRIs, datatypes, languages, names and sources."""
    return _in_pieces(_tsv_lines(triples))


def write_jsonl(triples: Iterable[Triple], names: Iterable[Name]) -> Iterator[bytes]:
    """JSON lines, which keep everything."""
    return _in_pieces(_jsonl_lines(triples, names))


def _in_pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    piece: list[bytes] = []
    for line in lines:
        piece.append(line)
        if len(piece) == _PIECE_LINES:
            yield b"".join(piece)
            piece = []
    if piece:
        yield b"".join(piece)


def _ntriples_lines(triples: Iterable[Triple], names: Iterable[Name]) -> Iterator[bytes]:
    for triple in triples:
        subject, relation, object_ = node(triple.subject), node(triple.relation), node(triple.object)
        yield f"{subject} {relation} {object_} .\n".encode()
    for name in names:
        yield f"{node(name.entity)} <{name.property}> {_literal(name.text, None, name.language)} .\n".encode()


def node(term: Term) -> str:
    """A term as N-Triples writes it, and SPARQL too; a thing without an IRI gets one of ours."""
    if term.datatype is not None:
        return _literal(term.label, term.datatype, term.language)
    if term.iri is None:
        return f"<{minted_iri(term.label)}>"
    return term.iri if term.iri.startswith(BLANK_NODE) else f"<{term.iri}>"


def _literal(text: str, datatype: str | None, language: str | None) -> str:
    quoted = f'"{text.translate(_ESCAPES)}"'
    if language is not None:
        return f"{quoted}@{language}"
    return quoted if datatype in (None, XSD_STRING) else f"{quoted}^^<{datatype}>"


def _tsv_lines(triples: Iterable[Triple]) -> Iterator[bytes]:
    is_first = True
    for triple in triples:
        cells = [triple.subject.label, triple.relation.label, triple.object.label]
        if is_first and Columns.from_header(cells) is not None:
            yield b"subject\trelation\tobject\n"  # else this triple would be taken for the header
        is_first = False
        yield ("\t".join(cells) + "\n").encode()


def _jsonl_lines(triples: Iterable[Triple], names: Iterable[Name]) -> Iterator[bytes]:
    for triple in triples:
        line: dict[str, object] = {
            "subject": _value(triple.subject),
            "relation": _value(triple.relation),
            "object": _value(triple.object),
        }
        if triple.source is not None:
            line["source"] = triple.source
        yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
    for name in names:
        line = {"entity": _value(name.entity), "name": name.text}
        if name.language is not None:
            line["language"] = name.language
        if name.property != RDFS_LABEL:
            line["property"] = name.property
        yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _value(term: Term) -> object:
    """A string for a plain thing, else an object with what is not null."""
    if term.iri is None and term.datatype is None:
        return term.label
    return {key: value for key, value in term._asdict().items() if value is not None}
