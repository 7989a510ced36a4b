"""N-Triples line by line: a bad line is left out and the rest goes on."""

from collections.abc import Iterable, Iterator

import numpy as np
from pyoxigraph import Quad, RdfFormat, parse

from kb.formats.batches import Found, NumberedTriples, ParseOptions, TermNumbers, nothing_found
from kb.formats.labels import BadLabel, NumberedTexts
from kb.formats.lines import LineBlock, line_blocks
from kb.formats.rdf import Statements, syntax_reason
from kb.formats.vocabulary import NAMING_PROPERTIES
from kb.triples import Term


def parse_ntriples(chunks: Iterable[bytes], options: ParseOptions) -> Iterator[Found]:
    """Parses block by block, and a block with anything wrong in it again line by line.

    pyoxigraph goes on after an error by itself, but it swallows lines after an open quote and gives half-read ones.
    """
    statements = Statements(options)
    tokens = None if options.numbers is None else _Tokens(options.numbers, statements)
    for block in line_blocks(chunks, options.max_line_bytes):
        try:
            whole = tokens.read(block.content) if tokens else None
            if whole is None:
                whole = nothing_found()
                statements.read(_quads(block.content), whole)
        except (SyntaxError, BadLabel):
            _read_lines(statements, block)
            yield block.found
        else:
            whole.rejected.extend(block.found.rejected)
            yield whole


class _Tokens:
    """Numbers terms by how they are written, so that pyoxigraph reads each of them once, not each statement.

    Only where every line is three tokens with one blank between and " ." behind, as programs write them. What a new
    token means is asked of pyoxigraph in a statement made for it.
    """

    def __init__(self, numbers: TermNumbers, statements: Statements) -> None:
        self._statements = statements
        self._entities = NumberedTexts(numbers.entity)
        self._relations = NumberedTexts(numbers.relation)
        self._naming: set[str] = set()

    def read(self, content: bytes) -> Found | None:
        """What the lines say; None when they are not written so.

        Raises: SyntaxError, BadLabel; nothing was numbered then.
        """
        lines = _three_tokens(content)
        if lines is None:
            return None
        found = nothing_found()
        properties = self._new_properties([line[1] for line in lines])
        if self._naming:
            naming = [" ".join(line) for line in lines if line[1] in self._naming]
            lines = [line for line in lines if line[1] not in self._naming]
            self._statements.read(_quads("".join(f"{line} .\n" for line in naming).encode()), found)
        if not lines:
            return found
        subjects, predicates, objects = zip(*lines, strict=True)
        new = self._entities.unknown(subjects + objects)
        terms = [self._statements.term(quad.object) for quad in _one_each(f"<x:x> <x:x> {token} .\n" for token in new)]
        self._entities.learn(new, terms)
        self._relations.learn(*properties)
        columns = ((self._entities, subjects), (self._relations, predicates), (self._entities, objects))
        numbers = (np.fromiter(map(known.__getitem__, texts), np.int32, len(lines)) for known, texts in columns)
        return found._replace(numbered=NumberedTriples(*numbers))

    def _new_properties(self, predicates: list[str]) -> tuple[list[str], list[Term]]:
        """Properties without a number and their relations; those that name are noted."""
        new = [token for token in self._relations.unknown(predicates) if token not in self._naming]
        quads = _one_each(f"<x:x> {token} <x:x> .\n" for token in new)
        read = [(token, quad.predicate.value) for token, quad in zip(new, quads, strict=True)]
        self._naming.update(token for token, iri in read if iri in NAMING_PROPERTIES)
        others = [(token, iri) for token, iri in read if iri not in NAMING_PROPERTIES]
        return [token for token, _ in others], [self._statements.relation(iri) for _, iri in others]


def _three_tokens(content: bytes) -> list[list[str]] | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    lines = text.split(" .\n")
    if lines.pop() or text.count("\n") != len(lines) or text.startswith('"') or '\n"' in text:
        return None  # a literal is no subject, but may be known as an object
    tokens = [line.split(" ", 2) for line in lines]
    return None if any(len(line) != 3 for line in tokens) else tokens


def _one_each(lines: Iterable[str]) -> list[Quad]:
    """One statement of each line. Raises: SyntaxError, also when a line holds more."""
    written = list(lines)
    quads = list(_quads("".join(written).encode()))
    if len(quads) != len(written):
        raise SyntaxError("a line holds more than one statement")
    return quads


def _quads(content: bytes) -> Iterable[Quad]:
    return parse(input=content, format=RdfFormat.N_TRIPLES)


def _read_lines(statements: Statements, block: LineBlock) -> None:
    found = block.found
    for number, line in enumerate(block.content.split(b"\n"), block.first):
        if not line:
            continue
        try:
            statements.read(list(_quads(line)), found)
        except SyntaxError as error:
            found.reject(number, syntax_reason(error), line)
        except BadLabel as error:
            found.reject(number, str(error), line)
