import pytest

from models.kinds import Kind, kind_of


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
        (["Spring 2016", "Autumn 2017"], Kind.DATE),
        (["Patient 1001", "Order 2001", "Junction 1200", "Marker 1001"], Kind.NAME),
    ],
)
def test_kinds_are_told_from_labels(labels: list[str], kind: Kind) -> None:
    assert kind_of(labels) is kind
