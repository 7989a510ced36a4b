"""What the tests of the derived structures share: an encoder of few dimensions, stores with triples, views by label."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from sqlalchemy import Engine
from structlog.testing import capture_logs
from structlog.typing import EventDict
from xxhash import xxh3_64_intdigest

from kb import tables
from kb.consistency import ConsistencyBudgets, Views
from kb.database import create_engine, writing
from kb.graph import FloatArray
from kb.store import Deleted, TripleStore, Written
from kb.triples import Name, Term, Triple
from kb.view import KnowledgeView


class WordEncoder:
    """Adds up one random vector a word; counts what it encodes."""

    dim = 16

    def __init__(self, name: str = "words") -> None:
        self.id = name
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """One unit vector a text."""
        self.encoded += texts
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row] += np.random.default_rng(xxh3_64_intdigest(word.encode())).standard_normal(self.dim)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths == 0, 1, lengths), np.float32)


@contextmanager
def all_logs() -> Iterator[list[EventDict]]:
    """What is logged inside the block, whatever level a service of another test has set."""
    config = structlog.get_config()
    structlog.reset_defaults()
    try:
        with capture_logs() as logs:
            yield logs
    finally:
        structlog.configure(**config)


def sqlite_engine(folder: Path) -> Engine:
    """A new SQLite database with all tables."""
    engine = create_engine(f"sqlite:///{folder / 'test.sqlite'}")
    tables.kb.metadata.create_all(engine)
    return engine


def copied(source: Path, target: Path) -> None:
    """What one SQLite database holds, put into another one, which may be in use."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def triple(subject: str, relation: str, value: str, source: str | None = None) -> Triple:
    """A triple of plain things; a value of digits and a leading `=` is a number."""
    literal = value.startswith("=")
    term = Term(value[1:], datatype="http://www.w3.org/2001/XMLSchema#integer") if literal else Term(value)
    return Triple(Term(subject), Term(relation), term, source)


FACTS = [triple(f"Thing {number}", "is next to", f"Thing {number + 1}") for number in range(40)]


class Knowledge:
    """One KB in SQL, and its views."""

    def __init__(self, folder: Path, encoder: WordEncoder | None = None, **budgets: Any) -> None:
        self.engine = sqlite_engine(folder)
        self.folder = folder
        self.encoder = encoder or WordEncoder()
        self.budgets = ConsistencyBudgets(**{"threads": 1, "build_wait_seconds": 20.0, **budgets})
        self.views = self.new_views()
        self._num_kbs = 0
        self.new_kb()

    def new_kb(self) -> None:
        """Go on with a new, empty KB."""
        self._num_kbs += 1
        with writing(self.engine) as connection:
            self.id = TripleStore(connection).create_kb(f"test-{self._num_kbs}").id

    def new_views(self, encoder: WordEncoder | None = None) -> Views:
        """What another process, or this one after a restart, would hold."""
        return Views(self.engine, self.folder, encoder or self.encoder, self.budgets)

    def write(self, triples: Iterable[Triple], names: Sequence[Name] = ()) -> Written:
        """A committed write."""
        with writing(self.engine) as connection:
            return TripleStore(connection).write(self.id, list(triples), names)

    def delete(self, triples: Iterable[Triple]) -> Deleted:
        """A committed deletion."""
        with writing(self.engine) as connection:
            return TripleStore(connection).delete_triples(self.id, list(triples))

    def view(self) -> KnowledgeView:
        """The current view."""
        return self.views.current(self.id)

    def rebuilt(self) -> KnowledgeView:
        """A view built from SQL alone, without any delta."""
        other = Views(self.engine, self.folder / "rebuilt", WordEncoder(self.encoder.id), self.budgets)
        return other.rebuild(self.id)

    def generation_folder(self) -> Path:
        """The folder of the only generation."""
        (folder,) = (entry for entry in (self.folder / "kbs" / str(self.id)).iterdir() if entry.name.isdigit())
        return folder


def content(view: KnowledgeView) -> dict[str, Any]:
    """Everything that a view says, by labels and SQL ids, as it may be compared with another view of the KB."""
    everyone = np.arange(view.num_entities, dtype=np.int32)
    alive = [position for position in everyone.tolist() if view.degree(position)]
    facts: dict[str, Any] = {}
    for position in alive:
        one = np.array([position], np.int32)
        for key in view.keys_of(one).tolist():
            hop = view.follow(one, np.ones(1, np.float32), key, 1_000)
            name = (view.entity_id(position), view.relation_labels[key >> 1], key & 1)
            evidence = [view.fact(fact) for fact in hop.facts.tolist()]
            facts[str(name)] = (
                [view.label(target) for target in hop.entities.tolist()],
                [(fact.triple_id, fact.source, view.entity_id(fact.subject)) for fact in evidence],
                hop.facts_read,
            )
    return {
        "revision": view.revision,
        "num_triples": view.num_triples,
        "entities": {view.entity_id(one): (view.label(one), view.is_literal(one), view.degree(one)) for one in alive},
        "positions": all(view.position(view.entity_id(one)) == one for one in alive),
        "facts": facts,
    }
