"""Questions written one by one over small knowledge bases, each with the path to its answers: as people may ask.

Of many trades, drafted with a language model that knew what the reader was weak at, but not its grammar: hops that go
unsaid, key words, possessives, asides. A path is written `count|ask START > relation > ^relation [condition]`: the
start is an entity, two between a semicolon, or * for everything; ^ reads a relation from object to subject; conditions
are `relation=value`, `relation>5`, `<`, `>=`, `max relation`, `min relation`. One by a relation of yes and no is learnt
as the search takes it (`models.search`): it is read, and what it is so of is kept. `tests/models/tasks/test_written.py`
proves every answer.
`labels/NAME.tsv` has, for each relation, other labels that someone else may have given it; one that begins with ^ is
read the other way. Episodes are drawn under some of them: what a relation means counts, not its words.
No official scorer: it is a source of training questions only.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np

from kb.triples import readable_relation
from models.abbreviations import unabbreviated
from models.episodes import (
    FORWARD,
    INVERSE,
    MAX_READS,
    MAX_STEPS,
    MENTION,
    OTHER,
    VALUE,
    Asked,
    Choice,
    End,
    LabelledKey,
    Manner,
    PathEpisode,
    rejection,
    without_key,
)
from models.memory import IntArray, TripleMemory
from models.numbers import quantity
from models.profiles import SAID, profiles_of
from models.steps import Argument, Start, Stepper
from models.tasks.grammar import noisy
from models.tasks.simplequestions import wrong_mention

FOLDER = Path(__file__).parent / "written"
LABELS = FOLDER / "labels"
RELABELLED = 0.6
"""How often a question's relations go by other labels, and how often each of them does then."""
HELD_OUT = (
    "airstrips_regional",
    "alpine_lifts",
    "animal_shelter",
    "attic_boxes",
    "badminton",
    "birds",
    "boardgame_cafe",
    "capsule_crews",
    "cardboard_almanac",
    "channel_swims",
    "choir_cupboard",
    "cobbler_row",
    "coffee",
    "coral_reefs",
    "council",
    "crm_accounts",
    "croquet_lawns",
    "curling",
    "data_platform",
    "data_shelf",
    "directors",
    "dispensary_shelf",
    "drones",
    "earth_dept",
    "earthquakes",
    "enzymes",
    "evening_languages",
    "explorers",
    "factory",
    "ferry_lines",
    "festival",
    "freight_desk",
    "galaxies",
    "greenhouse",
    "gymnasts",
    "handset_teardowns",
    "household_goods",
    "hr_roll",
    "inkwell_comics",
    "ironman",
    "isotopes",
    "judges",
    "lamps",
    "larkspire_prize",
    "laurel_juries",
    "lighthouses",
    "long_trails",
    "medical",
    "ml_models",
    "netroom_register",
    "nobel",
    "nonna_card_box",
    "nordic_states",
    "observatories",
    "optician_orders",
    "orchestra",
    "papers",
    "pixel_ledger",
    "planet_hunters",
    "platform_ops",
    "poets",
    "pop_singers",
    "python_libraries",
    "quarry",
    "rack_railway",
    "rally_drivers",
    "realestate",
    "robot_cells",
    "rowing",
    "saints",
    "school",
    "senate_seats",
    "sharks",
    "shore_survey",
    "skiers",
    "snooker",
    "sofas",
    "souvenir_kiosks",
    "space_missions",
    "spares_store",
    "spectro_lab",
    "supper_club",
    "supply_chain",
    "tailor_orders",
    "teashop",
    "tents_shop",
    "tool_library",
    "vet",
    "vet_surgery",
    "village_hall",
    "viruses",
    "watches",
    "wine",
    "wine_cellar",
    "wines_shop",
    "world_cups",
)
"""Knowledge bases that are never trained on: development is measured on them."""
_ASKED = {"count ": Asked.COUNT, "ask ": Asked.WHETHER, "": Asked.ENTITIES}
_SIGNS = {"=": Manner.KEEP, ">": Manner.ABOVE, ">=": Manner.ABOVE, "<": Manner.BELOW}
_EXTREMES = {"max": Manner.MOST, "min": Manner.LEAST}
LENGTHS = (0.17, 0.35, 0.29, 0.19)
"""How often questions are drawn that need so many reads: long ones are written more often than they are asked."""
_BUDGET = 10_000
TURNED = "^"


class PathStep(NamedTuple):
    """A step as a path writes it; `value` is what a condition compares with, and may be equal to if `inclusive`."""

    relation: str
    direction: int
    manner: Manner
    value: str | None = None
    inclusive: bool = False

    @property
    def is_of_flag(self) -> bool:
        """Whether it keeps those of which something is so, or not: no question says the *yes* that it asks for."""
        return self.manner is Manner.KEEP and (self.value or "").casefold() in SAID


class WrittenPath(NamedTuple):
    """A path, read: what is asked, where it starts (nowhere: everything), and its steps."""

    asked: Asked
    starts: tuple[str, ...]
    steps: tuple[PathStep, ...]

    @classmethod
    def read(cls, path: str) -> "WrittenPath":
        """Read a path as it is written."""
        asked, text = re.fullmatch(r"(count |ask )?(.*)", path).groups("")  # type: ignore[union-attr]
        start, *rest = re.split(r" (?=> |\[)", text)
        steps = tuple(_reading(part[2:]) if part.startswith("> ") else _condition(part[1:-1]) for part in rest)
        return cls(_ASKED[asked], () if start == "*" else tuple(start.split(";")), steps)


def _reading(relation: str) -> PathStep:
    return PathStep(relation.removeprefix("^"), INVERSE if relation.startswith("^") else FORWARD, Manner.READ)


def _condition(text: str) -> PathStep:
    extreme, _, relation = text.partition(" ")
    if extreme in _EXTREMES:
        return _reading(relation)._replace(manner=_EXTREMES[extreme])
    relation, sign, value = re.fullmatch(r"(.+?)(>=|=|>|<)(.+)", text).groups()  # type: ignore[union-attr]
    return _reading(relation)._replace(manner=_SIGNS[sign], value=value, inclusive=sign == ">=")


class WrittenKb:
    """A knowledge base and its questions."""

    def __init__(self, triples: Sequence[tuple[str, str, str]], questions: Sequence[Mapping[str, Any]]) -> None:
        self.questions = questions
        self._memory = TripleMemory(
            (subject, readable_relation(relation), value) for subject, relation, value in triples
        )
        self._profiles = profiles_of(self._memory)
        self._stepper = Stepper(self._memory, [profile.kind for profile in self._profiles], _BUDGET)

    @classmethod
    def load(cls, path: Path) -> "WrittenKb":
        """Read the questions of a `.jsonl` file and the triples beside it."""
        lines = path.with_suffix(".tsv").read_text(encoding="utf-8").splitlines()
        rows = [(subject, relation, value) for subject, relation, value in (line.split("\t") for line in lines)]
        return cls(rows, [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])

    def episodes(self) -> Iterator[PathEpisode | None]:
        """Give each question's episode; None where its text does not name what its path does."""
        for question in self.questions:
            yield self._episode(question) if question["path"] else self._unknown(question)

    def named_episodes(self) -> Iterator[tuple[PathEpisode, str]]:
        """Give the episodes that there are, each with the name of what it starts from, if that is one thing."""
        for question, episode in zip(self.questions, self.episodes(), strict=True):
            if episode is not None:
                starts = WrittenPath.read(question["path"]).starts if question["path"] else (question["topic"],)
                yield episode, starts[0] if len(starts) == 1 else ""

    def _unknown(self, question: Mapping[str, Any]) -> PathEpisode | None:
        text = _masked(question["question"], [(question["topic"], MENTION)])
        topic = self._memory.entities([question["topic"]])
        return rejection(text, self._reach(topic), self._further(topic)) if text else None

    def _episode(self, question: Mapping[str, Any]) -> PathEpisode | None:
        path = WrittenPath.read(question["path"])
        names = [(start, MENTION) for start in path.starts]
        for step in path.steps:
            if step.value is not None and not step.is_of_flag:
                names.append(self._named(question["question"], step))
        text = _masked(question["question"], names)
        if text is None:
            return None
        start = self._start(path)
        choices = []
        for step in path.steps:
            key = 2 * self._memory.relation_labels.index(readable_relation(step.relation)) + step.direction
            reach = self._everything() if start.is_everything else self._reach(start.entities)
            if self._key(key) not in reach:  # asks for what the facts do not have: nothing to choose
                return None
            further = () if start.is_everything else self._further(start.entities)
            manner = Manner.READ if step.is_of_flag else step.manner
            if manner is Manner.READ and start.is_everything:  # the network reads on from something only
                return None
            choices.append(Choice(reach, self._key(key), manner, further))
            hop = self._stepper.take(start, key, step.manner, self._argument(step))
            if hop is None or not len(hop.entities):  # nothing meets the condition: the answer is no
                return PathEpisode(text, tuple(choices), path.asked) if path.asked is Asked.WHETHER else None
            start = Start(hop.entities, hop.weights)
        choices.append(Choice(self._reach(start.entities), End.STOP, further=self._further(start.entities)))
        return PathEpisode(text, tuple(choices[:MAX_STEPS]), path.asked)

    def _start(self, path: WrittenPath) -> Start:
        entities = self._memory.entities(path.starts)
        return Start(entities, np.ones(len(entities), np.float32), not path.starts)

    def _argument(self, step: PathStep) -> Argument | None:
        if step.value is None:
            return None
        position = self._memory.positions.get(step.value)
        entities = np.array([] if position is None else [position], np.int32)
        return Argument(step.value, entities, quantity(step.value), step.inclusive)

    def _named(self, text: str, step: PathStep) -> tuple[str, str]:
        """What names a condition's value in a question, and its placeholder: the value, or a thing that has it."""
        assert step.value is not None
        is_quantity = quantity(step.value) is not None
        if step.manner is not Manner.KEEP and _place(text, step.value) is None:
            for label in sorted(self._with_value(step), key=len, reverse=True):
                if _place(text, label) is not None:
                    return label, OTHER
        return step.value, VALUE if is_quantity else OTHER

    def _with_value(self, step: PathStep) -> list[str]:
        """Labels of the entities whose value of a step's relation is its value, but for a unit."""
        key = 2 * self._memory.relation_labels.index(readable_relation(step.relation)) + step.direction
        holders = self._memory.holders(key)
        rows = self._memory.facts_of(holders, key, _BUDGET)
        wanted = quantity(step.value or "")
        found = []
        for owner, target in zip(rows.owners.tolist(), rows.targets.tolist(), strict=True):
            value = quantity(self._memory.label(target))
            if value is not None and wanted is not None and value.value == wanted.value:
                found.append(self._memory.label(int(holders[owner])))
        return found

    def _reach(self, entities: IntArray) -> tuple[LabelledKey, ...]:
        return tuple(self._key(key) for key in self._memory.keys_of(entities).tolist())

    def _further(self, entities: IntArray) -> tuple[tuple[LabelledKey, LabelledKey], ...]:
        """Keys in reach of some entities, each with those that reading it brings in reach."""
        near = self._memory.keys_of(entities).tolist()
        found = []
        for key in near:
            beyond = self._memory.keys_of(self._memory.facts_of(entities, key, _BUDGET).targets)
            found += [(self._key(key), self._key(far)) for far in beyond.tolist() if far not in near and far != key ^ 1]
        return tuple(found)

    def _everything(self) -> tuple[LabelledKey, ...]:
        return tuple(map(self._key, range(2 * len(self._memory.relation_labels))))

    def _key(self, key: int) -> LabelledKey:
        return LabelledKey(
            unabbreviated(self._memory.relation_labels[key // 2]), key % 2, self._profiles[key], self._profiles[key ^ 1]
        )


class WrittenTask:
    """Episodes of all that was written but what is held out."""

    name = "written"

    def __init__(self, datasets: Path, wrong_mentions: float, missing: float, without: Sequence[str] = ()) -> None:
        """Read them, but for the knowledge bases `without`; they come with the code, not with the data sets.

        Raises:
            ValueError: one that is to be left out was never written.
        """
        paths = {path.stem: path for path in sorted(FOLDER.glob("*.jsonl"))}
        if not paths.keys() >= set(without):
            raise ValueError(f"no such knowledge base was written: {', '.join(set(without) - paths.keys())}")
        for name in (*HELD_OUT, *without):
            paths.pop(name, None)
        episodes = [
            (*pair, labels)
            for name, path in paths.items()
            for labels in (_labels(name),)
            for pair in WrittenKb.load(path).named_episodes()
        ]
        self._by_length: list[list[tuple[PathEpisode, str, Mapping[str, Sequence[str]]]]] = [[] for _ in LENGTHS]
        for one in episodes:
            reads = _reads(one[0])
            if max(reads, default=0) < MAX_READS:  # no reader reads later
                self._by_length[len(reads)].append(one)
        self._wrong_mentions = wrong_mentions
        self._missing = missing

    def episode(self, random: Random) -> PathEpisode:
        """Draw a question, as it is written or with slips of the hand."""
        drawn, topic, labels = random.choice(random.choices(self._by_length, LENGTHS)[0])
        if random.random() < RELABELLED:
            drawn = relabelled(drawn, labels, random)
        first = drawn.choices[0]
        episode = PathEpisode(noisy(drawn.question, (MENTION, OTHER, VALUE), random), drawn.choices, drawn.asked)
        if not isinstance(first.gold, LabelledKey):
            return episode
        if random.random() < self._wrong_mentions and topic:
            left = without_key(PathEpisode(drawn.question, drawn.choices[:1]), random).choices[0]
            return rejection(wrong_mention(episode.question, topic, random), left.reach or first.reach, left.further)
        return without_key(episode, random) if random.random() < self._missing else episode


def relabelled(episode: PathEpisode, labels: Mapping[str, Sequence[str]], random: Random) -> PathEpisode:
    """Put other labels for some of an episode's relations."""
    chosen = {label: random.choice(others) for label, others in labels.items() if random.random() < RELABELLED}

    def renamed(key: LabelledKey) -> LabelledKey:
        label = chosen.get(key.label, key.label)
        turned = label.startswith(TURNED)
        return key._replace(label=label.removeprefix(TURNED), direction=1 - key.direction if turned else key.direction)

    choices = [
        Choice(
            tuple(map(renamed, choice.reach)),
            renamed(choice.gold) if isinstance(choice.gold, LabelledKey) else choice.gold,
            choice.manner,
            tuple((renamed(near), renamed(far)) for near, far in choice.further),
        )
        for choice in episode.choices
    ]
    return replace(episode, choices=tuple(choices))


def _labels(name: str) -> dict[str, tuple[str, ...]]:
    """Other labels of a knowledge base's relations; none where nobody wrote any."""
    path = LABELS / f"{name}.tsv"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {
        unabbreviated(readable_relation(label)): tuple(map(_readable, others))
        for label, *others in (line.split("\t") for line in lines)
    }


def _readable(label: str) -> str:
    turned = TURNED if label.startswith(TURNED) else ""
    return turned + unabbreviated(readable_relation(label.removeprefix(TURNED)))


def _reads(episode: PathEpisode) -> list[int]:
    """The hops at which an episode reads."""
    return [
        hop
        for hop, choice in enumerate(episode.choices)
        if isinstance(choice.gold, LabelledKey) and choice.manner is Manner.READ
    ]


def _masked(text: str, names: Sequence[tuple[str, str]]) -> str | None:
    """Put placeholders where names stand; None where one of them does not."""
    for name, placeholder in sorted(names, key=lambda pair: -len(pair[0])):
        place = _place(text, name)
        if place is None:
            return None
        text = text[: place[0]] + placeholder + text[place[1] :]
    return text


def _place(text: str, name: str) -> tuple[int, int] | None:
    """Where a name stands in a text as whole words, whatever its case, perhaps in the plural."""
    found = re.search(rf"(?<!\w){re.escape(name)}(?:e?s)?(?!\w)", text, re.IGNORECASE)
    return found.span() if found else None
