import pyoxigraph

from app.sparql import chain_query
from kb.formats.writers import node, write_ntriples
from kb.triples import Term, Triple

BACH, SON, PUPIL, PLACE = (Term(label) for label in ("Bach", "Carl Philipp", 'Kirnberger "the pupil"', "Berlin"))
CHILD, TAUGHT, LIVED = (Term(label) for label in ("child", "taught", "lived in"))
FACTS = [
    Triple(BACH, CHILD, SON),
    Triple(BACH, TAUGHT, PUPIL),
    Triple(BACH, TAUGHT, SON),
    Triple(SON, LIVED, PLACE),
    Triple(PUPIL, LIVED, PLACE),
]


def answers_of(query: str) -> set[str]:
    store = pyoxigraph.Store()
    store.bulk_load(b"".join(write_ntriples(FACTS, [])), format=pyoxigraph.RdfFormat.N_TRIPLES)
    solutions = store.query(query)
    assert isinstance(solutions, pyoxigraph.QuerySolutions)
    return {str(solution["answer"]) for solution in solutions}


def test_a_chain_gives_the_same_answers_as_a_query() -> None:
    query = chain_query([node(BACH)], [(node(TAUGHT), 0), (node(LIVED), 0)], mask_topics=True)
    assert answers_of(query) == {node(PLACE)}


def test_an_inverse_step_is_followed_from_object_to_subject() -> None:
    query = chain_query([node(PLACE)], [(node(LIVED), 1)], mask_topics=True)
    assert answers_of(query) == {node(SON), node(PUPIL)}


def test_a_masked_topic_is_no_answer_after_the_first_hop() -> None:
    steps = [(node(TAUGHT), 1), (node(TAUGHT), 0)]
    assert answers_of(chain_query([node(SON)], steps, mask_topics=True)) == {node(PUPIL)}
    assert answers_of(chain_query([node(SON)], steps, mask_topics=False)) == {node(PUPIL), node(SON)}
