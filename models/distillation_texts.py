"""The texts that the static table learns from: only of data whose licence lets weights ship, never of a test split.

Each source is a function of the folder of data sets; `corpus` draws a fixed number from each, by seed. WebQuestions'
`val` and `devtest`, SimpleQuestions' `valid` and MetaQA's `dev` stay out too: they are what the table is judged by.
"""

import json
import lzma
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random

BRACKETED = re.compile(r"\[(.*?)\]")
SHARED_LABELS = {"wikidata-en", "kgconv", "fb15k-wikidata", "codex-types"}  # columns of labels.tsv that may be used
PHRASES = (
    "what is the {relation} of {subject}",
    "what {relation} does {subject} have",
    "{subject} {relation} {object}",
    "{relation} of {subject}",
    "{object} is the {relation} of {subject}",
    "which one has {object} as {relation}",
    "how many {relation} has {subject}",
    "{relation}",
)


def lines(path: Path) -> list[str]:
    """The lines of a file packed by xz, without their ends."""
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        return stream.read().splitlines()


def without(text: str, name: str) -> str:
    """The text without the first place where the name stands."""
    return " ".join(re.sub(re.escape(name), " ", text, count=1, flags=re.IGNORECASE).split())


def wikidata_labels(datasets: Path) -> dict[str, str]:
    """Labels of Wikidata ids, from the sources with a licence."""
    rows = (line.split("\t") for line in lines(datasets / "simplequestions-wikidata" / "labels.tsv.xz")[1:])
    return {row[0]: row[1] for row in rows if row[2] in SHARED_LABELS}


def simplequestions(datasets: Path) -> list[str]:
    """Train questions, whole and without their topic."""
    labels = wikidata_labels(datasets)
    texts = []
    for line in lines(datasets / "simplequestions-wikidata" / "annotated_wd_data_train.txt.xz"):
        subject, _, _, question = line.split("\t")
        texts.append(question)
        if subject in labels:
            texts.append(without(question, labels[subject]))
    return texts


def webquestions(datasets: Path) -> list[str]:
    """The part of train that its re-issue names `trainmodel`, and the words of its relation paths."""
    folder = datasets / "webquestions"
    questions = json.loads("\n".join(lines(folder / "main" / "trainmodel.json.xz")))
    paths = json.loads("\n".join(lines(folder / "d-freebase-rp" / "trainmodel.json.xz")))
    relations = {relation for row in paths for path, _ in row["relPaths"] for relation in path}
    words = {relation.replace("/", " ").replace("_", " ").strip() for relation in relations}
    return [row["qText"] for row in questions] + sorted(words) + sorted(text.split(" ", 2)[-1] for text in words)


def metaqa_questions(datasets: Path) -> list[str]:
    """Train questions of each hop count, whole and without their topic."""
    texts = []
    for hops in (1, 2, 3):
        rows = lines(datasets / "metaqa" / f"{hops}-hop" / "qa_train_reconstructed.txt.xz")
        for question in Random(hops).sample([row.split("\t")[0] for row in rows], 6000):
            texts.append(question.replace("[", "").replace("]", ""))
            texts.append(" ".join(BRACKETED.sub(" ", question).split()))
    return texts


def metaqa_facts(datasets: Path) -> list[str]:
    """Facts of the films as short sentences, and their entities."""
    texts = []
    for line in lines(datasets / "metaqa" / "kb.txt.xz"):
        subject, relation, value = line.split("|")
        texts += [f"{subject} {relation.replace('_', ' ')} {value}", subject, value]
    return texts


def labels(datasets: Path) -> list[str]:
    """Labels of Wikidata and of CoDEx's types, with the descriptions of the latter."""
    codex = datasets / "codex"
    described = json.loads("\n".join(lines(codex / "types_en.json.xz")))
    texts = list(wikidata_labels(datasets).values())
    for row in described.values():
        texts += [text for text in (row["label"], row.get("description"), f"{row['label']}s") if text]
    return texts


def relations(datasets: Path) -> list[str]:
    """Labels and descriptions of CoDEx's relations."""
    described = json.loads((datasets / "codex" / "relations_en.json").read_text(encoding="utf-8"))
    return [text for row in described.values() for text in (row["label"], row.get("description")) if text]


def glosses(datasets: Path) -> list[str]:
    """WordNet's words, and its words with their glosses."""
    rows = [line.split("\t", 1)[1] for line in lines(datasets / "wn18rr" / "entity2text.txt.xz")]
    return rows + [row.split(", ", 1)[0] for row in rows]


def phrases(datasets: Path) -> list[str]:
    """Our own: facts of CoDEx and SimpleQuestions put into short questions, sentences and noun phrases."""
    names = wikidata_labels(datasets)
    described = json.loads((datasets / "codex" / "relations_en.json").read_text(encoding="utf-8"))
    texts = []
    random = Random(7)
    codex = [line.split("\t") for line in lines(datasets / "codex" / "codex-m" / "train.txt.xz")]
    simple = [
        line.split("\t") for line in lines(datasets / "simplequestions-wikidata" / "annotated_wd_data_train.txt.xz")
    ]
    for subject, relation, value, *_ in codex + simple:
        label = described.get(relation, {}).get("label") or names.get(f"P{relation[1:]}")
        if label and subject in names and value in names and relation[0] == "P":
            fields = {"subject": names[subject], "relation": label, "object": names[value]}
            texts.append(random.choice(PHRASES).format(**fields))
    return texts


SOURCES: Mapping[str, Callable[[Path], list[str]]] = {
    "simplequestions": simplequestions,
    "webquestions": webquestions,
    "metaqa_questions": metaqa_questions,
    "metaqa_facts": metaqa_facts,
    "labels": labels,
    "relations": relations,
    "glosses": glosses,
    "phrases": phrases,
}


def corpus(datasets: Path, counts: Mapping[str, int], seed: int) -> list[str]:
    """Distinct texts, at most `counts[source]` of each source, in an order drawn by the seed."""
    chosen: list[str] = []
    for source, count in counts.items():
        texts = distinct(SOURCES[source](datasets))
        chosen += Random(f"{seed}:{source}").sample(texts, min(count, len(texts)))
    chosen = distinct(chosen)
    Random(seed).shuffle(chosen)
    return chosen


def distinct(texts: Iterable[str]) -> list[str]:
    """The texts that hold anything, each once, in order of first appearance."""
    return list(dict.fromkeys(text for text in texts if text.strip()))
