"""The IRIs that formats know by heart, and the identities that Hopfact mints for what has no IRI."""

from urllib.parse import quote, unquote

from kb.triples import BLANK_NODE, Term, normalise_label

XSD = "http://www.w3.org/2001/XMLSchema#"
XSD_STRING = XSD + "string"
RDF_LANG_STRING = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"
RDF_DIR_LANG_STRING = "http://www.w3.org/1999/02/22-rdf-syntax-ns#dirLangString"
RDFS_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
NAMING_PROPERTIES = frozenset(
    {
        RDFS_LABEL,
        "http://www.w3.org/2004/02/skos/core#prefLabel",
        "http://www.w3.org/2004/02/skos/core#altLabel",
        "http://schema.org/name",
        "https://schema.org/name",
    }
)
_MINTED_IRI = "urn:hopfact:"
_MINTED_BLANK = "hopfact"


def minted_iri(label: str) -> str:
    """The IRI under which a thing that has none is written in RDF."""
    return _MINTED_IRI + quote(label, safe="")


def minted_label(iri: str) -> str | None:
    """The label of which `minted_iri` made this IRI; None when it did not."""
    if not iri.startswith(_MINTED_IRI):
        return None
    try:
        label = unquote(iri.removeprefix(_MINTED_IRI), errors="strict")
    except UnicodeDecodeError:
        return None
    return label if label and label == normalise_label(label) and "\0" not in label else None


def blank_term(label: str, blank_prefix: str) -> Term:
    """A blank node of one body; one that Hopfact exported keeps the identity that it had."""
    parts = label.split("-", 2)
    if parts[0] == _MINTED_BLANK and len(parts) == 3:
        return Term(BLANK_NODE + parts[2], BLANK_NODE + label)
    return Term(BLANK_NODE + label, f"{BLANK_NODE}{_MINTED_BLANK}-{blank_prefix}-{label}")
