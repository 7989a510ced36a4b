"""SimpleQuestions: one-hop questions with their relation, from Freebase and mapped to Wikidata.

Source: Bordes et al., "Large-scale Simple Question Answering with Memory Networks" (2015), CC BY 3.0; Wikidata form by
Diefenbach et al. (ISWC 2017 posters); half of the Freebase train questions by way of SimpleQuestion-Balance (ACL 2019).
Wikidata: 34,374 / 4,867 / 9,961 questions, `Q126399<TAB>R272<TAB>Q7428297<TAB>what movie is produced by warner bros.`;
R is a property read from object to subject. Freebase: 54,576 lines, of which those also in valid or test are dropped.
No memory comes with a question: the keys in reach are drawn among relations of its kind.
Scored by whether the relation, and so the first answer, is right.
"""

import lzma
import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Generic, TypeVar

from models.episodes import FORWARD, INVERSE, MENTION, LabelledKey, PathEpisode, path_episode, rejection
from models.kinds import Kind
from models.memory import TripleMemory
from models.profiles import Profile, profiles_of

KeyType = TypeVar("KeyType")
QuestionType = TypeVar("QuestionType")

TEMPER = 0.6  # a key is drawn in proportion to this power of its count
LEAST_PAIRS = 3  # facts asked both ways that prove two Freebase relations to be each other's reverse
SIBLINGS = 8
STRANGERS = 4
LONG_WORD = 4


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its topic replaced, the topic's name, and the key that answers it."""

    text: str
    topic: str
    key: LabelledKey


def load_wikidata(datasets: Path, split: str) -> list[Question]:
    """Read the questions whose property has a label and whose topic is named in the text."""
    folder = datasets / "simplequestions-wikidata"
    labels = dict(line.split("\t")[:2] for line in _lines(folder / "labels.tsv.xz")[1:])
    questions = []
    for line in _lines(folder / f"annotated_wd_data_{split}.txt.xz"):
        subject, relation, _, text = line.split("\t")
        label, topic = labels.get(f"P{relation[1:]}"), labels.get(subject)
        cut = replace_name(text, topic) if label and topic else None
        if label and topic and cut:
            questions.append(Question(cut, topic, _key(label, INVERSE if relation[0] == "R" else FORWARD)))
    return questions


def load_triples(datasets: Path) -> list[tuple[str, str, str]]:
    """Read the facts behind all questions of the Wikidata form, by their labels; those without one are left out."""
    rows = (line.split("\t") for line in _lines(datasets / "simplequestions-wikidata" / "facts.tsv.xz")[1:])
    triples = ((row[1], row[3], row[5]) for row in rows)
    return [triple for triple in triples if all(triple)]


@dataclass(frozen=True, slots=True)
class FreebaseQuestion:
    """A question with its Freebase relation, `people.person.place_of_birth`."""

    text: str
    topic: str
    relation: str


def load_freebase(datasets: Path) -> tuple[list[FreebaseQuestion], dict[str, str]]:
    """Read the questions of half the train set that are in neither valid nor test, and relations with their reverse."""
    folder = datasets / "simplequestions-freebase"
    held_out, facts = set(), set()
    for split in ("valid", "test"):
        for line in _lines(folder / f"annotated_fb_data_{split}.txt.xz"):
            subject, relation, value, text = line.split("\t")
            mids = [part.removeprefix("www.freebase.com/").replace("/", ".") for part in (subject, relation, value)]
            held_out.add((mids[0], _letters(text)))
    questions = []
    for line in _lines(folder / "sqb_half.tsv.xz")[1:]:
        _, text, subject, relation, value, topic = line.split("\t")
        if (subject, _letters(text)) in held_out:
            continue
        facts.add((subject, relation, value))
        cut = replace_name(text, topic)
        if cut:
            questions.append(FreebaseQuestion(cut, topic, relation))
    return questions, _reverses(facts)


def _reverses(facts: set[tuple[str, str, str]]) -> dict[str, str]:
    """Find relations that are asked both ways about the same facts."""
    pairs: defaultdict[tuple[str, str], int] = defaultdict(int)
    between: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for subject, relation, value in facts:
        between[subject, value].append(relation)
    for (subject, value), relations in between.items():
        for relation in relations:
            for other in between.get((value, subject), ()):
                if other != relation:
                    pairs[relation, other] += 1
    best: dict[str, tuple[int, str]] = {}
    for (relation, other), count in sorted(pairs.items()):
        if count >= LEAST_PAIRS and count > best.get(relation, (0, ""))[0]:
            best[relation] = (count, other)
    return {relation: other for relation, (_, other) in best.items()}


def replace_name(text: str, name: str) -> str | None:
    """Put the placeholder where a name stands as whole words, whatever its case; None if it does not."""
    words = [re.escape(word) for word in re.findall(r"\w+|[^\w\s]", name)]
    if not words or re.sub(r"\\", "", words[0]).lower() not in text.lower():  # cheaper than compiling a pattern in vain
        return None
    found = re.search(r"(?<!\w)" + r"\s*".join(words) + r"(?!\w)", text, re.IGNORECASE)
    return text[: found.start()] + MENTION + text[found.end() :] if found else None


class WikidataQuestionsTask:
    """Episodes of the Wikidata form; the keys in reach are drawn among all properties."""

    name = "simplequestions-wikidata"

    def __init__(self, datasets: Path, wrong_mentions: float) -> None:
        keys = _profiled_keys(load_triples(datasets))
        self._questions = KeyedQuestions(
            (keys.get(question.key, question.key), question) for question in load_wikidata(datasets, "train")
        )
        labels = {key.label for key in self._questions.keys}
        plain = sorted(_key(label, direction) for label in labels for direction in (FORWARD, INVERSE))
        self._keys = [keys.get(key, key) for key in plain]
        self._wrong_mentions = wrong_mentions

    def episode(self, random: Random) -> PathEpisode:
        """Draw a key, frequent ones more often but less than in the data, then a question."""
        key, question = self._questions.draw(random)
        reach = random.sample(self._keys, random.randint(1, SIBLINGS))
        if random.random() < self._wrong_mentions:
            return rejection(wrong_mention(question.text, question.topic, random), [k for k in reach if k != key])
        after = _unasked(question.text, random.sample(self._keys, random.randint(1, SIBLINGS)))
        return path_episode(question.text, [key], [_with(key, reach, random), after])


class FreebaseQuestionsTask:
    """Episodes of the Freebase form; the keys in reach are those of the relation's own type, and some others."""

    name = "simplequestions-freebase"

    def __init__(self, datasets: Path, wrong_mentions: float) -> None:
        questions, self._reverse = load_freebase(datasets)
        self._questions = KeyedQuestions((question.relation, question) for question in questions)
        self._relations = sorted(self._questions.keys)
        self._siblings: defaultdict[str, list[str]] = defaultdict(list)
        for relation in self._relations:
            self._siblings[relation.rsplit(".", 1)[0]].append(relation)
        self._wrong_mentions = wrong_mentions

    def episode(self, random: Random) -> PathEpisode:
        """Draw a relation, then a question; its label short or long, read forward or as the inverse of its reverse."""
        relation, question = self._questions.draw(random)
        parts = random.choice((1, 1, 2, 3))
        reverse = self._reverse.get(relation)
        gold = _key(short_label(relation, parts), FORWARD)
        if reverse is not None and random.random() < 0.5:
            gold = _key(short_label(reverse, parts), INVERSE)
        same = self._siblings[relation.rsplit(".", 1)[0]]
        near = random.sample(same, min(len(same), random.randint(1, SIBLINGS)))
        reach = [_key(short_label(name, parts), FORWARD) for name in near if name not in (relation, reverse)]
        for name in random.sample(self._relations, random.randint(0, STRANGERS)):
            if name not in (relation, reverse):
                reach.append(_key(short_label(name, parts), random.randrange(2)))
        reach = [key for key in reach if key.label != gold.label]
        if random.random() < self._wrong_mentions:
            return rejection(wrong_mention(question.text, question.topic, random), reach or [_key("type", FORWARD)])
        after = [_key(short_label(name, parts), random.randrange(2)) for name in random.sample(self._relations, 3)]
        return path_episode(question.text, [gold], [_with(gold, reach, random), _unasked(question.text, after)])


def short_label(relation: str, parts: int) -> str:
    """Give the last `parts` of a Freebase relation as words."""
    return " ".join(relation.split(".")[-parts:]).replace("_", " ")


def wrong_mention(text: str, topic: str, random: Random) -> str:
    """Half of the time leave a question as it is (nothing in reach fits); else mention another of its words."""
    words = text.split()
    others = [at for at, word in enumerate(words) if MENTION not in word]
    if not others or random.random() < 0.5:
        return text
    words[random.choice(others)] = "\0"
    return " ".join(words).replace(MENTION, topic).replace("\0", MENTION)


def _unasked(text: str, keys: Sequence[LabelledKey]) -> list[LabelledKey]:
    """Give the keys that have no word of a question: *which country was she born in* has its town for an answer here.

    A path that could go on to the country must not be taught to end in the town.
    """
    asked = {word for word in re.findall("[a-z]+", text.lower()) if len(word) >= LONG_WORD}
    return [key for key in keys if not asked & set(key.label.split())]


def _with(gold: LabelledKey, reach: Sequence[LabelledKey], random: Random) -> list[LabelledKey]:
    """Put the gold key among others, in no telling order."""
    keys = [key for key in reach if key != gold]
    keys.insert(random.randint(0, len(keys)), gold)
    return keys


class KeyedQuestions(Generic[KeyType, QuestionType]):
    """Questions by key; frequent keys are drawn more often, but less so than in the data."""

    def __init__(self, pairs: Iterable[tuple[KeyType, QuestionType]]) -> None:
        grouped: defaultdict[KeyType, list[QuestionType]] = defaultdict(list)
        for key, question in pairs:
            grouped[key].append(question)
        self.keys = list(grouped)
        self._questions = list(grouped.values())
        self._cumulative = list(accumulate(len(questions) ** TEMPER for questions in self._questions))

    def draw(self, random: Random) -> tuple[KeyType, QuestionType]:
        """Draw a key and one of its questions."""
        at = bisect(self._cumulative, random.random() * self._cumulative[-1])
        return self.keys[at], random.choice(self._questions[at])


def _key(label: str, direction: int) -> LabelledKey:
    """A key to things: SimpleQuestions asks for no number and no date."""
    return LabelledKey(label, direction, Profile(Kind.NAME))


def _profiled_keys(triples: Iterable[tuple[str, str, str]]) -> dict[LabelledKey, LabelledKey]:
    """Give each key of some facts with its profile, by itself without."""
    memory = TripleMemory(triples)
    keys = [_key(label, direction) for label in memory.relation_labels for direction in (FORWARD, INVERSE)]
    profiles = [profile._replace(kind=Kind.NAME) for profile in profiles_of(memory)]
    return {
        key: key._replace(profile=profile, holders=profiles[number ^ 1])
        for number, (key, profile) in enumerate(zip(keys, profiles, strict=True))
    }


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text).lower()


def _lines(path: Path) -> list[str]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()
