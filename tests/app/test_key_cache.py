"""Keys that are remembered are those that would be made anew."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from app.answering import AnsweringLimits, Question, QuestionAnswerer
from app.key_cache import KeyCache, keys_of
from app.sparql import QueryWriter
from kb import database
from kb.consistency import Views
from kb.context import ContextEncoder
from kb.encoding import StaticEncoder
from kb.store import TripleStore
from kb.triples import Name, Term, Triple
from models.kinds import Kind
from models.networks.path_inference import Keys
from models.reader import Reader
from tests.kb.structures import Knowledge, triple

TOWNS = [
    *(triple(f"Town {number}", "lies on", f"River {number % 7}") for number in range(40)),
    *(triple(f"Town {number}", "mayor", f"Ann Field {number}") for number in range(30)),
    *(triple(f"River {number}", "is a", "stream") for number in range(7)),
]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader.load(encoder=ContextEncoder(StaticEncoder()))


def assert_same(keys: Keys, expected: Keys) -> None:
    assert (keys.profiles, keys.kinds, keys.labels, keys.called) == (
        expected.profiles,
        expected.kinds,
        expected.labels,
        expected.called,
    )
    for part, other in zip(keys[:4], expected[:4], strict=True):
        np.testing.assert_allclose(part, other, rtol=1e-4, atol=1e-5)


def test_keys_are_the_same_whatever_was_asked_before(tmp_path: Path, reader: Reader) -> None:
    knowledge, cache = Knowledge(tmp_path), KeyCache()
    river = Term("River 8", "urn:river")
    ages = [triple(f"Ann Field {number}", "age", f"={20 + number}") for number in range(30)]
    steps: list[tuple[Sequence[Triple], Sequence[Triple], Sequence[Name]]] = [
        (TOWNS, [], []),
        ([triple("Town 1", "mayor", "Bo")], [], []),
        ([triple("Ann Field 3", "age", "unknown")], [], []),
        (ages, [], []),
        ([], [*TOWNS[:20], ages[3]], []),
        ([triple("River 6", "is a", "canal"), Triple(Term("Town 9"), Term("lies on"), river)], TOWNS[-3:], []),
        ([], [], [Name(river, "Danube", "en", "rdfs:label")]),
        ([], [triple("Town 1", "mayor", "Bo"), *ages], []),
    ]
    for written, deleted, names in steps:
        knowledge.write(written, names)
        knowledge.delete(deleted)
        view = knowledge.view()
        assert_same(cache.keys(view, reader), keys_of(view, reader))
    assert view.base.number == 1
    rebuilt = knowledge.views.rebuild(knowledge.id)
    assert_same(cache.keys(rebuilt, reader), keys_of(rebuilt, reader))


def test_a_write_costs_the_encoding_of_the_relations_that_it_touches(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowledge, cache = Knowledge(tmp_path), KeyCache()
    knowledge.write(TOWNS)
    known = cache.keys(knowledge.view(), reader)
    encoded, cut = [], reader._cutter.cut

    def seen(texts: Sequence[str]) -> object:
        encoded.append([*texts])
        return cut(texts)

    monkeypatch.setattr(reader._cutter, "cut", seen)
    assert cache.keys(knowledge.view(), reader) is known
    assert cache.keys(knowledge.views.rebuild(knowledge.id), reader) is known
    knowledge.write([triple("Town 41", "mayor", "Bo")])
    cache.keys(knowledge.view(), reader)

    assert encoded == [["mayor"]]


def test_a_relation_that_got_numbers_is_asked_for_them_at_once(tmp_path: Path, reader: Reader) -> None:
    engine, encoder = database.create_engine(f"sqlite:///{tmp_path / 'hopfact.sqlite'}"), StaticEncoder()
    database.migrate(engine)

    def answerer() -> QuestionAnswerer:
        return QuestionAnswerer(
            Views(engine, tmp_path, encoder), reader, encoder, QueryWriter(engine), AnsweringLimits()
        )

    with database.writing(engine) as connection:
        kb = TripleStore(connection).create_kb("ages")
        filler = [triple(f"P{number}", "likes", f"Thing {number}") for number in range(64)]
        TripleStore(connection).write(kb.id, [*filler, triple("Ann", "age", "unknown")])
    asked, question = answerer(), Question("Who has the highest age?")
    before = asked.ask(kb, [question])[0]
    with database.writing(engine) as connection:
        TripleStore(connection).write(kb.id, [triple(f"P{one}", "age", f"={20 + one}") for one in range(30)])
    after, fresh = (one.ask(kb, [question])[0] for one in (asked, answerer()))
    engine.dispose()

    assert before["reason"] is not None
    assert [answer["label"] for answer in after["answers"]] == ["P29"]
    assert (after["answers"], after["confidence"]) == (fresh["answers"], fresh["confidence"])


def test_kinds_are_those_of_the_facts_that_are_left(tmp_path: Path, reader: Reader) -> None:
    knowledge, cache = Knowledge(tmp_path), KeyCache()
    names = [triple(name, "age", age) for name, age in (("Ann", "young"), ("Bo", "old"))]
    knowledge.write([*names, triple("Ann", "likes", "Tea")])
    assert Kind.NUMBER not in cache.keys(knowledge.view(), reader).kinds
    knowledge.delete(names)
    knowledge.write([triple("Ann", "age", "=30"), triple("Bo", "age", "=70")])

    assert cache.keys(knowledge.view(), reader).kinds.count(Kind.NUMBER) == 1
