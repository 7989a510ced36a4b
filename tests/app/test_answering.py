from collections.abc import Iterator
from pathlib import Path

import pyoxigraph
import pytest
from sqlalchemy import create_engine

from app.answering import AnsweringLimits, Question, QuestionAnswerer
from app.exports import written
from app.sparql import QueryWriter
from kb import database
from kb.consistency import Views
from kb.context import ContextEncoder
from kb.encoding import StaticEncoder
from kb.errors import EntitiesUnknown
from kb.inline import inline_view
from kb.store import Kb, TripleStore
from kb.triples import Term, Triple
from models.reader import Reader

FACTS = """
Nosferatu|directed by|F. W. Murnau
Nosferatu|starred actors|Max Schreck
Nosferatu|starred actors|Greta Schröder
Nosferatu|release year|1922
Faust|directed by|F. W. Murnau
Faust|starred actors|Emil Jannings
Faust|release year|1926
Sunrise|directed by|F. W. Murnau
Sunrise|starred actors|Janet Gaynor
The Golem|directed by|Paul Wegener
The Golem|starred actors|Greta Schröder
The Golem|release year|1920
F. W. Murnau|place of birth|Bielefeld
Bielefeld|country|Germany
Germany|continent|Europe
Nosferatu|genre|horror
Faust|genre|drama
Sunrise|genre|drama
"""
SHOP = """
Sol|category|lamp
Halo|category|lamp
Fika|category|chair
Sol|price|79 EUR
Halo|price|120 EUR
Fika|price|89 EUR
Sol|maker|Nordlys
Halo|maker|Berg
Fika|maker|Nordlys
Nordlys|country|Norway
Berg|country|Sweden
"""
SWIMMERS = """
Maya Petrie|club|Bondi Rays
Kylie Ward|club|Bondi Rays
Jack Oduya|club|Amstel Sharks
Maya Petrie|stroke|butterfly
Kylie Ward|stroke|freestyle
Jack Oduya|stroke|butterfly
Bondi Rays|home pool|Icebergs Lido
Amstel Sharks|home pool|Sloterhal
Icebergs Lido|town|Sydney
Sloterhal|town|Amsterdam
Icebergs Lido|capacity|900
Sloterhal|capacity|1200
Sydney|country|Australia
Amsterdam|country|Netherlands
"""
ROOMS = """
Long Gallery|is on the|first floor
Print Room|is on the|ground floor
Treasury|is on the|basement
Long Gallery|is open on Mondays|yes
Print Room|is open on Mondays|no
Treasury|is open on Mondays|yes
Long Gallery|is looked after by|Ann Pell
Print Room|is looked after by|Bo Crake
Treasury|is looked after by|Bo Crake
Ann Pell|smokes|no
Bo Crake|smokes|no
Ann Pell|veggie|yes
Bo Crake|veggie|no
Oat Flour|qty|3 kg
Rye Flour|qty|2 kg
Oat Flour|kept in|tall cupboard
Rye Flour|kept in|cellar
"""
FARMS = """
Great Hele|acreage|312 acres
Little Hele|acreage|96 acres
Yarner|acreage|180 acres
Netherclose|acreage|40 acres
Great Hele|neighbouring farm|Little Hele
Little Hele|neighbouring farm|Great Hele
Yarner|neighbouring farm|Netherclose
Netherclose|neighbouring farm|Yarner
Great Hele|owner|Ann Pell
Yarner|owner|Bo Crake
Little Hele|owner|Bo Crake
"""
FAMILY = """
Harold|father|Edwin
Harold|mother|Clara
Dorothy|father|Edwin
Dorothy|mother|Clara
Kenneth|father|Edwin
Kenneth|mother|Winifred
Edwin|father|Amos
Edwin|mother|Flora
Isobel|father|Amos
Isobel|mother|Flora
Joyce|father|Ernest
Joyce|mother|Isobel
Edwin|married|Clara
Ernest|married|Isobel
Harold|sex|M
Dorothy|sex|F
Kenneth|sex|M
Edwin|sex|M
Clara|sex|F
Isobel|sex|F
Amos|sex|M
Flora|sex|F
Joyce|sex|F
Ernest|sex|M
Winifred|sex|F
Harold|was born in|Marlbridge
Edwin|was born in|Penrudd
Isobel|was born in|Penrudd
Joyce|was born in|Lowcaster
"""
KEYS = {
    *("question", "kind", "answers", "answer_count", "confidence", "abstained", "reason", "linked_entities", "hops"),
    *("sparql", "kb", "kb_revision", "model", "timings_ms"),
}


def triples_of(facts: str) -> list[Triple]:
    rows = [line.split("|") for line in facts.strip().splitlines()]
    return [Triple(Term(subject), Term(relation), Term(value)) for subject, relation, value in rows]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[QuestionAnswerer, Kb]]:
    data: Path = tmp_path_factory.mktemp("answering")
    engine = database.create_engine(f"sqlite:///{data / 'hopfact.sqlite'}")
    database.migrate(engine)
    with database.writing(engine) as connection:
        store = TripleStore(connection)
        kb = store.create_kb("films")
        store.write(kb.id, triples_of(FACTS))
    encoder = StaticEncoder()
    views = Views(engine, data, encoder)
    reader = Reader.load(encoder=ContextEncoder(encoder))
    yield QuestionAnswerer(views, reader, encoder, QueryWriter(engine), AnsweringLimits()), kb
    engine.dispose()


def ask(films: tuple[QuestionAnswerer, Kb], text: str, *entities: str, limit: int = 1_000) -> dict[str, object]:
    answerer, kb = films
    return answerer.ask(kb, [Question(text, entities, limit=limit)])[0]


def labels(reply: dict[str, object]) -> list[str]:
    answers = reply["answers"]
    assert isinstance(answers, list)
    return [answer["label"] for answer in answers]


def test_one_hop_is_answered_with_the_fact_that_proves_it(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "Who directed Nosferatu?")
    assert labels(reply) == ["F. W. Murnau"]
    answers = reply["answers"]
    assert isinstance(answers, list)
    fact = answers[0]["evidence"][0]
    assert (fact["subject"], fact["relation"], fact["object"]) == ("Nosferatu", "directed by", "F. W. Murnau")
    assert fact["hop"] == 1


def test_two_hops_are_proved_by_a_chain_that_hangs_together(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "which other films did the director of Faust direct?")
    assert set(labels(reply)) == {"Nosferatu", "Sunrise"}
    answers = reply["answers"]
    assert isinstance(answers, list)
    for answer in answers:
        first, last = answer["evidence"]
        assert (first["hop"], last["hop"]) == (1, 2)
        assert {first["subject"], first["object"]} == {"Faust", "F. W. Murnau"}
        assert {last["subject"], last["object"]} == {"F. W. Murnau", answer["label"]}


def test_two_conditions_over_relations_known_by_heart_are_both_met(films: tuple[QuestionAnswerer, Kb]) -> None:
    assert labels(ask(films, "films starring Greta Schröder directed by F. W. Murnau")) == ["Nosferatu"]


def test_the_envelope_has_all_its_keys_answered_or_not(films: tuple[QuestionAnswerer, Kb]) -> None:
    assert set(ask(films, "Who directed Nosferatu?")) == KEYS
    refused = ask(films, "?!")
    assert set(refused) == KEYS
    assert refused["abstained"] is True
    assert refused["reason"] == "no_entity_linked"
    assert refused["answers"] == []


def test_a_question_about_nothing_known_is_refused(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "What is the melting point of tungsten?")
    assert reply["abstained"] is True
    assert reply["sparql"] is None


def test_a_fact_that_others_alike_have_is_told_to_be_missing(films: tuple[QuestionAnswerer, Kb]) -> None:
    assert labels(ask(films, "When was Faust released?")) == ["1926"]
    reply = ask(films, "When was Sunrise released?")
    assert (reply["answers"], reply["reason"]) == ([], "no_fact_found")


def test_a_topic_given_by_name_is_taken_and_an_unknown_one_refused(films: tuple[QuestionAnswerer, Kb]) -> None:
    assert labels(ask(films, "Who directed it?", "Nosferatu")) == ["F. W. Murnau"]
    with pytest.raises(EntitiesUnknown, match="Metropolis"):
        ask(films, "Who directed Metropolis?", "Metropolis")


def test_answers_are_cut_at_the_limit_and_counted_whole(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "which films did F. W. Murnau direct?", limit=2)
    assert len(labels(reply)) == 2
    assert reply["answer_count"] == 3


def test_how_many_is_answered_by_a_number_with_all_its_facts(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "How many films did F. W. Murnau direct?")
    assert reply["kind"] == "count"
    assert labels(reply) == ["3"]
    answers = reply["answers"]
    assert isinstance(answers, list)
    assert len(answers[0]["evidence"]) == 3


def test_what_was_not_seen_whole_is_neither_counted_nor_compared(films: tuple[QuestionAnswerer, Kb]) -> None:
    answerer, kb = films
    few = QuestionAnswerer(
        answerer._views, answerer._reader, answerer._encoder, answerer._queries, AnsweringLimits(fact_budget=2)
    )
    reply = few.ask(kb, [Question("How many films did F. W. Murnau direct?")])[0]
    assert (reply["answers"], reply["abstained"], reply["reason"]) == ([], True, "too_many_facts")
    assert few.ask(kb, [Question("which films did F. W. Murnau direct?")])[0]["reason"] is None


def test_what_was_deleted_makes_nothing_look_whole(films: tuple[QuestionAnswerer, Kb]) -> None:
    answerer, _ = films
    few = QuestionAnswerer(
        answerer._views, answerer._reader, answerer._encoder, answerer._queries, AnsweringLimits(fact_budget=8)
    )
    born = [Triple(Term(f"Person {number}"), Term("born in"), Term("Atlantia")) for number in range(20)]
    with database.writing(answerer._views._engine) as connection:
        kb = TripleStore(connection).create_kb("births")
        TripleStore(connection).write(kb.id, born)
    few.ask(kb, [Question("How many people were born in Atlantia?")])
    with database.writing(answerer._views._engine) as connection:
        TripleStore(connection).delete_triples(kb.id, born[:6])

    reply = few.ask(kb, [Question("How many people were born in Atlantia?")])[0]
    assert (reply["answers"], reply["reason"]) == ([], "too_many_facts")


def evidence(reply: dict[str, object]) -> list[tuple[str, str, str]]:
    answers = reply["answers"]
    assert isinstance(answers, list)
    return [(fact["subject"], fact["relation"], fact["object"]) for answer in answers for fact in answer["evidence"]]


def test_a_condition_is_met_and_proved(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "Which films by F. W. Murnau were released after 1923?")
    assert labels(reply) == ["Faust"]
    assert set(evidence(reply)) == {("Faust", "directed by", "F. W. Murnau"), ("Faust", "release year", "1926")}
    reply = ask(films, "Which films by F. W. Murnau were released in 1922?")
    assert labels(reply) == ["Nosferatu"]


def test_a_superlative_keeps_the_extreme(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "What is the oldest film by F. W. Murnau?")
    assert labels(reply) == ["Nosferatu"]
    assert ("Nosferatu", "release year", "1922") in evidence(reply)


@pytest.mark.parametrize(
    ("question", "answer", "fact"),
    [
        ("Was Faust directed by F. W. Murnau?", "yes", ("Faust", "directed by", "F. W. Murnau")),
        ("Was The Golem directed by F. W. Murnau?", "no", ("The Golem", "directed by", "Paul Wegener")),
        ("Was Nosferatu released before 1925?", "yes", ("Nosferatu", "release year", "1922")),
        ("Was Faust released before 1925?", "no", ("Faust", "release year", "1926")),
    ],
)
def test_yes_and_no_are_proved_by_what_is_so(
    films: tuple[QuestionAnswerer, Kb], question: str, answer: str, fact: tuple[str, str, str]
) -> None:
    reply = ask(films, question)
    assert (reply["kind"], labels(reply)) == ("boolean", [answer])
    assert fact in evidence(reply)
    assert str(reply["sparql"]).startswith("ASK")
    answerer, kb = films
    far = [Question("Was F. W. Murnau born in Europe?", max_hops=hops) for hops in (1, 2)]
    assert [labels(reply) == ["yes"] for reply in answerer.ask(kb, far)] == [False, True]


def test_who_is_born_in_a_town_is_born_in_its_country(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "Was F. W. Murnau born in Germany?")
    assert labels(reply) == ["yes"]
    answers = reply["answers"]
    assert isinstance(answers, list)
    assert [(fact["relation"], fact["object"]) for fact in answers[0]["evidence"]] == [
        ("place of birth", "Bielefeld"),
        ("country", "Germany"),
    ]
    assert str(reply["sparql"]).startswith("ASK")


def test_whether_is_not_known_where_nothing_is_said(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "Was Sunrise released before 1925?")
    assert reply["abstained"] is True
    assert reply["answers"] == []


def test_an_answer_that_is_a_number_is_a_value(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "When was The Golem released?")
    assert (reply["kind"], labels(reply)) == ("value", ["1920"])


def test_a_topic_deleted_while_the_question_is_read_is_named_by_its_label(
    films: tuple[QuestionAnswerer, Kb], monkeypatch: pytest.MonkeyPatch
) -> None:
    answerer, kb = films
    kept = answerer.ask(kb, [Question("Who directed The Golem?")])[0]
    for look_up in ("entity_term", "relation_term"):
        monkeypatch.setattr(f"app.sparql.{look_up}", lambda *ids: None)
    monkeypatch.setattr(answerer, "_queries", QueryWriter(create_engine("sqlite://")))
    reply = answerer.ask(kb, [Question("Who directed The Golem?")])[0]
    assert reply["sparql"] == kept["sparql"]


def test_a_step_that_goes_without_saying_is_taken(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "Which country was F. W. Murnau born in?")
    assert labels(reply) == ["Germany"]
    assert labels(ask(films, "Which town was F. W. Murnau born in?")) == ["Bielefeld"]


def test_what_the_answers_are_called_is_what_they_are(films: tuple[QuestionAnswerer, Kb]) -> None:
    reply = ask(films, "which dramas did F. W. Murnau direct?")
    assert set(labels(reply)) == {"Faust", "Sunrise"}
    answers = reply["answers"]
    assert isinstance(answers, list)
    for answer in answers:
        proof = [(fact["subject"], fact["relation"], fact["object"], fact["hop"]) for fact in answer["evidence"]]
        assert proof == [
            (answer["label"], "directed by", "F. W. Murnau", 1),
            (answer["label"], "genre", "drama", 2),
        ]
    assert "drama" in str(reply["sparql"])
    assert labels(ask(films, "how many dramas did F. W. Murnau direct?")) == ["2"]
    sure, unsure = (ask(films, f"which {what} has Max Schreck starred in?") for what in ("movies", "dramas"))
    assert float(str(unsure["confidence"])) < float(str(sure["confidence"])) - 0.1, "it is no drama"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("which lamps cost more than 80 EUR", "Halo"),
        ("lamps from Norway", "Sol"),
        ("what does the lamp made by Nordlys cost", "79 EUR"),
    ],
)
def test_what_is_called_a_lamp_is_one(films: tuple[QuestionAnswerer, Kb], text: str, answer: str) -> None:
    view = inline_view(triples_of(SHOP), StaticEncoder())
    assert labels(films[0].ask_view(view, Question(text))) == [answer]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("butterfly swimmers of the Bondi Rays", "Maya Petrie"),
        ("which towns do we have in Australia", "Sydney"),
    ],
)
def test_what_is_named_is_met_and_what_is_asked_for_not_left(
    films: tuple[QuestionAnswerer, Kb], text: str, answer: str
) -> None:
    view = inline_view(triples_of(SWIMMERS), StaticEncoder())
    assert labels(films[0].ask_view(view, Question(text))) == [answer]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Can visitors get into the Print Room on a Monday?", "no"),
        ("Can visitors get into the Treasury on a Monday?", "yes"),
        ("does Ann Pell smoke", "no"),
        ("Is Bo Crake a vegetarian?", "no"),
        ("Would you call Bo Crake a vegetarian?", "no"),
        ("who is vegetarian", "Ann Pell"),
        ("how much rye flour is left", "2 kg"),
        ("The Treasury is near, can visitors get into it on a Monday?", "yes"),
        ("Which of the rooms that Bo Crake looks after can visitors get into on a Monday?", "Treasury"),
        ("Which of the rooms that Bo Crake looks after are not open on Mondays?", "Print Room"),
    ],
)
def test_a_relation_that_says_yes_or_no_is_asked_as_people_do(
    films: tuple[QuestionAnswerer, Kb], text: str, answer: str
) -> None:
    view = inline_view(triples_of(ROOMS), StaticEncoder())
    reply = films[0].ask_view(view, Question(text))
    assert labels(reply) == [answer]
    said = {"yes": ("yes", "boolean"), "no": ("no", "boolean")}.get(answer)
    if said is not None:
        assert ([object_ for _, _, object_ in evidence(reply)], reply["kind"]) == ([said[0]], said[1])


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("Who are the parents of Harold?", {"Edwin", "Clara"}),
        ("Who is Harold's father?", {"Edwin"}),
        ("Who are Harold's grandparents?", {"Amos", "Flora"}),
        ("who are the grandchildren of Amos", {"Harold", "Dorothy", "Kenneth", "Joyce"}),
        ("siblings of Harold", {"Dorothy", "Kenneth"}),
        ("who are the brothers of Harold", {"Kenneth"}),
        ("which daughters did Amos have?", {"Isobel"}),
        ("how many sons did Edwin have", {"2"}),
        ("which women were born in Penrudd", {"Isobel"}),
        ("who is Harold's aunt?", {"Isobel"}),
        ("the nephews of Isobel", {"Harold", "Kenneth"}),
        ("Joyce's uncle", {"Edwin"}),
        ("who is the sister of Harold's father?", {"Isobel"}),
    ],
)
def test_kin_are_those_whom_the_facts_make_such(
    films: tuple[QuestionAnswerer, Kb], text: str, answers: set[str]
) -> None:
    view = inline_view(triples_of(FAMILY), StaticEncoder())
    assert set(labels(films[0].ask_view(view, Question(text)))) == answers


def test_what_is_there_already_is_not_looked_for_further(films: tuple[QuestionAnswerer, Kb]) -> None:
    view = inline_view(triples_of(FARMS), StaticEncoder())
    reply = films[0].ask_view(view, Question("Which farms are larger than 150 acres?"))
    assert set(labels(reply)) == {"Great Hele", "Yarner"}


@pytest.fixture
def family(films: tuple[QuestionAnswerer, Kb]) -> Iterator[tuple[Kb, pyoxigraph.Store]]:
    """The family as a KB, and as a graph made of its export."""
    engine = films[0]._views._engine
    with database.writing(engine) as connection:
        store = TripleStore(connection)
        kb = store.create_kb("family")
        store.write(kb.id, triples_of(FAMILY))
    graph = pyoxigraph.Store()
    with database.reading(engine) as connection:
        graph.load(b"".join(written(TripleStore(connection), kb.id, "nt")), pyoxigraph.RdfFormat.N_TRIPLES)
    yield kb, graph
    with database.writing(engine) as connection:
        TripleStore(connection).delete_kb(kb.id)


def test_a_hop_by_two_relations_tells_both(
    films: tuple[QuestionAnswerer, Kb], family: tuple[Kb, pyoxigraph.Store]
) -> None:
    reply = films[0].ask(family[0], [Question("Who are the parents of Harold?")])[0]
    used = [(one["relation"], one["manner"]) for one in reply["hops"][0]["relations"][:2]]
    assert sorted(used) == [("father", "read"), ("mother", "read")]


@pytest.mark.parametrize(
    "text",
    [
        "Who are the parents of Harold?",
        "siblings of Harold",
        "who are the siblings of Harold's father?",
        "who is Harold's aunt?",
        "the nephews of Isobel",
        "which daughters did Amos have?",
    ],
)
def test_kin_are_asked_for_in_sparql_alike(
    films: tuple[QuestionAnswerer, Kb], family: tuple[Kb, pyoxigraph.Store], text: str
) -> None:
    reply = films[0].ask(family[0], [Question(text)])[0]
    found = family[1].query(reply["sparql"])
    assert isinstance(found, pyoxigraph.QuerySolutions)
    assert labels(reply)
    assert {row["answer"].value.removeprefix("urn:hopfact:") for row in found} == set(labels(reply))
