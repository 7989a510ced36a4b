import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.answer_cache import LARGEST, MOST_FACTS, AnswerCache
from app.answering import AnsweringLimits, Question, QuestionAnswerer
from app.sparql import QueryWriter
from kb import database
from kb.consistency import Views
from kb.context import ContextEncoder
from kb.encoding import StaticEncoder
from kb.store import Kb, TripleStore
from kb.triples import Term, Triple
from kb.view import KnowledgeView
from models.reader import Reader
from tests.kb.structures import Knowledge, triple

KEPT = {"link": 0.0, "read": 0.0, "prove": 0.0}


@pytest.fixture
def view(tmp_path: Path) -> KnowledgeView:
    knowledge = Knowledge(tmp_path)
    knowledge.write([triple("Heat", "directed by", "Michael Mann")])
    return knowledge.view()


def reply(label: str, answers: int = 1, facts: int = 1) -> dict[str, Any]:
    return {"answers": [{"label": label, "evidence": [label] * facts}] * answers}


def test_what_was_asked_longest_ago_is_forgotten_first(view: KnowledgeView) -> None:
    cache = AnswerCache(2)
    for name in ("a", "b"):
        cache.keep(view, name, reply(name))
    assert cache.find(view, "a") == reply("a")
    cache.keep(view, "c", reply("c"))
    assert [cache.find(view, name) for name in ("a", "b", "c")] == [reply("a"), None, reply("c")]


def test_nothing_is_kept_where_no_room_is_given(view: KnowledgeView) -> None:
    cache = AnswerCache(0)
    cache.keep(view, "a", reply("a"))
    assert cache.find(view, "a") is None


def test_a_reply_with_very_many_answers_is_not_kept(view: KnowledgeView) -> None:
    cache = AnswerCache(2)
    cache.keep(view, "a", reply("a", LARGEST + 1))
    assert cache.find(view, "a") is None


def test_a_count_of_very_many_facts_is_not_kept(view: KnowledgeView) -> None:
    cache = AnswerCache(2)
    for number in (MOST_FACTS, MOST_FACTS + 1):
        cache.keep(view, number, reply("a", facts=number))
    assert cache.find(view, MOST_FACTS) is not None
    assert cache.find(view, MOST_FACTS + 1) is None


def test_what_becomes_of_a_reply_does_not_change_the_one_kept(view: KnowledgeView) -> None:
    cache, given = AnswerCache(2), reply("a")
    cache.keep(view, "a", given)
    given["request_id"] = "1"
    found = cache.find(view, "a")
    assert found == reply("a")
    found["request_id"] = "2"
    assert cache.find(view, "a") == reply("a")


def test_replies_go_with_the_view_that_they_were_read_from(tmp_path: Path) -> None:
    knowledge, cache = Knowledge(tmp_path), AnswerCache(2)
    knowledge.write([triple("Heat", "directed by", "Michael Mann")])
    cache.keep(knowledge.view(), "a", reply("a"))
    knowledge.write([triple("Ali", "directed by", "Michael Mann")])
    assert cache.find(knowledge.view(), "a") is None
    gc.collect()
    assert len(cache._replies) == 0


@dataclass
class Films:
    """A small knowledge base, and who answers over it."""

    engine: Engine
    kb: Kb
    answerer: QuestionAnswerer

    def ask(self, question: Question) -> dict[str, Any]:
        return self.answerer.ask(self.kb, [question])[0]


@pytest.fixture
def films(tmp_path: Path) -> Iterator[Films]:
    engine = database.create_engine(f"sqlite:///{tmp_path / 'hopfact.sqlite'}")
    database.migrate(engine)
    with database.writing(engine) as connection:
        kb = TripleStore(connection).create_kb("films")
        TripleStore(connection).write(kb.id, [fact("Heat", "directed by", "Michael Mann")])
    encoder = StaticEncoder()
    views, reader = Views(engine, tmp_path, encoder), Reader.load(encoder=ContextEncoder(encoder))
    limits = AnsweringLimits(remembered_answers=4)
    yield Films(engine, kb, QuestionAnswerer(views, reader, encoder, QueryWriter(engine), limits))
    engine.dispose()


def fact(subject: str, relation: str, value: str) -> Triple:
    return Triple(Term(subject), Term(relation), Term(value))


def labels(reply: dict[str, Any]) -> set[str]:
    return {answer["label"] for answer in reply["answers"]}


def test_the_same_question_gets_the_same_reply_and_is_not_read_again(films: Films) -> None:
    first, second = (films.ask(Question("Who directed Heat?")) for _ in range(2))
    timings = [reply.pop("timings_ms") for reply in (first, second)]
    assert first == second
    assert timings[0]["read"] > 0
    assert {**timings[1], **KEPT} == timings[1]


def test_a_question_asked_in_another_way_is_read_anew(films: Films) -> None:
    films.ask(Question("Who directed Heat?"))
    for other in (Question("Who directed Heat?", limit=1), Question("Who directed Heat?", abstain_below=1.0)):
        assert films.ask(other)["timings_ms"]["read"] > 0
    assert films.ask(Question("Who directed Heat?", abstain_below=1.0))["abstained"]


def test_known_and_new_questions_of_a_batch_keep_their_order(films: Films) -> None:
    films.ask(Question("Who directed Heat?"))
    asked = ["Who directed Ali?", "Who directed Heat?", "When was Heat directed?"]
    replies = films.answerer.ask(films.kb, [Question(text) for text in asked])
    assert [reply["question"] for reply in replies] == asked
    assert [reply["timings_ms"]["read"] == 0 for reply in replies] == [False, True, False]


def test_a_write_is_seen_by_the_next_question(films: Films) -> None:
    assert labels(films.ask(Question("Who directed Heat?"))) == {"Michael Mann"}
    with database.writing(films.engine) as connection:
        TripleStore(connection).write(films.kb.id, [fact("Heat", "directed by", "Ann Lee")])
    assert labels(films.ask(Question("Who directed Heat?"))) == {"Michael Mann", "Ann Lee"}


def test_what_was_deleted_is_in_no_answer(films: Films) -> None:
    films.ask(Question("Who directed Heat?"))
    with database.writing(films.engine) as connection:
        TripleStore(connection).write(films.kb.id, [fact("Ali", "directed by", "Ann Lee")])
        TripleStore(connection).delete_triples(films.kb.id, [fact("Heat", "directed by", "Michael Mann")])
    assert labels(films.ask(Question("Who directed Heat?"))) == set()
