from models.episodes import KeyValue
from models.keyed_facts import KeyedFacts, Reach, cut_question, cut_words, sentences

FACTS = KeyedFacts.of(
    [
        ("Kismet", "directed by", "Dieterle"),
        ("Kismet", "starred", "Dietrich"),
        ("Kismet", "starred", "Colman"),
        ("Morocco", "starred", "Dietrich"),
    ]
)


def test_a_triple_is_a_fact_in_both_directions() -> None:
    assert FACTS.around(["Kismet"], Reach()) == (
        KeyValue(("Kismet", "directed by"), "Dieterle"),
        KeyValue(("Kismet", "starred"), "Dietrich"),
        KeyValue(("Kismet", "starred"), "Colman"),
    )
    assert FACTS.around(["Dieterle"], Reach()) == (KeyValue(("Dieterle", "!directed by"), "Kismet"),)
    assert FACTS.relations == ["!directed by", "!starred", "directed by", "starred"]


def test_each_hop_adds_the_facts_of_the_entities_reached_nearest_first() -> None:
    found = FACTS.around(["Dieterle"], Reach(hops=3))
    assert [fact.key[0] for fact in found] == [
        "Dieterle",
        "Kismet",
        "Kismet",
        "Kismet",
        "Dietrich",
        "Dietrich",
        "Colman",
    ]
    assert FACTS.around(["Dieterle"], Reach(hops=3, slots=2)) == found[:2]


def test_hubs_are_not_followed_and_keys_give_their_first_facts() -> None:
    assert {fact.key[0] for fact in FACTS.around(["Kismet"], Reach(hops=2, hub=2))} == {"Kismet", "Dieterle", "Colman"}
    assert [fact.value for fact in FACTS.around(["Kismet"], Reach(per_key=1))] == ["Dieterle", "Dietrich"]


def test_strange_entities_have_no_facts() -> None:
    assert FACTS.around(["Casablanca"], Reach(hops=3)) == ()


def test_facts_become_sentences() -> None:
    assert sentences(FACTS.around(["Dieterle"], Reach())) == (("Dieterle", "!directed by", "Kismet"),)


def test_a_question_keeps_the_longest_names_it_holds() -> None:
    entities = {"The Man", "The Man, Again", "Who?", "film"}
    assert cut_question("Which film is The Man, Again?", entities) == ("which", "film", "is", "The Man, Again", "?")
    assert cut_question("in Who?, the man", entities) == ("in", "Who?", ",", "the", "man")
    assert cut_words("Which films, by") == ("which", "films", ",", "by")
