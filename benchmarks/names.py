"""How many questions are still answered when their names are written badly; prints JSON, writes it with --out.

    python -m benchmarks.names [--questions 1200] [--seed 1] [--out FILE]

MetaQA's dev questions of one to three hops alike, names linked by us, first answers: as they are; one random letter of
the topic's name left out, added, replaced or swapped; all in small letters; in capitals; without punctuation, hyphens
as blanks.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from app.answering import AnsweringLimits, Question, QuestionAnswerer
from app.sparql import QueryWriter
from benchmarks import report
from kb import database
from kb.consistency import Views
from kb.context import ContextEncoder
from kb.encoding import StaticEncoder
from kb.store import Kb, TripleStore
from kb.triples import Term, Triple
from models.episodes import MENTION
from models.movies import load_triples
from models.reader import Reader
from models.tasks import metaqa
from models.threads import limit_threads

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WRITTEN: dict[str, Callable[[str], str]] = {
    "as_they_are": lambda text: text,
    "small_letters": str.lower,
    "capitals": str.upper,
    "no_punctuation": lambda text: "".join(c for c in text.replace("-", " ") if c.isalnum() or c == " "),
}


def main() -> None:
    """Asks, reports."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--questions", type=int, default=1_200)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--datasets", type=Path, default=Path(os.environ.get("HOPFACT_DATASETS", "../shared/data")))
    arguments.add_argument("--out", type=Path)
    given = arguments.parse_args()
    limit_threads(1)
    draw = Random(given.seed)
    asked = [
        one
        for hops in range(1, metaqa.MAX_HOPS + 1)
        for one in draw.sample(
            [*metaqa.load_questions(given.datasets, "dev", hops)], given.questions // metaqa.MAX_HOPS
        )
    ]
    with tempfile.TemporaryDirectory() as name:
        answerer, kb = _movies(Path(name), given.datasets)
        plain = [one.text.replace(MENTION, one.topic) for one in asked]
        damaged = [one.text.replace(MENTION, damage(one.topic, draw)) for one in asked]
        texts = {way: [write(text) for text in plain] for way, write in WRITTEN.items()} | {"wrong_letter": damaged}
        figures = {}
        for way, written in texts.items():
            right = 0
            for text, one in zip(written, asked, strict=True):
                found = answerer.ask(kb, [Question(text)])[0]["answers"]
                right += bool(found) and found[0]["label"] in one.answers
            figures[way] = round(100 * right / len(asked), 2)
    size = {"kb": "metaqa", "split": "dev", "questions": len(asked)}
    report.put(
        {"benchmark": "names", **report.circumstances(given.seed), "size": size, "figures": {"hits_at_1": figures}},
        given.out,
    )


def damage(name: str, draw: Random) -> str:
    """Write a name with one wrong letter."""
    places = [at for at, char in enumerate(name) if char.isalpha()]
    if len(places) < 2:
        return name
    at, letter = draw.choice(places), draw.choice(LETTERS)
    own, rest = name[at], name[at + 1 :]
    return name[:at] + draw.choice((rest, letter + own + rest, letter + rest, rest[:1] + own + rest[1:]))


def _movies(folder: Path, datasets: Path) -> tuple[QuestionAnswerer, Kb]:
    engine = database.create_engine(f"sqlite:///{folder / 'hopfact.sqlite'}")
    database.migrate(engine)
    with database.writing(engine) as connection:
        store = TripleStore(connection)
        kb = store.create_kb("movies")
        store.write(
            kb.id, [Triple(Term(s), Term(relation), Term(value)) for s, relation, value in load_triples(datasets)]
        )
    encoder = StaticEncoder()
    views, reader = Views(engine, folder, encoder), Reader.load(encoder=ContextEncoder(encoder))
    return QuestionAnswerer(views, reader, encoder, QueryWriter(engine), AnsweringLimits()), kb


if __name__ == "__main__":
    main()
