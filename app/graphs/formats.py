"""Media types of RDF and of results, and which of them an Accept header takes."""

from collections.abc import Iterable, Sequence

from pyoxigraph import QueryResultsFormat, RdfFormat

RESULTS = {
    "application/sparql-results+json": QueryResultsFormat.JSON,
    "application/json": QueryResultsFormat.JSON,
    "application/sparql-results+xml": QueryResultsFormat.XML,
    "text/csv": QueryResultsFormat.CSV,
    "text/tab-separated-values": QueryResultsFormat.TSV,
}
"""Formats of what SELECT and ASK find, the default first."""
GRAPHS = {
    "text/turtle": RdfFormat.TURTLE,
    "application/n-triples": RdfFormat.N_TRIPLES,
    "application/ld+json": RdfFormat.JSON_LD,
}
"""Formats of triples, the default first."""


def accepted(header: str, offered: Iterable[str]) -> Sequence[str]:
    """Those of the offered media types that an Accept header takes, the best first (RFC 9110, 12.5.1)."""
    ranges = [_weighed(part) for part in header.split(",") if part.strip()] or [("*/*", 1.0)]
    weights = {offer: _weight(offer, ranges) for offer in offered}
    return sorted((offer for offer in weights if weights[offer] > 0), key=lambda offer: -weights[offer])


def _weighed(part: str) -> tuple[str, float]:
    media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_range, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return media_range, 0.0
    return media_range, 1.0


def _weight(offer: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The weight of the most exact range that holds the offer; 0 when none does."""
    kind = offer.partition("/")[0]
    for exact in (offer, f"{kind}/*", "*/*"):
        for media_range, weight in ranges:
            if media_range == exact:
                return weight
    return 0.0
