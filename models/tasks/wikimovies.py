"""WikiMovies: questions of one hop over a knowledge base of movies, the topics found in the text.

Source: Miller et al. 2016, "Key-Value Memory Networks for Directly Reading Documents", `wiki_entities`; CC BY 3.0.
Dev (10,000) and test (9,952) are the originals. The original knowledge base and 96,185 train questions are not to be
had: the knowledge base is the one that MetaQA took over from it, and train is MetaQA's one-hop train questions, made
again from that knowledge base and the question templates (92,454), less those that are also in dev or test.
Example: `1 what movies did Temuera Morrison act in?<TAB>Once Were Warriors, Tracker, River Queen`.
Scored by whether the first answer is in the gold set (Hits@1), over all entities of the knowledge base.

The memory is found by key hashing: the facts whose key has an entity that the question names, but for entities named in
very many questions ("film", "director": they are tags of movies as well).
"""

from collections import Counter
from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path

from models.episodes import Episode, Split, Words
from models.keyed_facts import Facts, KeyedFacts, Reach, cut_question
from models.metrics import Counts, accuracy, mean_nats
from models.movies import load_metaqa, load_triples, read_lines
from models.vocabulary import Vocabulary

PART = "wikimovies"
FILES = {Split.valid: "dev", Split.test: "test"}

Question = tuple[Words, Words]
"""Its words, entities as one word each, and its answers."""


class WikiMoviesTask:
    """One network for all questions."""

    def __init__(self, datasets: Path, per_key: int = 50, frequency: int = 100) -> None:
        self.groups = {PART: (PART,)}
        self._folder = datasets
        self._reach = Reach(hops=1, per_key=per_key)
        self._frequency = frequency  # an entity that this many train questions name is an ordinary word

    def episodes(self, part: str, split: Split) -> list[Episode]:
        """Give the questions with the facts around the entities that they name."""
        questions = self._train if split is Split.train else self._load(split)
        return [Episode(self._memory(words), words, answers) for words, answers in questions]

    def _memory(self, words: Words) -> Facts:
        topics = (word for word in words if self._named[word] < self._frequency)
        return self._facts.around(topics, self._reach)

    def vocabulary(self, group: str) -> Vocabulary:
        """Give all entities as candidates, and the words of the train questions and keys."""
        words = Counter(word for words, _ in self._train for word in words)
        return Vocabulary(sorted(self._facts.entities), [*self._facts.relations, *sorted(words)])

    def figures(self, counts: Counts) -> dict[str, float]:
        """Give Hits@1 in percent."""
        return {"hits_at_1": accuracy(counts)}

    def cost(self, counts: Counts) -> float:
        """Give the misses in percent; the loss breaks ties."""
        return 100 - accuracy(counts) + mean_nats(counts) / 100

    @cached_property
    def _facts(self) -> KeyedFacts:
        return KeyedFacts.of(load_triples(self._folder))

    @cached_property
    def _labels(self) -> Collection[str]:
        return frozenset(read_lines(self._folder / "wikimovies" / "entities.txt.xz"))

    @cached_property
    def _train(self) -> list[Question]:
        held_out = {words for split in FILES for words, _ in self._load(split)}
        lines = load_metaqa(self._folder, "train", 1)
        questions = ((self._cut(line.before + line.topic + line.after), line.answers) for line in lines)
        return [question for question in questions if question[0] not in held_out]

    @cached_property
    def _named(self) -> Counter[str]:
        """How many train questions name an entity."""
        return Counter(word for words, _ in self._train for word in set(words))

    def _load(self, split: Split) -> list[Question]:
        lines = read_lines(self._folder / "wikimovies" / f"wiki-entities_qa_{FILES[split]}.txt.xz")
        cut = (line.removeprefix("1 ").split("\t") for line in lines)
        return [(self._cut(text.removesuffix("?")), split_answers(answers, self._labels)) for text, answers in cut]

    def _cut(self, text: str) -> Words:
        return cut_question(text, self._facts.entities)


def split_answers(text: str, labels: Collection[str]) -> Words:
    """Split at commas, but not those within a label: from the left, the longest label."""
    parts = text.split(", ")
    answers, at = [], 0
    while at < len(parts):
        ends: Iterable[int] = range(len(parts), at, -1)
        end = next((end for end in ends if ", ".join(parts[at:end]) in labels), at + 1)
        answers.append(", ".join(parts[at:end]))
        at = end
    return tuple(answers)
