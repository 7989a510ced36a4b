import pytest

from models.numbers import are_comparable, is_more, is_same, order, quantities_in, quantity


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("1999", 1999), ("-12 °C", -12), ("8,848 m", 8848), ("8 848 m", 8848), ("$1.5 million", 1.5e6), ("35%", 35),
        ("44 BC", -44), ("1:45", 105), ("twenty", 20), ("3.2 GB", 3.2), ("~700", 700), ("9.8 m/s²", 9.8),
        ("half a million", 5e5),
    ],
)  # fmt: skip
def test_a_label_that_is_a_number_has_a_quantity(label: str, value: float) -> None:
    found = quantity(label)
    assert found is not None
    assert found.value == pytest.approx(value)


@pytest.mark.parametrize("label", ["Fe", "B12", "1969-1972", "", "Apollo 11", "2001: A Space Odyssey", "1/2/3/4", "?"])
def test_any_other_label_has_none(label: str) -> None:
    assert quantity(label) is None


@pytest.mark.parametrize("text", ["2016-05-04", "4 May 2016", "May 4, 2016", "May 4th 2016", "04/05/2016", "4.5.2016"])
def test_dates_are_equal_however_they_are_written(text: str) -> None:
    found, other = quantity(text), quantity("2016-05-04")
    assert found is not None
    assert other is not None
    assert is_same(found, other)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("2 km", "1,999 m"), ("1 t", "999 kg"), ("2016-05-04", "2016-05-03"), ("2017", "2016-12-31"), ("5 AD", "44 BC"),
        ("1 MiB", "1 MB"), ("2 hours", "1:59"), ("100 million", "99,999,999"), ("1 km²", "99 ha"), ("33 kn", "60 km/h"),
    ],
)  # fmt: skip
def test_quantities_have_an_order(more: str, less: str) -> None:
    first, second = quantity(more.removesuffix(" AD")), quantity(less)
    assert first is not None
    assert second is not None
    assert is_more(first, second)
    assert not is_more(second, first)


def test_a_year_is_no_later_than_a_day_in_it() -> None:
    year, day = quantity("2016"), quantity("2016-05-04")
    assert year is not None
    assert day is not None
    assert not is_more(day, year)
    assert is_same(day, year)


def test_order_counts_units_only_where_all_have_one() -> None:
    def ordered(*labels: str) -> list[str]:
        found = {label: quantity(label) for label in labels}
        values = order([one for one in found.values() if one is not None])
        return [label for _, label in sorted(zip(values, labels, strict=True))]

    assert ordered("3 km", "20 m", "1 mile") == ["20 m", "1 mile", "3 km"]
    assert ordered("3 km", "20", "1 mile") == ["1 mile", "3 km", "20"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("films released after 1999?", ["1999"]),
        ("in 1990 in Paris", ["1990"]),
        ("more than 100 million people", ["100 million"]),
        ("born before May 4, 2016?", ["May 4, 2016"]),
        ("longer than 2,000 km and over 5 t", ["2,000 km", "5"]),
        ("more than three of the two", ["three"]),
        (
            "more than a million, under half a billion, over five hundred",
            ["a million", "half a billion", "five hundred"],
        ),
        ("the Hundred Years War is one thing", []),
        ("B12, 3D and a Boeing 747-400", []),
        ("between 5 kg and $20.", ["5 kg", "$20"]),
        ("over 80 m2, faster than 120 km/h, under 20 ha", ["80 m2", "120 km/h", "20 ha"]),
        ("under 50 euros, 9 pounds or 3 percent", ["50", "9", "3"]),
    ],
)
def test_numbers_in_a_text_are_found_where_they_stand(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end, _ in quantities_in(text)] == found


@pytest.mark.parametrize(
    ("one", "other", "is_comparable"),
    [
        ("5 kg", "3 m", False),
        ("5 kg", "3 t", True),
        ("5", "3 m", True),
        ("2016-05-04", "3 m", False),
        ("1:30", "40 min", True),
        ("14 km2", "20 m", False),
        ("14 km2", "3 ha", True),
        ("9.50 EUR", "100 minutes", False),
        ("9.50 EUR", "12 USD", True),
        ("33 knots", "60 km/h", True),
        ("4 %", "25 g", False),
    ],
)
def test_metres_are_not_compared_with_kilograms(one: str, other: str, *, is_comparable: bool) -> None:
    first, second = quantity(one), quantity(other)
    assert first is not None
    assert second is not None
    assert are_comparable(first, second) is is_comparable
