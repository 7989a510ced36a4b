"""Exports: a whole KB as a file, streamed from one state of the database; and a few of its triples as RDF."""

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain

import pyoxigraph
from pyoxigraph import RdfFormat
from sqlalchemy import Engine

from app.graphs.formats import GRAPHS
from kb.database import reading
from kb.formats import own_names, write_jsonl, write_ntriples, write_tsv
from kb.store import TripleStore
from kb.triples import Name, Triple

_PREFIXES = {"rdfs": "http://www.w3.org/2000/01/rdf-schema#", "xsd": "http://www.w3.org/2001/XMLSchema#"}
Writer = Callable[[TripleStore, int], Iterator[bytes]]


def _ntriples(store: TripleStore, kb_id: int) -> Iterator[bytes]:
    own = own_names(store.unnamed_entities(kb_id), store.unnamed_relations(kb_id))
    return write_ntriples(store.export(kb_id), chain(store.names(kb_id), own))


def _labels_only(store: TripleStore, kb_id: int) -> Iterator[bytes]:
    return write_tsv(store.export(kb_id))


def _json_lines(store: TripleStore, kb_id: int) -> Iterator[bytes]:
    return write_jsonl(store.export(kb_id), store.names(kb_id))


FORMATS: dict[str, tuple[str, Writer]] = {
    "nt": ("application/n-triples", _ntriples),
    "tsv": ("text/tab-separated-values", _labels_only),
    "jsonl": ("application/x-ndjson", _json_lines),
}


def as_rdf(triples: Iterable[Triple], names: Iterable[Name], media_type: str) -> bytes:
    """Triples and names in one of the formats of `GRAPHS`."""
    found = pyoxigraph.parse(b"".join(write_ntriples(triples, names)), RdfFormat.N_TRIPLES, lenient=True)
    statements = (quad.triple for quad in found)
    return pyoxigraph.serialize(statements, format=GRAPHS[media_type], prefixes=_PREFIXES) or b""


def exported(engine: Engine, kb_id: int, format: str) -> Generator[bytes, None, None]:
    """The bytes of the file; holds a connection until it is closed."""
    with reading(engine) as connection:
        yield from written(TripleStore(connection), kb_id, format)


def written(store: TripleStore, kb_id: int, format: str) -> Iterator[bytes]:
    """The bytes of the file, read on a connection that is there already."""
    return FORMATS[format][1](store, kb_id)
