"""The shipped weights still answer as they did: on knowledge bases of our own, and on a sample of MetaQA's dev set."""

import json
import lzma
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.answering import AnsweringLimits, Question, QuestionAnswerer
from app.sparql import QueryWriter
from kb.consistency import Views
from kb.context import ContextEncoder
from kb.database import create_engine, migrate, writing
from kb.encoding import StaticEncoder
from kb.formats import ParseOptions, parse
from kb.store import Kb, TripleStore
from models.reader import Reader
from models.threads import limit_threads

KBS = Path(__file__).parent / "kbs"
BLIND = Path(__file__).parent / "blind"
Answerer = tuple[QuestionAnswerer, Engine]
LEAST_RIGHT = {"boardgames": 22, "services": 20, "elements": 16}
LEAST_REFUSED = {"boardgames": 6, "services": 4, "elements": 2}
LEAST_OF_ALL = {
    **{"blind/dev/garden": 38, "blind/dev/hospital": 51, "blind/dev/software": 42},
    **{"blind/dev/archive": 53, "blind/dev/cheesecoop": 53, "blind/dev/chessleague": 55, "blind/dev/ferries": 55},
    **{"blind/dev/recipes": 56, "blind/dev/genealogy": 54, "blind/dev/museum": 52},
    **{"blind/dev/brigade": 52, "blind/dev/clan": 54, "blind/dev/school": 45},
    **{"everyday/bands": 34, "everyday/bar_menu": 35, "everyday/campus": 39, "everyday/club": 33},
    **{"everyday/conference": 36, "everyday/countries": 36, "everyday/exoplanets": 37, "everyday/family": 36},
    **{"everyday/flights": 32, "everyday/football_clubs": 36, "everyday/gods": 33, "everyday/hire_cars": 38},
    **{"everyday/homes_for_sale": 33, "everyday/it_tickets": 34, "everyday/kings": 34, "everyday/laureates": 36},
    **{"everyday/library": 37, "everyday/machines": 31, "everyday/medicines": 28, "everyday/music_festivals": 35},
    **{"everyday/operas": 32, "everyday/outdoor_shop": 42, "everyday/periodic_table": 38, "everyday/projects": 39},
    **{"everyday/rivers_and_countries": 41, "everyday/school_trips": 36, "everyday/screenings": 39},
    **{"everyday/shows": 38, "everyday/staff": 41, "everyday/startups": 37, "everyday/summits": 35},
    **{"everyday/trails": 34, "everyday/video_games": 38, "everyday/wards": 36, "everyday/warehouse": 34},
    **{"everyday/web_shop": 38},
}
"""Refusals included. The blind ones are of people who do not know us; rules were chosen by the everyday ones."""
LEAST_METAQA = {1: 0.95, 2: 0.99, 3: 0.99}
SAMPLE = 80


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answerer]:
    data = tmp_path_factory.mktemp("answers")
    engine = create_engine(f"sqlite:///{data / 'hopfact.sqlite'}")
    migrate(engine)
    limit_threads(1)
    encoder = StaticEncoder()
    reader = Reader.load(encoder=ContextEncoder(encoder))
    views = Views(engine, data, encoder)
    yield QuestionAnswerer(views, reader, encoder, QueryWriter(engine), AnsweringLimits()), engine
    engine.dispose()


def load(answerer: Answerer, name: str, chunks: Sequence[bytes]) -> Kb:
    with writing(answerer[1]) as connection:
        store = TripleStore(connection)
        kb = store.create_kb(name)
        for batch in parse(chunks, ParseOptions("text/tab-separated-values")):
            store.write(kb.id, batch.triples)
    return kb


def ask(answerer: Answerer, kb: Kb, questions: Sequence[str]) -> list[dict[str, Any]]:
    return answerer[0].ask(kb, [Question(question) for question in questions])


def found(reply: dict[str, Any]) -> set[str]:
    return {answer["label"].casefold() for answer in reply["answers"]}


@pytest.mark.parametrize("name", LEAST_RIGHT)
def test_a_kb_of_our_own_is_answered_with_evidence(answerer: Answerer, name: str) -> None:
    kb = load(answerer, name, [(KBS / f"{name}.tsv").read_bytes()])
    asked = [json.loads(line) for line in (KBS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    replies = ask(answerer, kb, [one["question"] for one in asked])
    pairs = [*zip(asked, replies, strict=True)]
    right = [reply for one, reply in pairs if one["answers"] and found(reply) == {a.casefold() for a in one["answers"]}]
    refused = [reply for one, reply in pairs if not one["answers"] and reply["abstained"]]
    assert len(right) >= LEAST_RIGHT[name], [one["question"] for one, reply in pairs if reply not in right]
    assert len(refused) >= LEAST_REFUSED[name]
    assert all(reply["reason"] for reply in refused)
    facts = {tuple(line.split("\t")) for line in (KBS / f"{name}.tsv").read_text(encoding="utf-8").splitlines()}
    spaced = {
        (subject, relation.replace("_", " ").replace("edIn", "ed in"), value) for subject, relation, value in facts
    }
    for reply in right:
        for answer in reply["answers"]:
            chain = [(fact["subject"], fact["relation"], fact["object"]) for fact in answer["evidence"]]
            assert set(chain) <= spaced
            assert reply["kind"] == "count" or answer["label"] in (chain[-1][0], chain[-1][2])


@pytest.mark.datasets
@pytest.mark.parametrize("hops", LEAST_METAQA)
def test_metaqa_is_answered_as_recorded(answerer: Answerer, films: Kb, datasets: Path, hops: int) -> None:
    with lzma.open(datasets / "metaqa" / f"{hops}-hop" / "qa_dev.txt.xz", "rt", encoding="utf-8") as lines:
        sample = random.Random(hops).sample([line.rstrip("\n").split("\t") for line in lines], SAMPLE)
    replies = ask(answerer, films, [re.sub(r"[\[\]]", "", question) for question, _ in sample])
    hits = [
        bool(reply["answers"]) and reply["answers"][0]["label"] in answers.split("|")
        for reply, (_, answers) in zip(replies, sample, strict=True)
    ]
    assert sum(hits) / SAMPLE >= LEAST_METAQA[hops]


@pytest.fixture(scope="module")
def films(answerer: Answerer, datasets: Path) -> Kb:
    with lzma.open(datasets / "metaqa" / "kb.txt.xz", "rb") as packed:
        return load(answerer, "films", [packed.read().replace(b"|", b"\t")])


@pytest.mark.parametrize("name", LEAST_OF_ALL)
def test_questions_are_answered_or_refused_as_recorded(answerer: Answerer, name: str) -> None:
    path = BLIND.parent / f"{name}.jsonl"
    kb = load(answerer, path.stem, [path.with_suffix(".tsv").read_bytes()])
    questions = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    replies = ask(answerer, kb, [one["question"] for one in questions])
    wrong = [
        one["question"]
        for one, reply in zip(questions, replies, strict=True)
        if found(reply) != {answer.casefold() for answer in one["answers"]}
    ]
    assert len(questions) - len(wrong) >= LEAST_OF_ALL[name], wrong


@pytest.mark.parametrize("path", sorted(BLIND.glob("*/*.jsonl")), ids=lambda path: path.stem)
def test_the_answers_to_their_questions_are_in_the_facts(path: Path) -> None:
    rows = [line.split("\t") for line in path.with_suffix(".tsv").read_text(encoding="utf-8").splitlines()]
    labels = {label for subject, _, value in rows for label in (subject, value)}
    questions = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len({one["question"] for one in questions}) == len(questions) == 60
    for one in questions:
        assert bool(one["answers"]) != (one["kind"] == "unknown"), one["question"]
        if one["kind"] not in ("count", "whether"):
            assert set(one["answers"]) <= labels, one["question"]
