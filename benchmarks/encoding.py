"""How well and how fast encoders turn text into vectors: python -m benchmarks.encoding --datasets FOLDER.

Quality, on questions that no encoder here was trained on; in each, the vector of the question without its topic is
compared with the vectors of the relations' labels, and the nearest should be the right one:

- `metaqa`: MetaQA's machine-paraphrased 1-hop dev questions among the 9 relations of its KB;
- `simplequestions`: SimpleQuestions' valid (Wikidata) among 40 relations drawn by seed, the right one with them;
- `pathquestion`: the first hop of 2-hop PathQuestion among its 13 relations (evaluation only, its wording is far off);
- `likeness`: Pearson correlation with MiniLM's likenesses of all pairs of WebQuestions' devtest and val questions.

MiniLM itself (`--minilm FOLDER`, or an installed package) is the line above; `--table FOLDER` measures another table.
"""

import argparse
import json
import lzma
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import numpy as np

from kb.encoding import Encoder, SentenceEncoder, StaticEncoder
from kb.errors import EncoderUnavailable

SEED = 5
RELATIONS = 40
METAQA_RELATIONS = {
    "actor": "starred actors",
    "director": "directed by",
    "writer": "written by",
    "year": "release year",
    "genre": "has genre",
    "tags": "has tags",
    "tag": "has tags",
    "language": "in language",
    "imdbrating": "has imdb rating",
    "imdbvotes": "has imdb votes",
}

Choice = tuple[str, str, list[str]]  # question without its topic, the right relation, all relations


def lines(path: Path) -> list[str]:
    """The lines of a file packed by xz."""
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        return stream.read().splitlines()


def metaqa(datasets: Path) -> list[Choice]:
    """Paraphrased dev questions; their type names the relation by the end that is not the film."""
    folder = datasets / "metaqa" / "1-hop"
    relations = sorted(set(METAQA_RELATIONS.values()))
    choices = []
    for kind, line in zip(lines(folder / "qa_dev_qtype.txt.xz"), lines(folder / "ntm_qa_dev.txt.xz"), strict=True):
        source, _, target = kind.partition("_to_")
        question = re.sub(r"\[.*?\]", " ", line.split("\t")[0])
        choices.append((question, METAQA_RELATIONS[source if target == "movie" else target], relations))
    return choices


def simplequestions(datasets: Path) -> list[Choice]:
    """Valid questions whose property has a label; direction is not asked for."""
    folder = datasets / "simplequestions-wikidata"
    labels = dict(line.split("\t")[:2] for line in lines(folder / "labels.tsv.xz")[1:])
    rows = [line.split("\t") for line in lines(folder / "annotated_wd_data_valid.txt.xz")]
    properties = sorted({f"P{relation[1:]}" for _, relation, _, _ in rows} & labels.keys())
    random = Random(SEED)
    choices = []
    for subject, relation, _, text in rows:
        right = f"P{relation[1:]}"
        if right in labels:
            question = re.sub(re.escape(labels[subject]), " ", text, flags=re.I) if subject in labels else text
            others = random.sample([key for key in properties if key != right], RELATIONS - 1)
            choices.append((question, labels[right], [labels[key] for key in [right, *others]]))
    return choices


def pathquestion(datasets: Path) -> list[Choice]:
    """Two-hop questions of the family KB: the relation nearest to the topic is the right one."""
    folder = datasets / "pathquestion"
    relations = sorted({line.split("\t")[1].replace("_", " ") for line in lines(folder / "2H-kb.txt.xz")})
    choices = []
    for line in lines(folder / "PQ-2H.txt.xz"):
        question, _, path = line.split("\t")
        topic, first, *_ = path.split("#")
        choices.append((question.replace(topic, " "), first.replace("_", " "), relations))
    return choices


TASKS: dict[str, Callable[[Path], list[Choice]]] = {
    "metaqa": metaqa,
    "simplequestions": simplequestions,
    "pathquestion": pathquestion,
}


def accuracy(encoder: Encoder, choices: Sequence[Choice]) -> float:
    """The share of questions whose nearest relation is the right one."""
    texts = sorted({text for question, _, relations in choices for text in (question, *relations)})
    rows = {text: row for row, text in enumerate(texts)}
    vectors = encoder.encode(texts)
    right = 0
    for question, label, offered in choices:
        scores = vectors[[rows[relation] for relation in offered]] @ vectors[rows[question]]
        right += offered[int(scores.argmax())] == label
    return right / len(choices)


def web_questions(datasets: Path) -> list[str]:
    """The questions of WebQuestions' devtest and val."""
    folder = datasets / "webquestions" / "main"
    rows = json.loads((folder / "devtest.json").read_text(encoding="utf-8"))
    rows += json.loads("\n".join(lines(folder / "val.json.xz")))
    return [row["qText"] for row in rows]


def likeness(encoder: Encoder, teacher: Encoder, texts: Sequence[str]) -> float:
    """Correlation of the two encoders' likenesses over all pairs of texts."""
    pairs = np.triu_indices(len(texts), k=1)
    ours, theirs = ((vectors @ vectors.T)[pairs] for vectors in (encoder.encode(texts), teacher.encode(texts)))
    return float(np.corrcoef(ours, theirs)[0, 1])


def speed(encoder: Encoder, texts: Sequence[str]) -> dict[str, float]:
    """Texts a second of processor time in bulk, and the median milliseconds of one text alone by the clock."""
    started = time.process_time()
    encoder.encode(texts)
    bulk = len(texts) / (time.process_time() - started)
    laps = []
    for text in texts[:200]:
        started = time.perf_counter()
        encoder.encode([text])
        laps.append(time.perf_counter() - started)
    return {"texts_per_cpu_second": round(bulk), "ms_one_text": round(1000 * float(np.median(laps)), 3)}


def main() -> None:
    """Measure each encoder and print one JSON object."""
    parser = argparse.ArgumentParser(description="Quality and speed of the encoders.")
    parser.add_argument("--datasets", type=Path, required=True)
    parser.add_argument("--minilm", type=Path, help="folder of all-MiniLM-L6-v2; default: the installed package")
    parser.add_argument("--table", type=Path, action="append", default=[], help="folder of another static table")
    arguments = parser.parse_args()
    encoders: list[Encoder] = [StaticEncoder(), *(StaticEncoder(folder) for folder in arguments.table)]
    teacher: SentenceEncoder | None = None
    try:
        teacher = SentenceEncoder(arguments.minilm)
        encoders.append(teacher)
    except EncoderUnavailable as error:
        print(f"without MiniLM: {error}")
    choices = {name: task(arguments.datasets) for name, task in TASKS.items()}
    texts = web_questions(arguments.datasets)
    report: dict[str, dict[str, float]] = {}
    for encoder in encoders:
        figures = {name: round(accuracy(encoder, task), 4) for name, task in choices.items()}
        if teacher is not None:
            figures["likeness"] = round(likeness(encoder, teacher, texts), 4)
        report[encoder.id] = figures | speed(encoder, texts)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    print(json.dumps({"commit": commit.stdout.strip(), "encoders": report}, indent=2))


if __name__ == "__main__":
    main()
