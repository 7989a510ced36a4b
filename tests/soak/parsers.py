"""What must hold of every upload, whatever its bytes: a property for `fuzz_parsers`, which thinks the bytes up.

An upload is read or refused by an error of `kb.errors`, the same however its bytes are cut. What is read follows the
rules of `kb.triples` and is equal when it was written and read again.
"""

import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import zstandard

from kb.errors import ParseError
from kb.formats import ParseOptions, parse, write_jsonl, write_ntriples, write_tsv
from kb.formats.batches import BATCH_ITEMS
from kb.formats.vocabulary import RDF_DIR_LANG_STRING, RDF_LANG_STRING, RDFS_LABEL, XSD, XSD_STRING, minted_label
from kb.triples import (
    BLANK_NODE,
    Name,
    RejectedLine,
    Term,
    Triple,
    normalise_label,
    readable_relation,
    surface_key,
    term_digest,
)

MAX_LABEL_BYTES = 200
MAX_LINE_BYTES = 2_000
MAX_UNPACKED_BYTES = 1 << 20


class Format(NamedTuple):
    """A kind of upload: how it is sent, and what is special in it."""

    media_type: str
    content_encoding: str | None
    words: tuple[str, ...]


_OF_RDF = ("<http://e/a>", "_:b", '"x"', "@en", "@he--rtl", "^^", " .\n", "\\u00e9", "<urn:hopfact:a%20b>", "# ")
_KEYS = (
    "subject", "relation", "object", "source", "entity", "name", "property", "label", "iri", "datatype", "language",
)  # fmt: skip
_RDF_WORDS = (*_OF_RDF, f"<{RDFS_LABEL}>", f"<{XSD}integer>")
FORMATS = {
    "tsv": Format("text/tab-separated-values", None, ("\t", "\r\n", "subject\trelation\tobject\n", "source", "\xa0")),
    "csv": Format("text/csv", None, (",", ";", "|", '""', '","', "\r\n", "subject,relation,object,source\n")),
    "jsonl": Format(
        "application/x-ndjson",
        None,
        (*(f'"{key}":' for key in _KEYS), "{", "}", "true", "null", "1e9", "\\ud83d\\ude00", '"_:b"'),
    ),
    "ntriples": Format("application/n-triples", None, _RDF_WORDS),
    "turtle": Format(
        "text/turtle",
        None,
        (*_RDF_WORDS, "@prefix : <http://e/> .\n", "@base <http://e/> .\n", "[ :p :o ]", "( 1 2.0 true )", '"""', ";"),
    ),
    "gzip": Format("text/tab-separated-values", "gzip", ("\x1f\x8b\x08",)),
    "zstd": Format("text/tab-separated-values", "zstd", ("\x28\xb5\x2f\xfd", "\x50\x2a\x4d\x18")),
}
_PACK: dict[str | None, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstandard.compress}


class Read(NamedTuple):
    """All that an upload says."""

    triples: list[Triple]
    names: list[Name]
    rejected: list[RejectedLine]


def check(name: str, data: bytes) -> None:
    """Read an upload of the format of this name.

    Raises:
        AssertionError: something does not hold.
        Exception: an error that no parser declares.
    """
    of = FORMATS[name]
    options = ParseOptions(
        of.media_type,
        of.content_encoding,
        max_label_bytes=MAX_LABEL_BYTES,
        max_unpacked_bytes=MAX_UNPACKED_BYTES,
        max_line_bytes=MAX_LINE_BYTES,
        blank_prefix="t",
    )
    found = read([data], options)
    _same_however_cut(found, data, options)
    if of.content_encoding is not None:
        _unpacks(data, options)
    if not isinstance(found, Read):
        return
    for triple in found.triples:
        _check_triple(triple)
    for called in found.names:
        _check_name(called)
    for line in found.rejected:
        assert line.number >= 1, line
        assert len(line.text) <= 200, line
        assert 0 < len(line.reason) <= 400, line
        _check_text(line.text)
        _check_text(line.reason)
    _comes_back(found)


def read(chunks: Iterable[bytes], options: ParseOptions) -> Read | type[ParseError]:
    """What the chunks say, or the kind of error that refuses them."""
    found, done = Read([], [], []), 0
    try:
        for batch in parse(chunks, options):
            assert len(batch.triples) + len(batch.names) + len(batch.rejected) <= BATCH_ITEMS
            assert batch.bytes_done >= done
            done = batch.bytes_done
            found.triples.extend(batch.triples)
            found.names.extend(batch.names)
            found.rejected.extend(batch.rejected)
    except ParseError as error:
        return _checked_refusal(error)
    return found


def _checked_refusal(error: ParseError) -> type[ParseError]:
    told = str(error)
    assert 0 < len(told) <= 600, told
    _check_text(told)
    return type(error)


def _same_however_cut(found: Read | type[ParseError], data: bytes, options: ParseOptions) -> None:
    size = 1 + len(data) % 13
    again = read((data[start : start + size] for start in range(0, len(data), size)), options)
    if options.content_encoding is not None and not isinstance(found, Read):
        assert not isinstance(again, Read), again  # damage and a text that is none: either may be seen first
        return
    if options.media_type == "text/turtle" and isinstance(found, Read) and isinstance(again, Read):
        # Where a statement stands in a Turtle file is known only about.
        found, again = found._replace(rejected=[]), again._replace(rejected=[])
    assert again == found, f"in chunks of {size}: {again}, at once: {found}"


def _unpacks(data: bytes, options: ParseOptions) -> None:
    """The same bytes, packed as two members, say what they say unpacked."""
    pack, half = _PACK[options.content_encoding], len(data) // 2
    packed = read([pack(data[:half]) + pack(data[half:])], options)
    plain = read([data], ParseOptions(options.media_type, None, None, MAX_LABEL_BYTES, 1 << 30, MAX_LINE_BYTES, "t"))
    assert packed == plain, f"packed: {packed}, plain: {plain}"


def _check_triple(triple: Triple) -> None:
    _check_term(triple.subject)
    _check_term(triple.relation)
    _check_term(triple.object)
    assert triple.subject.datatype is None, triple
    assert triple.relation.datatype is None, triple
    assert not (triple.relation.iri or "").startswith(BLANK_NODE), triple
    assert triple.relation.label == readable_relation(triple.relation.label), triple
    if triple.source is not None:
        _check_label(triple.source)


def _check_name(name: Name) -> None:
    _check_term(name.entity)
    assert name.entity.datatype is None, name
    _check_label(name.text)
    assert name.property, name
    _check_text(name.property)
    if name.language is not None:
        assert name.language, name
        _check_text(name.language)


def _check_term(term: Term) -> None:
    _check_label(term.label)
    assert term.iri is None or term.datatype is None, term
    if term.language is not None:
        assert term.datatype == (RDF_DIR_LANG_STRING if "--" in term.language else RDF_LANG_STRING), term
    else:
        assert term.datatype not in (RDF_LANG_STRING, RDF_DIR_LANG_STRING), term
    for text in term[1:]:
        if text is not None:
            assert text, term
            _check_text(text)
            assert len(text.encode()) <= MAX_LABEL_BYTES + 100, term  # our own prefixes come before a blank node
    assert len(term_digest(term)) == 16


def _check_label(label: str) -> None:
    assert label, "an empty label"
    assert label == normalise_label(label), f"{label!a} is not normalised"
    assert len(label.encode()) <= MAX_LABEL_BYTES, f"{label!a} is too long"
    _check_text(label)
    surface_key(label)


def _check_text(text: str) -> None:
    """What every database keeps."""
    assert "\0" not in text, ascii(text)
    text.encode()


def _comes_back(found: Read) -> None:
    """All of it as JSON lines, each statement as N-Triples and so as Turtle, the labels as TSV and CSV."""
    same = Read(found.triples, found.names, [])
    as_jsonl = b"".join(write_jsonl(found.triples, found.names))
    assert _again(as_jsonl, "application/x-ndjson") == same, as_jsonl
    as_ntriples = b"".join(write_ntriples(found.triples, found.names))
    back = _again(as_ntriples, "application/n-triples")
    assert _statements(back) == _statements(same), f"{_statements(back)} from {as_ntriples!r}"
    assert back.rejected == []
    assert _again(as_ntriples, "text/turtle") == back
    assert b"".join(write_ntriples(back.triples, back.names)) == as_ntriples or found.names
    labels = [(one.subject.label, readable_relation(one.relation.label), one.object.label) for one in found.triples]
    wanted = Read([Triple(Term(one), Term(two), Term(three)) for one, two, three in labels], [], [])
    assert _again(b"".join(write_tsv(found.triples)), "text/tab-separated-values") == wanted
    assert _again(_as_csv(labels), "text/csv") == wanted


def _again(written: bytes, media_type: str) -> Read:
    if not written:
        return Read([], [], [])
    options = ParseOptions(media_type, max_label_bytes=MAX_LABEL_BYTES, blank_prefix="u")
    found = read([written], options)
    assert isinstance(found, Read), f"{found} of {written!r}"
    return found


def _statements(found: Read) -> "Counter[tuple[bytes, ...]]":
    """What is said, as RDF knows it: it has no sources, and tells a name from a fact by its property."""
    return Counter(
        [tuple(map(term_digest, triple[:3])) for triple in found.triples]
        + [
            (term_digest(name.entity), term_digest(_property_of(name)), term_digest(_literal_of(name)))
            for name in found.names
        ]
    )


def _property_of(name: Name) -> Term:
    label = minted_label(name.property)
    return Term("", name.property) if label is None else Term(readable_relation(label))


def _literal_of(name: Name) -> Term:
    if name.language is None:
        return Term(name.text, None, XSD_STRING)
    datatype = RDF_DIR_LANG_STRING if "--" in name.language else RDF_LANG_STRING
    return Term(name.text, None, datatype, name.language)


def _as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("subject", "relation", "object"), *rows] if rows else [])
    return text.getvalue().encode()


def seeds(name: str) -> list[bytes]:
    """What an upload of this format looks like, from the project's own writers."""
    facts = _facts()
    named = [Name(facts[1].subject, "Rome", "en", RDFS_LABEL), Name(facts[0].subject, "A", None, RDFS_LABEL)]
    labels = [(one.subject.label, one.relation.label, one.object.label) for one in facts]
    tsv, ntriples = b"".join(write_tsv(facts)), b"".join(write_ntriples(facts, named))
    written = {
        "tsv": [tsv, b"subject\trelation\tobject\tsource\na\tr\tb\tbook\n"],
        "csv": [_as_csv(labels), _as_csv(labels).replace(b",", b";").replace(b'"', b""), b'a,r,"b ""c"""\n'],
        "jsonl": [b"".join(write_jsonl(facts, named)), b'{"subject":"a","relation":"r","object":1.5}\n'],
        "ntriples": [ntriples],
        "turtle": [ntriples, _TURTLE.encode()],
        "gzip": [gzip.compress(tsv, mtime=0), tsv],
        "zstd": [zstandard.compress(tsv), tsv],
    }
    return written[name] + [line for whole in written[name] for line in whole.splitlines(keepends=True)]


def _facts() -> list[Triple]:
    rome = Term("Q 220", "http://e/Q_220")
    blank = Term("_:x", "_:hopfact-t-x")
    relation, located = Term("directed by"), Term("located in", "http://e/located_in")
    return [
        Triple(Term("Kismet (1944)"), relation, Term("William Dieterle"), "films"),
        Triple(rome, located, Term("Italy", "http://e/Italy")),
        Triple(rome, Term("population"), Term("2800000", None, XSD + "integer")),
        Triple(rome, Term("motto"), Term('Senatus "Populusque"', None, RDF_LANG_STRING, "la")),
        Triple(rome, Term("name"), Term("רומא", None, RDF_DIR_LANG_STRING, "he--rtl")),
        Triple(blank, Term("kind of"), Term("été", None, XSD_STRING)),
        Triple(Term("head"), Term("relation"), Term("tail")),
        *(Triple(Term("a", iri), Term("r", iri), Term("b", iri)) for iri in _IRIS),
    ]


_IRIS = ("http://e/", "http://e/starredActors", "http://e/AC-DC_(band)", "urn:x:e\u0301", "http://e/%22a%20b%22#%00")


_TURTLE = """@prefix : <http://e/> .
@base <http://e/> .
:Rome a :City ; :population 2800000, 2.8e6 ; :capital true ; :mayors ( :a "b"@en [ :since 2021 ] ) .
[] :said '''two
lines''' . # a comment
"""
