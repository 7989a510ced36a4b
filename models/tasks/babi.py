"""bAbI: twenty toy tasks, each a story of simple sentences with questions.

Source: Weston et al. 2015, "Towards AI-Complete Question Answering" (arXiv 1502.05698), version 1.2, English; licence
CC BY 3.0.
Each task has 1,000 test questions; train and valid together have 1,000 (`1k`, 100 of them valid) or 10,000 (`10k`,
1,000 valid), valid being whole stories of the train file. Of task 3's 10,000 only 1,925 are here, among them all its
valid stories; 741 of task 4's 1,000 test stories (134 with 1k) also occur in train.
Example: `1 Mary moved to the bathroom.` ... `3 Where is Mary?<TAB>bathroom<TAB>1`. An answer of several words, as
`apple,milk`, is one label. Scored by the error in percent; a task is failed above 5 %.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from models.episodes import Episode, Split, Words
from models.metrics import Counts, failed_tasks, mean_error, mean_nats
from models.vocabulary import Vocabulary, vocabulary_of

NUM_TASKS = 20
FOLDERS = {"1k": ("en", "en-valid"), "10k": ("en-10k", "en-valid-10k")}
_WORD = re.compile(r"[\w']+")

Story = tuple[str, ...]


class BabiTask:
    """Some of the twenty tasks, `qa1` to `qa20`, for one network (`joint`) or one each."""

    def __init__(self, datasets: Path, size: str = "1k", joint: bool = True, tasks: tuple[int, ...] = ()) -> None:
        self._folder = datasets / "babi"
        self._size = size
        parts = tuple(f"qa{number}" for number in tasks or range(1, NUM_TASKS + 1))
        self.groups = {"joint": parts} if joint else {part: (part,) for part in parts}

    def episodes(self, part: str, split: Split) -> list[Episode]:
        """Give the questions of a task, each with the story so far."""
        train, valid = (self._folder / name for name in FOLDERS[self._size])
        if split is Split.test:
            return [episode for story in _stories(self._folder / "en", f"{part}_*_test") for episode in parse(story)]
        held_out = list(_stories(valid, f"{part}_valid"))
        if split is Split.valid:
            return [episode for story in held_out for episode in parse(story)]
        left_out = Counter(held_out)
        episodes = []
        for story in _stories(train, f"{part}_*_train*"):
            if left_out[story]:
                left_out[story] -= 1
            else:
                episodes += parse(story)
        return episodes

    def vocabulary(self, group: str) -> Vocabulary:
        """Give the words of the train questions; their answers are the candidates."""
        return vocabulary_of(episode for part in self.groups[group] for episode in self.episodes(part, Split.train))

    def figures(self, counts: Counts) -> dict[str, float]:
        """Give the mean error in percent, the failed tasks, and each task's error."""
        errors = {f"error_{part}": mean_error({part: count}) for part, count in counts.items()}
        return {"mean_error": mean_error(counts), "failed_tasks": failed_tasks(counts), **errors}

    def cost(self, counts: Counts) -> float:
        """Give the mean error; the loss breaks ties."""
        return mean_error(counts) + mean_nats(counts) / 100


def parse(story: Story) -> list[Episode]:
    """Cut a story into its questions, each with the sentences before it."""
    sentences: list[Words] = []
    slots: dict[str, int] = {}
    episodes = []
    for line in story:
        number, text = line.split(" ", 1)
        if "\t" in text:
            question, answer, supporting = text.split("\t")
            proof = tuple(slots[fact] for fact in supporting.split())
            episodes.append(Episode(tuple(sentences), words_of(question), (answer.strip().lower(),), proof))
        else:
            slots[number] = len(sentences)
            sentences.append(words_of(text))
    return episodes


def words_of(text: str) -> Words:
    """Cut a sentence into its words, lower case, without punctuation."""
    return tuple(_WORD.findall(text.lower()))


def _stories(folder: Path, name: str) -> Iterator[Story]:
    (path,) = folder.glob(f"{name}.txt.gz")
    story: list[str] = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.startswith("1 ") and story:
                yield tuple(story)
                story = []
            story.append(line.rstrip("\n"))
    yield tuple(story)
