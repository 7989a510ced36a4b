from pathlib import Path

import pytest

from app.demonyms import demonyms_in
from kb.linking import link
from kb.view import KnowledgeView
from tests.kb.structures import Knowledge, triple

FACTS = [
    ("Ivo", "nationality", "Spain"), ("Jon", "nationality", "USA"), ("Ann", "nationality", "Poland"),
    ("Ann", "speaks", "English"), ("Bo", "nationality", "England"), ("Soup", "from", "New Zealand"),
]  # fmt: skip


def view(folder: Path) -> KnowledgeView:
    knowledge = Knowledge(folder)
    knowledge.write([triple(*fact) for fact in FACTS])
    return knowledge.view()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("which Spanish players score?", [("Spanish", "Spain")]),
        ("are there american or Polish ones", [("American", "USA"), ("Polish", "Poland")]),
        ("who are the Spaniards", [("Spaniard", "Spain")]),
        ("soups of New Zealanders", [("New Zealander", "New Zealand")]),
        ("which shop sells shoe polish", []),
        ("who speaks Spanish", []),
        ("which books are in spanish", []),
        ("is it a Spanish language school", []),
        ("English players", []),
        ("French players", []),
    ],
)
def test_words_for_those_from_a_country_mean_it(tmp_path: Path, text: str, found: list[tuple[str, str]]) -> None:
    kb = view(tmp_path)
    mentions = demonyms_in(text, kb, link(kb, text))
    assert [(one.text, kb.label(one.entities[0].position)) for one in mentions] == found
    assert all(text[one.start : one.end].title() == one.text for one in mentions)
