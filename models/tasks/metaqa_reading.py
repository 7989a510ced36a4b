"""MetaQA as reading: the facts around the topic are the memory, so that any network can be asked.

Source, licence, sizes and an example: models/tasks/metaqa.py, the same questions for the service's own reader. Dev and
test are the originals; train was made again from the knowledge base and the question templates.
The memory has the facts within as many hops of the topic as the question needs, the nearest first, so many of a key and
so many in all; what that leaves out is lost to a network. Facts are keys with values, or else sentences.
Scored by whether the first answer is in the gold set (Hits@1), over all entities of the knowledge base.
"""

from collections import Counter
from functools import cached_property
from pathlib import Path
from random import Random

from models.episodes import Episode, Split
from models.keyed_facts import KeyedFacts, Reach, cut_words, sentences
from models.metrics import Counts, accuracy, mean_nats
from models.movies import Line, load_metaqa, load_triples
from models.vocabulary import Vocabulary

FILES = {Split.train: "train", Split.valid: "dev", Split.test: "test"}


class MetaQaReadingTask:
    """The questions of one number of hops, for one network."""

    def __init__(
        self,
        datasets: Path,
        hops: int,
        *,
        keyed: bool = True,
        per_key: int = 10,
        hub: int = 1000,
        most_facts: int = 1000,
        train_questions: int | None = None,
    ) -> None:
        self._folder = datasets
        self._hops = hops
        self._keyed = keyed
        self._reach = Reach(hops, per_key, hub, most_facts)
        self._train_questions = train_questions  # drawn from all, to save time and memory; always the same
        self._part = f"{hops}-hop"
        self.groups = {self._part: (self._part,)}

    def episodes(self, part: str, split: Split) -> list[Episode]:
        """Give the questions with the facts around their topics."""
        return [self._episode(line) for line in self._lines(split)]

    def _episode(self, line: Line) -> Episode:
        facts = self._facts.around([line.topic], self._reach)
        question = (*cut_words(line.before), line.topic, *cut_words(line.after))
        return Episode(facts if self._keyed else sentences(facts), question, line.answers)

    def vocabulary(self, group: str) -> Vocabulary:
        """Give all entities as candidates, and the words of the train questions and keys."""
        lines = self._lines(Split.train)
        words = Counter(word for line in lines for word in cut_words(line.before + line.after))
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

    def _lines(self, split: Split) -> list[Line]:
        lines = list(load_metaqa(self._folder, FILES[split], self._hops))
        if split is Split.train and self._train_questions is not None:
            return Random(self._hops).sample(lines, self._train_questions)
        return lines
