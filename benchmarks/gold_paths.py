"""The raw hop along a gold path, from a topic's label to the labels it reaches: ours, by SQL, by SPARQL.

The same facts in each, all on disk; no question is read, so this is what answering costs at the least.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import pyoxigraph
from sqlalchemy import Engine

from app.answering import AnsweringLimits
from benchmarks.questions import Asked, Step
from kb import database
from kb.consistency import Views
from kb.encoding import StaticEncoder
from kb.formats.vocabulary import minted_iri, minted_label
from kb.store import TripleStore
from kb.view import KnowledgeView
from models.episodes import FORWARD

Row = tuple[str, str, str]


class GoldPath(Protocol):
    """Something that goes along a path."""

    def answers(self, topic: str, path: Sequence[Step]) -> list[str]:
        """What the path reaches, as it is called there."""
        ...


class Ours:
    """Keys and values, hop by hop, as the reader does it."""

    def __init__(self, view: KnowledgeView) -> None:
        self._view = view
        self._budget = AnsweringLimits().fact_budget

    def answers(self, topic: str, path: Sequence[Step]) -> list[str]:
        """Labels."""
        view = self._view
        entities = view.entities_named(topic)
        weights = np.ones(len(entities), np.float32)
        for relation, direction in path:
            position = view.relation_position(relation)
            if position is None:
                return []
            reached = view.follow(entities, weights, 2 * position + direction, self._budget)
            entities, weights = reached.entities, reached.weights
        return [view.label(entity) for entity in entities.tolist()]


class Sql:
    """SQLite, integers in covering indexes, one statement by hand for each path; equal ends are joined at each hop."""

    def __init__(self, path: Path, rows: Iterable[Row]) -> None:
        self._connection = connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN")
        for table in ("entity", "relation"):
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, label TEXT UNIQUE)")
        connection.execute(
            "CREATE TABLE triple (subject INT, relation INT, object INT, PRIMARY KEY (subject, relation, object)) "
            "WITHOUT ROWID"
        )
        entities: dict[str, int] = {}
        relations: dict[str, int] = {}
        numbered = (
            (
                entities.setdefault(subject, len(entities)),
                relations.setdefault(relation, len(relations)),
                entities.setdefault(value, len(entities)),
            )
            for subject, relation, value in rows
        )
        connection.executemany("INSERT OR IGNORE INTO triple VALUES (?, ?, ?)", numbered)
        connection.execute("CREATE INDEX inverse ON triple (object, relation, subject)")
        for table, labels in (("entity", entities), ("relation", relations)):
            connection.executemany(f"INSERT INTO {table} (label, id) VALUES (?, ?)", labels.items())
        connection.execute("COMMIT")
        connection.execute("ANALYZE")

    def answers(self, topic: str, path: Sequence[Step]) -> list[str]:
        """Labels."""
        reached = "SELECT id FROM entity WHERE label = ?"
        for _, direction in path:
            start, end = ("subject", "object") if direction == FORWARD else ("object", "subject")
            relation = "(SELECT id FROM relation WHERE label = ?)"
            reached = f"SELECT {end} FROM triple WHERE relation = {relation} AND {start} IN ({reached})"
        bound = [*(relation for relation, _ in reversed(path)), topic]
        rows = self._connection.execute(f"SELECT label FROM entity WHERE id IN ({reached})", bound)
        return [label for (label,) in rows]

    def close(self) -> None:
        """End it."""
        self._connection.close()


class Sparql:
    """pyoxigraph on disk, one query for each path."""

    def __init__(self, path: Path, rows: Iterable[Row]) -> None:
        self._store = pyoxigraph.Store(path)
        self._store.bulk_extend(
            pyoxigraph.Quad(*(pyoxigraph.NamedNode(minted_iri(label)) for label in row)) for row in rows
        )
        self._store.optimize()

    def answers(self, topic: str, path: Sequence[Step]) -> list[str]:
        """IRIs."""
        steps = "/".join(
            f"{'' if direction == FORWARD else '^'}<{minted_iri(relation)}>" for relation, direction in path
        )
        found = self._store.query(f"SELECT DISTINCT ?answer WHERE {{ <{minted_iri(topic)}> {steps} ?answer }}")
        assert isinstance(found, pyoxigraph.QuerySolutions)
        return [one["answer"].value for one in found]


def label_of(answer: str) -> str:
    """The label of an answer, whichever way it came."""
    return minted_label(answer) or answer


def tsv_rows(path: Path) -> Iterator[Row]:
    """The rows of a file of triples, relations as people read them."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            subject, relation, value = line.rstrip("\n").split("\t")
            yield subject, relation.replace("_", " "), value


@contextmanager
def engine_of(data: Path) -> Iterator[Engine]:
    """The database in a data folder."""
    engine = database.create_engine(f"sqlite:///{data / 'hopfact.sqlite'}")
    yield engine
    engine.dispose()


def our_view(engine: Engine, data: Path, kb: str) -> KnowledgeView:
    """What readers see of a KB in a data folder."""
    with database.reading(engine) as connection:
        found = TripleStore(connection).kb(kb)
    return Views(engine, data, StaticEncoder()).current(found.id)


def disagreements(paths: dict[str, GoldPath], asked: Sequence[Asked]) -> list[str]:
    """Questions for which the ways along their paths do not reach the same."""
    return [
        one.text
        for one in asked
        if len({frozenset(map(label_of, way.answers(one.topic, one.path))) for way in paths.values()}) > 1
    ]
