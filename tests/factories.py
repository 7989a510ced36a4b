"""Makers of what tests need, with everything defaulted that a test does not care about."""

from kb.triples import Name, Term, Triple

LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
ALT_LABEL = "http://www.w3.org/2004/02/skos/core#altLabel"
LANG_STRING = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"
STRING = "http://www.w3.org/2001/XMLSchema#string"


def make_term(label: str = "Inception", iri: str | None = None, datatype: str | None = None) -> Term:
    """A thing, unless it gets a datatype."""
    return Term(label, iri, datatype)


def make_triple(
    subject: str | Term = "Inception",
    relation: str | Term = "directed by",
    object: str | Term = "Christopher Nolan",
    source: str | None = None,
) -> Triple:
    """A triple of things, by their labels or as terms."""
    return Triple(_term(subject), _term(relation), _term(object), source)


def make_name(
    entity: str | Term = "Inception",
    text: str = "Origin",
    language: str | None = "en",
    property: str = LABEL,
) -> Name:
    """A naming statement."""
    return Name(_term(entity), text, language, property)


def _term(value: str | Term) -> Term:
    return value if isinstance(value, Term) else Term(value)
