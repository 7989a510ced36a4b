import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.numbers import are_comparable, is_more, is_same, order, quantities_in, quantity


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("1999", 1999), ("-12 °C", -12), ("8,848 m", 8848), ("8 848 m", 8848), ("$1.5 million", 1.5e6), ("35%", 35),
        ("44 BC", -44), ("1:45", 105), ("twenty", 20), ("3.2 GB", 3.2), ("~700", 700), ("9.8 m/s²", 9.8),
        ("half a million", 5e5), ("5kg", 5), ("16GB", 16), ("24 €", 24), ("£ 24", 24), ("CHF 120", 120), ("£24/kg", 24),
        ("24 EUR per kg", 24), ("24,50 €", 24.5), ("1.299,00 €", 1299), ("1.2M", 1.2e6), ("$2B", 2e9), ("4.5/5", 4.5),
        ("85 out of 100", 85), ("2nd", 2), ("30+", 30), ("about 30", 30), ("1.5e6", 1.5e6),
        ("5.97 \N{MULTIPLICATION SIGN} 10²⁴ kg", 5.97e24),
        ("3x10^-2", 0.03), ("2 h 30 min", 2.5), ("2h30", 2.5), ("1h 30m", 1.5), ("6 ft 6 in", 6.5), ("5'6\"", 5.5),
        ("3:43.13", 223.13), ("8:30 pm", 1230), ("12 am", 0), ("c. 1850", 1850), ("1850?", 1850), ("the 1990s", 1990),
        ("12th century", 1150), ("1st century BC", -50), ("AD 79", 79), ("2019/20", 2019), ("Q3 2020", 2020.5),
        ("the 80s", 1980), ("'90s", 1990), ("noon", 720),
    ],
)  # fmt: skip
def test_a_label_that_is_a_number_has_a_quantity(label: str, value: float) -> None:
    found = quantity(label)
    assert found is not None
    assert found.value == pytest.approx(value)


@pytest.mark.parametrize(
    "label",
    [
        *("Fe", "B12", "1969-1972", "", "Apollo 11", "2001: A Space Odyssey", "1/2/3/4", "?", "5G", "12B", "3D", "12a"),
        *("4x4", "192.168.0.1", "1.2.3", "555-1234", "3-1", "10\N{EN DASH}12 kg"),
        *("14 High Street", "2 Canal Wharf", "2014 World Cup", "2016 Olympics"),
        *("5 ft 14 in", "9" * 400, "1e999", "31/31/2020", "3x10⁻⁻"),
    ],
)
def test_any_other_label_has_none(label: str) -> None:
    assert quantity(label) is None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2016-05-04",
            "4 May 2016",
            "May 4, 2016",
            "May 4th 2016",
            "04/05/2016",
            "4.5.2016",
            "4-5-2016",
            "2016/05/04",
        ),
        *("4th of May 2016", "Wednesday, 4 May 2016", "2016-05-04T10:30:00Z", "4 May 2016 10:30"),
    ],
)
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
        ("2016-05-04 12:00", "2016-05-04 10:00"), ("12 sq km", "1,100 hectares"), ("1 cubic metre", "999 litres"),
        ("7 feet", "6 ft 11 in"), ("80 km per hour", "22 m per second"), ("1 Gbps", "900 Mbit/s"), ("2 bar", "29 psi"),
        ("05/31/2020", "30/05/2020"),
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
        ("over 16GB, under 30 € or £ 20 a kilo", ["16GB", "30 €", "£ 20"]),
        ("before 8 pm or after 8:30pm", ["8 pm", "8:30pm"]),
        ("taller than 6 ft 2 in, longer than 2 hours 30 minutes", ["6 ft 2 in", "2 hours 30 minutes"]),
        ("built in the 1990s, before the 19th century, in 2019/20", ["the 1990s", "the 19th century", "2019/20"]),
        ("songs of the 80s or the 1920's, open after noon", ["the 80s", "the 1920's", "noon"]),
        ("people in their 80s at high noon", []),
        ("5G phones on the 2nd floor", []),
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
        ("£30", "24 EUR per kg", True),
        ("£30", "5 kg", False),
        ("12 kg", "12 kg per day", True),
        ("c. 1850", "3 m", False),
    ],
)
def test_metres_are_not_compared_with_kilograms(one: str, other: str, *, is_comparable: bool) -> None:
    first, second = quantity(one), quantity(other)
    assert first is not None
    assert second is not None
    assert are_comparable(first, second) is is_comparable


_PIECES = [
    *"0123456789.,'-+/:exMBhkms\"?^*· °%€$⁻⁰¹²³⁹",
    "10",
    "century",
    "bc",
    "ad",
    "c.",
    "th",
    "May",
    "Q",
    "per ",
    "ft",
    " and ",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=30).map("".join))
@example("1" * 24 + "e3")
@example("7x10⁻°")
def test_nothing_is_too_odd_to_be_read(text: str) -> None:
    found = [quantity(text), *(one for _, _, one in quantities_in(text))]
    assert all(one is None or math.isfinite(one.value) for one in found)


@pytest.mark.parametrize(
    ("one", "other", "is_equal"),
    [
        ("2024-05-20", "May 2024", True),
        ("2024-06-01", "May 2024", False),
        ("2024-05-31", "2024", True),
        ("2024-02-03", "2024 Q1", True),
        ("2024-05", "2024-05-01", True),
        ("1994-03-01", "the 1990s", True),
        ("2000", "the 1990s", False),
        ("1866", "the 1800s", True),
        ("1911", "the 1900s", False),
        ("1871-04-02", "the 19th century", True),
        ("1902", "the 19th century", False),
        ("49 BC", "1st century BC", True),
    ],
)
def test_dates_are_compared_as_exactly_as_the_less_exact_one(one: str, other: str, *, is_equal: bool) -> None:
    first, second = quantity(one), quantity(other)
    assert first is not None
    assert second is not None
    assert is_same(first, second) is is_equal
    assert is_more(first, second) is not is_equal
