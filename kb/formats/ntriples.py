"""N-Triples line by line: a bad line is left out and the rest goes on."""

from collections.abc import Iterable, Iterator

from pyoxigraph import Quad, RdfFormat, parse

from kb.formats.batches import Found, ParseOptions, nothing_found
from kb.formats.labels import BadLabel
from kb.formats.lines import LineBlock, line_blocks
from kb.formats.rdf import Statements, syntax_reason


def parse_ntriples(chunks: Iterable[bytes], options: ParseOptions) -> Iterator[Found]:
    """Parses block by block, and a block with anything wrong in it again line by line.

    pyoxigraph goes on after an error by itself, but it swallows lines after an open quote and gives half-read ones.
    """
    statements = Statements(options)
    for block in line_blocks(chunks, options.max_line_bytes):
        whole = nothing_found()
        try:
            statements.read(_quads(block.content), whole)
        except (SyntaxError, BadLabel):
            _read_lines(statements, block)
            yield block.found
        else:
            whole.rejected.extend(block.found.rejected)
            yield whole


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
