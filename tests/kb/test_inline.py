import numpy as np

from kb.inline import inline_view
from kb.linking import link
from kb.triples import Term, Triple
from tests.kb.structures import WordEncoder

TRIPLES = [
    Triple(Term("Faust"), Term("directed by"), Term("F. W. Murnau")),
    Triple(Term("Nosferatu"), Term("directed by"), Term("F. W. Murnau")),
    Triple(Term("Faust"), Term("release year"), Term("1926", None, "http://www.w3.org/2001/XMLSchema#integer")),
]


def test_the_id_of_a_triple_is_its_place_from_one() -> None:
    view = inline_view(TRIPLES, WordEncoder())
    facts = [view.fact(place) for place in range(view.num_triples)]
    assert [fact.triple_id for fact in facts] == [1, 2, 3]
    assert [(view.label(fact.subject), view.label(fact.object)) for fact in facts] == [
        (triple.subject.label, triple.object.label) for triple in TRIPLES
    ]


def test_its_names_are_linked_and_its_facts_followed() -> None:
    view = inline_view(TRIPLES, WordEncoder())
    (mention,) = link(view, "who directed Nosferatu?")
    topic = np.array([mention.entities[0].position], np.int32)
    hop = view.follow(topic, np.ones(1, np.float32), 0, 10)
    assert [view.label(entity) for entity in hop.entities.tolist()] == ["F. W. Murnau"]
    assert view.follow(hop.entities, hop.weights, 1, 10).facts.tolist() == [0, 1]


def test_values_are_told_from_things() -> None:
    view = inline_view(TRIPLES, WordEncoder())
    literal = {view.label(entity): view.is_literal(entity) for entity in range(view.num_entities)}
    assert literal == {"Faust": False, "F. W. Murnau": False, "Nosferatu": False, "1926": True}


def test_nearest_facts_are_found_by_their_words() -> None:
    encoder = WordEncoder()
    view = inline_view(TRIPLES, encoder)
    ((fact, _),) = view.nearest(encoder.encode(["Faust release year 1926"])[0], 1)
    assert fact.triple_id == 3
