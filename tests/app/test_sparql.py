"""Chains as queries: the same answers on an export of the KB, whatever the steps."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pyoxigraph
import pytest
from sqlalchemy import Engine

from app.sparql import Pattern, QueryWriter, chain_query
from kb import database
from kb.consistency import Views
from kb.encoding import StaticEncoder
from kb.formats.writers import node, write_ntriples
from kb.store import TripleStore
from kb.triples import Term, Triple
from kb.view import KnowledgeView
from models.chains import Chain, Reading, Step, Use, everything
from models.episodes import MENTION, OTHER, VALUE, Asked, Manner
from models.memory import IntArray
from models.numbers import quantity
from models.profiles import profiles_of
from models.steps import Argument, Start, Stepper, both_ways
from models.texts import Pieces

XSD = "http://www.w3.org/2001/XMLSchema#"
ROWS = """
Bach|child|Carl Philipp|Bach|child|Johann Christian|Bach|taught|Kirnberger "the pupil"|Bach|taught|Carl Philipp
Carl Philipp|lived in|Berlin|Kirnberger "the pupil"|lived in|Berlin|Johann Christian|lived in|London
Johann Christian|lived in|Milan|Bach|born|1685|Carl Philipp|born|1714|Johann Christian|born|1735
Kirnberger "the pupil"|born|1721|Berlin|size|891 km²|London|size|1,572 km²|Milan|size|182 km²
London|twinned with|Berlin|Milan|twinned with|London
"""
CELLS = [cell for line in ROWS.strip().splitlines() for cell in line.split("|")]
FACTS = [Triple(Term(CELLS[at]), Term(CELLS[at + 1]), Term(CELLS[at + 2])) for at in range(0, len(CELLS), 3)]
FACTS.append(Triple(Term("Berlin"), Term("people"), Term("3600000", datatype=f"{XSD}integer")))
BACH, SON, PUPIL, PLACE = (node(Term(label)) for label in ("Bach", "Carl Philipp", 'Kirnberger "the pupil"', "Berlin"))
TAUGHT, LIVED = (node(Term(label)) for label in ("taught", "lived in"))


@pytest.fixture(scope="module")
def export() -> pyoxigraph.Store:
    store = pyoxigraph.Store()
    store.bulk_load(b"".join(write_ntriples(FACTS, [])), format=pyoxigraph.RdfFormat.N_TRIPLES)
    return store


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = database.create_engine(f"sqlite:///{tmp_path_factory.mktemp('sparql') / 'hopfact.sqlite'}")
    database.migrate(engine)
    with database.writing(engine) as connection:
        store = TripleStore(connection)
        store.write(store.create_kb("music").id, FACTS)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def view(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeView:
    with database.reading(engine) as connection:
        kb = TripleStore(connection).kb("music")
    return Views(engine, tmp_path_factory.mktemp("derived"), StaticEncoder()).current(kb.id)


def answers_of(export: pyoxigraph.Store, query: str) -> set[str]:
    solutions = export.query(query)
    assert isinstance(solutions, pyoxigraph.QuerySolutions)
    return {str(solution["answer"]) for solution in solutions}


def test_a_chain_gives_the_same_answers_as_a_query(export: pyoxigraph.Store) -> None:
    query = chain_query([BACH], [Pattern(TAUGHT, 0), Pattern(LIVED, 0)], mask_topics=True)
    assert answers_of(export, query) == {PLACE}


def test_an_inverse_step_is_followed_from_object_to_subject(export: pyoxigraph.Store) -> None:
    assert answers_of(export, chain_query([PLACE], [Pattern(LIVED, 1)], mask_topics=True)) == {SON, PUPIL}


def test_a_masked_topic_is_no_answer_after_the_first_hop(export: pyoxigraph.Store) -> None:
    steps = [Pattern(TAUGHT, 1), Pattern(TAUGHT, 0)]
    assert answers_of(export, chain_query([SON], steps, mask_topics=True)) == {PUPIL}
    assert answers_of(export, chain_query([SON], steps, mask_topics=False)) == {PUPIL, SON}


def entities(view: KnowledgeView, *names: str) -> IntArray:
    return np.concatenate([view.entities_named(name) for name in names])


def arguments(view: KnowledgeView) -> list[Argument | None]:
    numbers = [Argument(text, everything(), quantity(text)) for text in ("1721", "2", "800 km²")]
    return [
        None,
        *numbers,
        Argument("Berlin", entities(view, "Berlin")),
        Argument("son", entities(view, "Carl Philipp")),
    ]


def chains(view: KnowledgeView, length: int) -> Iterator[tuple[Reading, Chain]]:
    """All chains of some steps, from some topics or from everything, with at most one argument."""
    kinds = [profile.kind for profile in profiles_of(view)]
    stepper = Stepper(view, kinds, 1_000, both_ways(view.relation_labels))
    topics = [everything(), entities(view, "Bach"), entities(view, "Berlin", "London"), entities(view, "1714")]
    for start, argument in product(topics, arguments(view)):
        text = f"{MENTION if len(start) else ''} {OTHER}{VALUE}"
        reading = Reading(text, start, 1.0, () if argument is None else (argument,))
        begin = Start(start, np.ones(len(start), np.float32), not len(start))
        paths: list[tuple[Start, tuple[Step, ...]]] = [(begin, ())]
        for _ in range(length):
            paths = [more for path in paths for more in longer(stepper, len(kinds), argument, *path)]
        for _, steps in paths:
            yield reading, Chain(0, steps, 1.0, 0.0)


def longer(
    stepper: Stepper, num_keys: int, argument: Argument | None, start: Start, steps: tuple[Step, ...]
) -> Iterator[tuple[Start, tuple[Step, ...]]]:
    for key, manner in product(range(num_keys), Manner):
        needs_argument = manner in (Manner.KEEP, Manner.ABOVE, Manner.BELOW)
        if (needs_argument and argument is None) or (manner is Manner.READ and start.is_everything):
            continue
        reached = stepper.take(start, key, manner, argument if needs_argument else None)
        if reached is None or not len(reached.entities):
            continue
        step = Step(
            use=Use(key, manner, 1.0),
            argument=0 if needs_argument else None,
            by_count=stepper.compares_counts(key, manner),
            alternatives=(),
            text=Pieces((), ()),
            token_attention=np.empty(0, np.float32),
            entities=reached.entities,
            weights=reached.weights,
            facts=reached.facts,
            facts_read=reached.facts_read,
        )
        yield Start(reached.entities, reached.weights), (*steps, step)


@pytest.mark.parametrize("length", [1, 2])
def test_every_chain_gives_the_same_answers_as_its_query(
    export: pyoxigraph.Store, engine: Engine, view: KnowledgeView, length: int
) -> None:
    writer = QueryWriter(engine)
    manners = set()
    for reading, chain in chains(view, length):
        query = writer.query(view, reading, chain, mask_topics=False)
        assert query is not None
        found = {str(answer) for answer in answers_of(export, query)}
        terms = {view.label(entity) for entity in chain.steps[-1].entities.tolist()}
        wanted = {node(Term(label)) for label in terms - {"3600000"}}
        if "3600000" in terms:
            wanted.add(f'"3600000"^^<{XSD}integer>')
        assert found == wanted, query
        count = export.query(writer.query(view, reading, replace(chain, asked=Asked.COUNT), mask_topics=False) or "")
        assert isinstance(count, pyoxigraph.QuerySolutions)
        assert [int(row["count"].value) for row in count] == [len(wanted)]
        says = export.query(writer.query(view, reading, replace(chain, asked=Asked.WHETHER), mask_topics=False) or "")
        assert bool(says) is True
        manners |= {step.use.manner for step in chain.steps}
    assert manners == set(Manner)


def test_a_chain_that_would_have_to_name_a_blank_node_has_no_query(engine: Engine, tmp_path: Path) -> None:
    node_of_ours = Term("_:b", "_:hopfact-x-b")
    with database.writing(engine) as connection:
        store = TripleStore(connection)
        kb = store.create_kb("blank")
        store.write(
            kb.id, [Triple(node_of_ours, Term("size"), Term("3")), Triple(Term("Bach"), Term("size"), Term("4"))]
        )
    view = Views(engine, tmp_path, StaticEncoder()).current(kb.id)
    topics = np.flatnonzero([view.label(entity) == "_:b" for entity in range(view.num_entities)]).astype(np.int32)
    assert len(topics) == 1
    size = view.relation_position("size")
    assert size is not None
    step = Stepper(view, [profile.kind for profile in profiles_of(view)], 1_000)
    start = Start(topics, np.ones(1, np.float32), False)
    ((reached, steps),) = [
        (reached, steps) for reached, steps in longer(step, 2, None, start, ()) if steps[0].use.manner is Manner.READ
    ]
    assert [view.label(entity) for entity in reached.entities.tolist()] == ["3"]
    writer = QueryWriter(engine)
    assert writer.query(view, Reading(MENTION, topics, 1.0), Chain(0, steps, 1.0, 0.0), mask_topics=False) is None


def test_a_denied_claim_is_asked_as_false(export: pyoxigraph.Store, engine: Engine, view: KnowledgeView) -> None:
    reading = Reading(f"was {MENTION} a pupil of {OTHER}", entities(view, "Berlin"), 1.0, (arguments(view)[-1],))  # type: ignore[arg-type]
    size = view.relation_position("size")
    assert size is not None
    nobody, nothing = np.empty(0, np.int32), np.empty(0, np.float32)
    step = Step(
        Use(2 * size, Manner.KEEP, 1.0), 0, False, (), Pieces((), ()), nothing, nobody, nothing, nobody, facts_read=1
    )
    query = QueryWriter(engine).query(view, reading, Chain(0, (step,), 1.0, 0.0, Asked.WHETHER), mask_topics=True)
    assert bool(export.query(query or "")) is False


def test_those_that_are_left_out_are_asked_for_by_variables_of_their_own() -> None:
    topic, value = "<http://a/?topic>", '"?hop1 \\" ?topic"'
    patterns = [
        Pattern("<f>", 0),
        Pattern("<g>", 0, values=(value,)),
        Pattern("<f>", 0),
        Pattern("<f>", 1, is_apart=True),
    ]
    query = chain_query([topic], patterns, mask_topics=True)
    assert (
        "FILTER NOT EXISTS { VALUES ?topic_ { <http://a/?topic> } ?topic_ <f> ?answer . ?answer <g> ?value2_ ." in query
    )
    assert f"VALUES ?value2_ {{ {value} }}" in query
