import pytest

from models.kinds import Kind, kind_of, kinds_of_keys


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([], Kind.UNKNOWN),
        (["1967", "2004"], Kind.DATE),
        (["1996-04-12", "1999-01"], Kind.DATE),
        (["12 March 1998"], Kind.DATE),
        (["26", "1.008", "-179 C", "64,990,511", "18.50", "$30", "45%"], Kind.NUMBER),
        (["Paris", "Lyon"], Kind.NAME),
        (["Paris", "1999", "Lyon"], Kind.NAME),
        (["JP", "Fe"], Kind.NAME),
    ],
)
def test_kinds_are_told_from_labels(labels: list[str], kind: Kind) -> None:
    assert kind_of(labels) is kind


def test_every_key_gets_the_kind_of_what_it_leads_to() -> None:
    facts = [("Iron", 0, "26"), ("Gold", 0, "79"), ("Iron", 1, "-1200"), ("1898", 3, "Radium")]
    kinds = kinds_of_keys(facts, 4)
    assert kinds[:4] == [Kind.NUMBER, Kind.NAME, Kind.NUMBER, Kind.NAME]
    assert kinds[4:] == [Kind.UNKNOWN, Kind.UNKNOWN, Kind.NAME, Kind.DATE]
