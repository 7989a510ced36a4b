"""What the benchmarks of answering ask about: MetaQA where the data is, else a generated KB."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks import synthetic
from benchmarks.questions import Asked, has_metaqa, metaqa_questions, synthetic_questions
from benchmarks.synthetic import KnowledgeBase, Shape
from models.movies import load_triples

SMALL = Shape(100_000, 30_000, 50)


@dataclass(frozen=True)
class Source:
    """A KB as tab-separated values, and questions over it."""

    name: str
    tsv: Path
    questions: tuple[Asked, ...]


def source_of(datasets: Path, folder: Path, count: int, seed: int) -> Source:
    """Questions of one to three hops alike; the KB is written into the folder."""
    tsv = folder / "kb.tsv"
    if not has_metaqa(datasets):
        return generated(SMALL, tsv, count, seed)
    with tsv.open("w", encoding="utf-8") as file:
        file.writelines("\t".join(row) + "\n" for row in load_triples(datasets))
    return Source("metaqa", tsv, tuple(metaqa_questions(datasets, count, seed)))


def generated(shape: Shape, tsv: Path, count: int, seed: int) -> Source:
    """A generated KB of some size, written to a file, and questions over it."""
    synthetic.write_tsv(tsv, shape, seed)
    questions = synthetic_questions(KnowledgeBase(shape, seed), count, seed)
    return Source(f"generated, {shape.num_triples:,} triples", tsv, tuple(questions))
