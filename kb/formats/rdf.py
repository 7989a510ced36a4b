"""RDF statements, as pyoxigraph reads them, to triples and names; what N-Triples and Turtle share."""

import re
from collections.abc import Callable, Iterable

from pyoxigraph import BlankNode, Literal, NamedNode, Quad

from kb.formats.batches import Found, ParseOptions, shown
from kb.formats.labels import BadLabel, RememberedTerms, check_length, checked_label
from kb.formats.vocabulary import (
    NAMING_PROPERTIES,
    RDF_DIR_LANG_STRING,
    RDF_LANG_STRING,
    XSD_STRING,
    blank_term,
    minted_label,
)
from kb.triples import Name, Term, Triple, local_name, readable_relation, relation_name

_NAMING_DATATYPES = (XSD_STRING, RDF_LANG_STRING, RDF_DIR_LANG_STRING)
_POSITION = re.compile(r"^Parser error (?:at|between) line \d+ (?:between )?columns? (\d+)(?:[^:]*): ")


class Resources(RememberedTerms):
    """IRIs of entities."""

    def make(self, text: str) -> Term:
        """The entity of this IRI; of one that stands for a thing without IRI, that thing."""
        label = minted_label(text)
        if label is None:
            check_length(text, self.max_label_bytes)
            return Term(self.label(local_name(text)), text)
        return Term(self.label(label))


class Properties(RememberedTerms):
    """IRIs of relations."""

    def make(self, text: str) -> Term:
        """The relation of this IRI; of one that stands for a relation without IRI, that relation."""
        label = minted_label(text)
        if label is None:
            check_length(text, self.max_label_bytes)
            return Term(self.label(relation_name(text)), text)
        return Term(self.label(readable_relation(label)))


class Statements:
    """Turns statements into triples and names; `blank_label` may rename blank nodes first."""

    def __init__(self, options: ParseOptions, blank_label: Callable[[str], str] = str) -> None:
        self._options = options
        self._blank_label = blank_label
        self._resources = Resources(options.max_label_bytes)
        self._properties = Properties(options.max_label_bytes)

    def read(self, quads: Iterable[Quad], found: Found) -> None:
        """Adds what statements say. Raises: BadLabel when a term cannot be kept; what came before stays in found."""
        resources, properties, source, triples = self._resources, self._properties, self._options.source, found.triples
        for quad in quads:
            subject, object_ = quad.subject, quad.object
            if type(subject) is NamedNode and type(object_) is NamedNode:
                terms = resources[subject.value], properties[quad.predicate.value], resources[object_.value], source
                triples.append(tuple.__new__(Triple, terms))  # half the time of Triple(...)
            else:
                self._read_other(quad, found)

    def term(self, node: object) -> Term:
        """The entity or literal that an object is; not remembered. Raises: BadLabel when it cannot be kept."""
        if isinstance(node, NamedNode):
            return self._resources.make(node.value)
        return self._literal(node) if isinstance(node, Literal) else self._node(node)

    def relation(self, iri: str) -> Term:
        """The relation of this IRI. Raises: BadLabel when it cannot be kept."""
        return self._properties[iri]

    def _read_other(self, quad: Quad, found: Found) -> None:
        subject, predicate, value = self._node(quad.subject), quad.predicate.value, quad.object
        object_ = self._literal(value) if isinstance(value, Literal) else self._node(value)
        if predicate in NAMING_PROPERTIES and object_.datatype in _NAMING_DATATYPES:
            found.names.append(Name(subject, object_.label, object_.language, predicate))
        else:
            found.triples.append(Triple(subject, self._properties[predicate], object_, self._options.source))

    def _node(self, node: object) -> Term:
        if isinstance(node, NamedNode):
            return self._resources[node.value]
        if isinstance(node, BlankNode):
            term = blank_term(self._blank_label(node.value), self._options.blank_prefix)
            check_length(term.label, self._options.max_label_bytes)
            return term
        raise BadLabel("a statement about a statement (RDF-star) cannot be kept: send plain triples")

    def _literal(self, literal: Literal) -> Term:
        try:
            label = checked_label(literal.value, self._options.max_label_bytes)
        except BadLabel as error:
            raise BadLabel(f"the literal {error}") from error
        language = literal.language
        if language is not None and literal.direction is not None:
            language = f"{language}--{literal.direction}"
        return Term(label, None, literal.datatype.value, language)


def syntax_reason(error: SyntaxError) -> str:
    """What pyoxigraph says is wrong, without the line, which callers know better."""
    reason = shown(_POSITION.sub(r"column \1: ", str(error.args[0])))
    if "No scheme found" in reason:
        reason += " (a relative IRI needs an @base line in Turtle, and has no place in N-Triples)"
    return reason
