"""English for relations: how nouns, verbs and phrases of a lexicon become relation labels, noun phrases and questions.

Pure but for reading the lexicon; knows no schema and no network.

A relation has two sides: side 0 asks for its objects given a subject, side 1 for its subjects given an object. A noun
says what the object is to the subject (the *director* of a film), a role what the subject is to the object (a person's
*films*); `by` is a verb that the object does to the subject, `does` one that the subject does to the object, `be` a
participle with a preposition (*located in*); `ask` and `ask_back` are phrases, or questions if they end in `?`.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random
from typing import NamedTuple

from models.episodes import MENTION
from models.tasks.clauses import PREPOSITIONS, clauses, past, plural, rewordings, third

ANYTHING = "thing"
TYPO_CHANCE = 0.02
MOST_REWORDINGS = 3
PLURAL_VERBS = {"is": "are", "was": "were", "does": "do", "has": "have", "what's": "what are", "whats": "what are"}
SINGULAR_VERBS = {"are": "is", "were": "was"}
PLURALS = ("people", "men", "women", "children")
_HEAD_END = re.compile(r" (?:of|that|who|whose|with|in|by|from|at|on|which|where|when|for|to|than|as)\b")

CREATING = (
    "direct", "write", "make", "compose", "paint", "design", "build", "author", "create", "develop", "publish",
    "record", "produce", "invent",
)  # fmt: skip
KINDS = ("species", "kind", "type", "breed", "class", "genre", "category", "profession", "job", "occupation", "style")
"""Nouns of relations whose value a thing is said to be: *is {x} a tiger*."""
QUALITIES = (
    "status", "color", "colour", "material", "nationality", "religion", "difficulty", "level", "gender", "phase",
    "language", "shape", "technique", "condition", "size", "cuisine", "diet", "state",
)  # fmt: skip
"""Nouns of relations whose value is put before the thing, like an adjective: *endangered animals*."""
MAKERS = (
    "author", "writer", "director", "designer", "architect", "composer", "artist", "painter", "creator", "maker",
    "developer", "publisher", "photographer", "illustrator", "builder", "sculptor", "inventor", "manufacturer",
    "brewer",
)  # fmt: skip
"""Nouns of relations whose value something is said to be *by*."""
LYING = ("located", "situated", "based", "found", "headquartered", "built", "kept", "housed", "held", "made", "set")
WRAPPERS = (
    ("what is {p}", 10), ("what are {p}", 6), ("{p}", 8), ("name {p}", 2), ("tell me {p}", 2), ("give me {p}", 1),
    ("can you tell me {p}", 1), ("do you know {p}", 1), ("list {p}", 1), ("find {p}", 1), ("i want to know {p}", 1),
    ("show me {p}", 1), ("what was {p}", 3), ("what were {p}", 1), ("whats {p}", 1), ("what's {p}", 1),
    ("which are {p}", 1), ("do you have {p}", 0.5), ("i need {p}", 0.5), ("are there {p}", 0.5),
    ("{p}, what is that", 0.3), ("i am looking for {p}", 0.5), ("could you give me {p}", 0.5),
    ("what would be {p}", 0.3), ("search {p}", 0.3),
)  # fmt: skip
OPENERS = ("hey ", "so ", "please ", "ok ", "hi, ", "and ", "now ", "quick question: ", "i wonder, ")
CLOSERS = (" please", " thanks", " again", " by the way", ", do you know that", " exactly", " originally", " then")
PERSON_WRAPPERS = (("who is {p}", 12), ("who are {p}", 6), ("who was {p}", 6), ("who were {p}", 2), ("who's {p}", 1))
TIME_WRAPPERS = (("when was {p}", 4), ("when is {p}", 4))


@dataclass(frozen=True, slots=True)
class Type:
    """A kind of entity: its nouns, and which question word asks for it."""

    name: str
    singular: tuple[str, ...]
    plural: tuple[str, ...]
    asked: str  # who, what, when


class Noun(NamedTuple):
    """What the other end is to this one, in singular and plural: a film's *director*, *directors*."""

    one: str
    many: str


class Verb(NamedTuple):
    """What this end does to the other, plain and past: *direct*, *directed*."""

    base: str
    simple: str


@dataclass(frozen=True)
class Side:
    """A relation asked from one end: its labels when stored that way round, its noun phrases and its questions.

    `participles` are what this end is, by the other: *directed by*, *located in*. `asks` are those of the questions
    that people put, `clauses` noun phrases made of them. What the source is, things are called by where `names_kind`:
    a species, a genre.
    """

    source: str
    target: str
    labels: tuple[str, ...]
    phrases: tuple[str, ...]
    questions: tuple[str, ...]
    nouns: tuple[Noun, ...] = ()
    verbs: tuple[Verb, ...] = ()
    participles: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    names_kind: bool = False

    @cached_property
    def label_set(self) -> frozenset[str]:
        """All labels, for comparing."""
        return frozenset(self.labels)


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of the lexicon; `group` names relations too alike to stand in one schema."""

    sides: tuple[Side, Side]
    group: str


class Degree(NamedTuple):
    """An adjective that compares: *older*, *oldest*."""

    comparative: str
    superlative: str


class Degrees(NamedTuple):
    """The adjectives for more and for less of something."""

    more: tuple[Degree, ...]
    less: tuple[Degree, ...]


@dataclass(slots=True)
class _Draft:
    """A side while it is filled."""

    labels: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    nouns: list[Noun] = field(default_factory=list)
    verbs: list[Verb] = field(default_factory=list)
    participles: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    names_kind: bool = False

    def add(self, texts: Iterable[str]) -> None:
        """Take phrases, and questions by their mark."""
        for text in texts:
            (self.asks if text.endswith("?") else self.phrases).append(text.removesuffix("?"))

    def side(self, source: Type, target: Type) -> Side:
        """Give the side, nothing twice."""
        asks = list(self.asks)
        for ask in self.asks:
            asks += rewordings(ask, target.name, target.singular, target.plural)[:MOST_REWORDINGS]
        made = [one for ask in self.asks for one in clauses(ask, target.singular, target.asked == "who")]
        self.questions += asks
        return Side(
            source.name,
            target.name,
            labels=tuple(dict.fromkeys(self.labels)),
            phrases=tuple(dict.fromkeys(self.phrases)),
            questions=tuple(dict.fromkeys(self.questions)),
            nouns=tuple(dict.fromkeys(self.nouns)),
            verbs=tuple(dict.fromkeys(self.verbs)),
            participles=tuple(dict.fromkeys(self.participles)),
            asks=tuple(dict.fromkeys(asks)),
            clauses=tuple(dict.fromkeys(made)),
            names_kind=self.names_kind,
        )


def progressive(verb: str) -> str:
    """Give a verb's -ing form."""
    return (verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb) + "ing"


class Lexicon:
    """Types and relations with all their ways to be named and asked."""

    def __init__(
        self, types: Mapping[str, Type], relations: Sequence[Relation], degrees: Mapping[str, Degrees] | None = None
    ) -> None:
        self.types = types
        self.degrees = degrees or {}
        self.relations = relations
        self.sides_from: defaultdict[str, list[tuple[Relation, int]]] = defaultdict(list)
        for relation in relations:
            for number, side in enumerate(relation.sides):
                if side.phrases or side.questions:
                    self.sides_from[side.source].append((relation, number))

    @classmethod
    def read(cls, path: Path) -> "Lexicon":
        """Read a lexicon file."""
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        types = {name: _type(name, nouns) for name, nouns in content["types"].items()}
        degrees = {noun: _degrees(text) for noun, text in content["degrees"].items()}
        relations = [relation_of(entry, types) for given in content["relation"] for entry in _entries(given)]
        return cls(types, relations, degrees)


def _entries(given: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Give an entry, or one for each line of its `each`: nouns, then questions, between commas."""
    if "each" not in given:
        yield given
        return
    for line in given["each"].strip().splitlines():
        parts = [part.strip() for part in line.split(",")]
        nouns, questions = ("; ".join(p for p in parts if p.endswith("?") == asked) for asked in (False, True))
        yield {"types": given["types"], "nouns": nouns, "ask": questions}


def _type(name: str, text: str) -> Type:
    nouns, _, asked = text.partition("|")
    singular, several = [], []
    for noun in _split(nouns):
        one, _, many = noun.partition("/")
        singular.append(one)
        several.append(many or plural(one))
    return Type(name, tuple(singular), tuple(several), asked.strip() or "what")


def _degrees(text: str) -> Degrees:
    more, less = ([Degree(*word.split("/")) for word in _split(part)] for part in text.split("|"))
    return Degrees(tuple(more), tuple(less))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def relation_of(entry: Mapping[str, str], types: Mapping[str, Type]) -> Relation:
    """Unfold an entry of the lexicon."""
    source, target = (name.strip() for name in entry["types"].split(">"))
    sides = (_Draft(labels=_split(entry.get("labels", ""))), _Draft(labels=_split(entry.get("inverse", ""))))
    ends = (types[source], types[target])
    for noun in _split(entry.get("nouns", "")):
        _noun(noun, sides[0], sides[1], ends[0])
    for noun in _split(entry.get("roles", "")):
        _noun(noun, sides[1], sides[0], ends[1])
    for verb in _split(entry.get("by", "")):
        _verb(verb, sides[1], sides[0], ends[1], ends[0])
    for verb in _split(entry.get("does", "")):
        _verb(verb, sides[0], sides[1], ends[0], ends[1])
    for participle in _split(entry.get("be", "")):
        _participle(participle, sides[0], sides[1], ends[0], ends[1])
    sides[0].add(_split(entry.get("ask", "")))
    sides[1].add(_split(entry.get("ask_back", "")))
    made = (sides[0].side(*ends), sides[1].side(*reversed(ends)))
    return Relation(made, entry.get("group", ""))


def _noun(noun: str, side: _Draft, other: _Draft, source: Type) -> None:
    """What one end is to the other: the capital of a country."""
    one, _, many = noun.partition("/")
    many = many or plural(one)
    side.nouns.append(Noun(one, many))
    side.labels += [one, one, f"has {one}", many]
    other.labels += [f"{one} of", f"is {one} of"]
    for form in dict.fromkeys((one, one, many)):
        side.phrases += [f"the {form} of {{x}}", f"{{x}}'s {form}", f"{form} of {{x}}", f"the {{x}} {form}"]
    side.phrases.append(f"{{x}} {one}")
    side.questions += [f"what {one} does {{x}} have", f"which {many} does {{x}} have"]
    last = one.rpartition(" ")[2]
    if last in KINDS or last in QUALITIES:
        side.questions += [f"what {one} is {{x}}", f"which {one} is {{x}}", f"what {one} are {{x}}"]
    if last in KINDS:
        forms = ("kind", "type", one)
        side.questions += [f"what {form} of {kind} is {{x}}" for form in forms for kind in source.singular]
    for kind, kinds in zip(source.singular, source.plural, strict=True):
        other.phrases += [
            f"the {kind} whose {one} is {{x}}",
            f"{kinds} with {one} {{x}}",
            f"{kinds} that have {{x}} as {one}",
        ]
        if last in MAKERS:
            other.phrases += [f"{kinds} by {{x}}", f"{kinds} by {{x}}"]
            other.questions += [f"which {kinds} are by {{x}}", f"which {kind} is by {{x}}"]
        other.questions += [
            f"which {kind} has {{x}} as its {one}", f"{{x}} is the {one} of which {kind}",
            f"what {kinds} have the {one} {{x}}",
            f"which {kind} has the {one} {{x}}", f"of which {kind} is {{x}} the {one}",
        ]  # fmt: skip
    other.questions += [f"what is {{x}} the {one} of", f"{{x}} is the {one} of what", f"whose {one} is {{x}}"]
    other.names_kind |= last in KINDS
    if last in KINDS or last in QUALITIES:
        for kinds in source.plural:
            other.phrases += [f"{{x}} {kinds}", f"{kinds} that are {{x}}"]
            other.questions += [f"which {kinds} are {{x}}", f"what {kinds} are {{x}}"]


def _verb(text: str, side: _Draft, other: _Draft, agent: Type, patient: Type) -> None:
    """What the source does to the target: a person directs films, a player plays for a club."""
    forms, _, rest = text.partition(" ")
    base, *irregular = forms.split("/")
    simple, participle = irregular if irregular else [past(base)] * 2
    rest = f" {rest}" if rest else ""
    side.labels += [f"{third(base)}{rest}", f"{simple}{rest}"]
    side.verbs.append(Verb(f"{base}{rest}", f"{simple}{rest}"))
    if not rest:
        other.participles.append(f"{participle} by")
        other.labels += [f"{participle} by", f"{participle} by", f"was {participle} by"]
    who = agent.asked if agent.asked == "who" else "what"
    link = "who" if who == "who" else "that"
    for kind, kinds in zip(patient.singular, patient.plural, strict=True):
        side.questions += [f"which {kind} did {{x}} {base}{rest}", f"what {kinds} does {{x}} {base}{rest}"]
        side.phrases += [f"the {kind} that {{x}} {simple}{rest}", f"{kinds} {{x}} {third(base)}{rest}"]
        preposition = rest.rpartition(" ")[2]
        if preposition in PREPOSITIONS:
            verb = f"{base}{rest}".removesuffix(f" {preposition}")
            side.questions += [f"{preposition} which {noun} did {{x}} {verb}" for noun in (kind, kinds)]
        if not rest:
            side.phrases += [f"{kinds} {participle} by {{x}}", f"the {kind} {participle} by {{x}}"]
            if base in CREATING:
                side.phrases += [f"{kinds} by {{x}}", f"the {kind} by {{x}}"]
            side.questions += [f"what {kinds} were {participle} by {{x}}", f"which {kind} was {participle} by {{x}}"]
    side.questions += [
        f"what did {{x}} {base}{rest}",
        f"what does {{x}} {base}{rest}",
        f"what has {{x}} {participle}{rest}",
    ]
    if patient.asked == "who":
        side.questions += [
            f"who does {{x}} {base}{rest}",
            f"who did {{x}} {base}{rest}",
            f"whom did {{x}} {base}{rest}",
        ]
    other.questions += [f"{who} {simple}{rest} {{x}}", f"{who} {third(base)}{rest} {{x}}"]
    for kind, kinds in zip(agent.singular, agent.plural, strict=True):
        other.questions += [f"which {kind} {simple}{rest} {{x}}", f"what {kinds} {base}{rest} {{x}}"]
        other.phrases += [
            f"the {kind} {link} {simple}{rest} {{x}}", f"{kinds} {progressive(base)}{rest} {{x}}",
            f"{kinds} {link} {base}{rest} {{x}}",
        ]  # fmt: skip
    if not rest:
        other.questions += [f"{who} was {{x}} {participle} by", f"{{x}} was {participle} by {who}"]
        if who == "who":
            other.questions.append(f"by whom was {{x}} {participle}")


def _participle(text: str, side: _Draft, other: _Draft, source: Type, target: Type) -> None:
    """What the source is, by the target: a city is located in a country."""
    side.labels += [text, text, f"is {text}"]
    side.participles.append(text)
    first, _, preposition = text.rpartition(" ")
    if target.asked == "when":  # a bare "founded" leads to a year
        side.labels += [first, first]
    for kind in target.singular:
        side.questions += [f"which {kind} is {{x}} {text}", f"{preposition} which {kind} is {{x}} {first}"]
        side.phrases += [f"the {kind} {{x}} is {text}", f"the {kind} {preposition} which {{x}} is {first}"]
    side.questions += [f"what is {{x}} {text}", f"what was {{x}} {text}"]
    who = source.asked if source.asked == "who" else "what"
    for kind, kinds in zip(source.singular, source.plural, strict=True):
        other.questions += [f"which {kind} is {text} {{x}}", f"what {kinds} are {text} {{x}}"]
        other.phrases += [f"{kinds} {text} {{x}}", f"the {kind} {text} {{x}}", f"{kinds} that are {text} {{x}}"]
    if first in LYING and preposition == "in":
        other.phrases += [f"{the}{kinds} in {{x}}" for kinds in source.plural for the in ("", "the ")]
    other.questions += [f"{who} is {text} {{x}}", f"{who} was {text} {{x}}"]


def wrap(phrase: str, target: Type, random: Random) -> str:
    """Make a question of a noun phrase."""
    wrappers = WRAPPERS + {"who": PERSON_WRAPPERS, "when": TIME_WRAPPERS}.get(target.asked, ())
    templates, weights = zip(*wrappers, strict=True)
    if random.random() < 0.1:
        text = f"which {random.choice(target.singular)} is {{p}}"
    else:
        text = str(random.choices(templates, weights)[0])
    return agree(text, "{p}", phrase)


def agree(text: str, slot: str, phrase: str) -> str:
    """Put a noun phrase for a slot, and the verb before it into the phrase's number."""
    verbs = PLURAL_VERBS if is_plural(phrase) else SINGULAR_VERBS
    for verb, other in verbs.items():
        text = text.replace(f"{verb} {slot}", f"{other} {slot}")
    return text.replace(slot, phrase)


def is_plural(phrase: str) -> bool:
    """Tell a phrase of several by the ending of the noun before its first preposition or clause."""
    if phrase.startswith(MENTION) and "'s " not in phrase:
        return False
    head = _HEAD_END.split(phrase.rpartition("'s ")[2].removeprefix("the "), 1)[0].split()
    return any(word in PLURALS or re.search(r"[^sui]s$", word) is not None for word in {*head[:1], *head[-1:]})


def noisy(text: str, names: Container[str], random: Random) -> str:
    """Misspell a word now and then, forget articles, add words that say nothing, and the question mark or none."""
    words = []
    for word in text.split():
        if word in ("the", "a", "an") and random.random() < 0.08:
            continue
        if len(word) > 4 and not any(char in names for char in word) and random.random() < TYPO_CHANCE:
            at = random.randrange(len(word) - 1)
            word = random.choice((word[:at] + word[at + 1 :], word[:at] + word[at + 1] + word[at] + word[at + 2 :]))
        words.append(word)
    opener = random.choice(OPENERS) if random.random() < 0.04 else ""
    closer = random.choice(CLOSERS) if random.random() < 0.04 else ""
    return opener + " ".join(words) + closer + random.choice(("", "", "?", " ?"))
