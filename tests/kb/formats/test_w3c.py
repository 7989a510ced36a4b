"""The W3C suites of N-Triples and Turtle, each test through our parsers.

Tests give documents a base, which our parser takes from the document only, so an @base line is put before each Turtle
document. Labels are normalised and empty ones rejected by design; so is the expected graph before it is compared.
"""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Dataset, Literal, NamedNode, Quad, RdfFormat
from pyoxigraph import parse as parse_rdf

from kb.errors import EmptyInput, SyntaxErrorAt
from kb.triples import BLANK_NODE, Batch, Term, normalise_label
