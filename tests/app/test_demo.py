"""The demo's facts: true, readable, and no two places made one."""

import io
from collections import defaultdict
from pathlib import Path

import pytest
from rich.console import Console

from app import demo
from app.demo_triples import demo_names, demo_triples
from app.settings import load_settings
from kb.triples import Term, Triple, normalise_label, readable_relation


@pytest.fixture(scope="module")
def triples() -> list[Triple]:
    return list(demo_triples())


def objects(triples: list[Triple], subject: str, relation: str) -> set[str]:
    return {
        triple.object.label
        for triple in triples
        if triple.subject.label == subject and triple.relation.label == relation
    }


def test_there_are_tens_of_thousands_of_facts_and_none_twice(triples: list[Triple]) -> None:
    assert 30_000 < len(triples) < 60_000
    assert len(set(triples)) == len(triples)


@pytest.mark.parametrize(
    ("subject", "relation", "expected"),
    [
        ("Switzerland", "capital", {"Bern"}),
        ("Switzerland", "currency", {"Swiss franc"}),
        ("Switzerland", "language", {"German", "French", "Italian", "Romansh"}),
        ("Switzerland", "neighbour", {"Germany", "Italy", "Liechtenstein", "France", "Austria"}),
        ("Switzerland", "continent", {"Europe"}),
        ("Switzerland", "internet domain", {".ch"}),
        ("Switzerland", "calling code", {"+41"}),
        ("Brazil", "capital", {"Brasília"}),
        ("Colombia", "capital", {"Bogotá"}),
        ("United States", "capital", {"Washington"}),
        ("Tokyo", "located in", {"Japan"}),
        ("Tokyo", "time zone", {"Asia/Tokyo"}),
        ("Chicago", "state", {"Illinois"}),
        ("Illinois", "located in", {"United States"}),
        ("Japanese yen", "currency code", {"JPY"}),
    ],
)
def test_well_known_facts_are_there(triples: list[Triple], subject: str, relation: str, expected: set[str]) -> None:
    assert objects(triples, subject, relation) == expected


def test_no_label_is_shared_by_two_things(triples: list[Triple]) -> None:
    by_label: dict[str, set[Term]] = defaultdict(set)
    for triple in triples:
        for term in (triple.subject, triple.object):
            if term.datatype is None:
                by_label[term.label.casefold()].add(term)
    assert [terms for terms in by_label.values() if len(terms) > 1] == []


def test_a_capital_named_like_its_country_is_another_thing(triples: list[Triple]) -> None:
    assert objects(triples, "Singapore", "capital") == {"Singapore (city)"}
    assert objects(triples, "Singapore (city)", "located in") == {"Singapore"}


def test_springfields_stay_apart_and_share_an_alias(triples: list[Triple]) -> None:
    assert objects(triples, "Springfield, Illinois", "state") == {"Illinois"}
    assert objects(triples, "Springfield, Missouri", "state") == {"Missouri"}
    bearers = {name.entity.label for name in demo_names() if name.text == "Springfield"}
    assert {"Springfield, Illinois", "Springfield, Missouri"} <= bearers


def test_a_far_larger_city_owns_its_plain_name(triples: list[Triple]) -> None:
    assert objects(triples, "Birmingham", "located in") == {"United Kingdom"}
    assert objects(triples, "Birmingham, Alabama", "state") == {"Alabama"}
    assert "Birmingham, Alabama" not in {name.entity.label for name in demo_names() if name.text == "Birmingham"}


def test_names_without_accents_are_aliases() -> None:
    assert "Reykjavík" in {name.entity.label for name in demo_names() if name.text == "Reykjavik"}


def test_every_named_place_has_a_fact(triples: list[Triple]) -> None:
    used = {term for triple in triples for term in (triple.subject, triple.object)}
    assert {name.entity for name in demo_names()} <= used


def test_labels_are_normalised_and_relations_readable(triples: list[Triple]) -> None:
    for triple in triples:
        assert normalise_label(triple.subject.label) == triple.subject.label
        assert normalise_label(triple.object.label) == triple.object.label
    assert all(readable_relation(label) == label for label in {triple.relation.label for triple in triples})


@pytest.mark.slow
def test_the_demo_answers_its_questions_with_their_evidence(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=200)
    demo.run(console, load_settings(data=tmp_path, port=0), once=True)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    rows = dict(zip(demo.QUESTIONS, [row for row in shown.split("\u251c") if "?" in row], strict=True))
    expected = {
        0: ("Bern", "Switzerland  capital  Bern"),
        1: ("German", "French", "Dutch", "Belgium  language  German"),
        2: ("Japanese yen", "Japan  currency  Japanese yen"),
        3: ("Spain", "Portugal  neighbour  Spain"),
        4: ("4397073", "Nairobi  population  4397073"),
        5: ("Icelandic króna", "Reykjavík  located in  Iceland", "Iceland  currency  Icelandic króna"),
        6: ("Bern", "Austria  neighbour  Switzerland", "Switzerland  capital  Bern", "and 3 more"),
        7: ("Germany", "Austria  neighbour  Germany", "Germany  population"),
        8: ("Lima", "Trujillo", "Lima  located in  Peru", "Lima  population"),
        9: ("36", "currency  euro", "and 32 more"),
        10: ("no", "Switzerland  capital  Bern"),
        11: ("I don't know",),
    }
    for number, texts in expected.items():
        row = rows[demo.QUESTIONS[number]]
        assert [text for text in texts if text not in row] == [], row
