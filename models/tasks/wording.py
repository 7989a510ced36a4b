"""Wording: noun phrases, and what may stand after a noun to say which ones are meant. Pure."""

import re
from collections.abc import Mapping, Sequence
from random import Random

from models.episodes import MENTION, Manner
from models.tasks.clauses import SLOT
from models.tasks.grammar import Degree, Lexicon, Side, Type, agree, wrap
from models.tasks.plans import Planned, Steps

ASKING = ("which ", "what ", "who ")
BY_KIND = 0.4
"""How often things are called by their kind, where a relation has it."""
CLAUSES = 0.35
GO_ON = 0.15
"""How often a noun phrase is asked further about."""
LATER = (
    "after {x}",
    "after {x}",
    "later than {x}",
    "since {x}",
    "from {x} on",
    "in or after {x}",
    "no earlier than {x}",
)
EARLIER = (
    "before {x}",
    "before {x}",
    "earlier than {x}",
    "until {x}",
    "prior to {x}",
    "up to {x}",
    "no later than {x}",
)
MORE = ("more than {x}", "over {x}", "at least {x}", "above {x}", "greater than {x}", "no less than {x}")
LESS = ("less than {x}", "under {x}", "at most {x}", "below {x}", "fewer than {x}", "no more than {x}")
MANY = ("more than {x}", "over {x}", "at least {x}", "{x} or more", "no fewer than {x}")
FEW = ("fewer than {x}", "less than {x}", "at most {x}", "{x} or fewer", "under {x}")

HIGHER, LOWER = ("higher", "larger", "greater"), ("lower", "smaller")
BEFORE_NOUNS = ("higher", "lower", "greater", "larger", "smaller", "later", "earlier", "bigger")
"""Comparatives that can stand before the noun of a number or a year; *older* cannot."""


def nested(path: Sequence[Planned], text: str, random: Random) -> str:
    """Nest noun phrases from a text outwards."""
    for step in path:
        phrases = step.side.clauses if step.side.clauses and random.random() < CLAUSES else step.side.phrases
        text = random.choice(phrases).replace(SLOT, text)
    return text


def topic(kind: Type, random: Random) -> str:
    """Give the topic's placeholder, now and then after a noun for what it is."""
    if random.random() >= 0.12:
        return MENTION
    return f"{random.choice(('', 'the '))}{random.choice(kind.singular)} {MENTION}"


def asked_of(side: Side, text: str, types: Mapping[str, Type], random: Random, asks: float = 0.0) -> str:
    """Ask for what a side leads to from those that a noun phrase names; as people ask it at least so often."""
    if side.asks and random.random() < asks:
        return agree(random.choice(side.asks), SLOT, text)
    if side.questions and (not side.phrases or random.random() < 0.5):
        return agree(random.choice(side.questions), SLOT, text)
    return wrap(random.choice(side.phrases).replace(SLOT, text), types[side.target], random)


def modifiers(step: Planned, lexicon: Lexicon) -> list[str]:
    """Give what stands after a noun for what has a value: *directed by {x}*, *whose director is {x}*."""
    kind = lexicon.types[step.side.source]
    heads = [f"the {noun} " for noun in kind.singular] + [f"{noun} " for noun in kind.plural]
    return [phrase[len(head) :] for phrase in step.back.phrases for head in heads if phrase.startswith(head)]


def bounds(step: Planned, manner: Manner, steps: Steps, *, beside_entity: bool, random: Random) -> list[str]:
    """Give what stands after a noun for what has more (later), or less, than a number, or than another thing has."""
    is_year = step.side.target == "year"
    is_more = manner is Manner.ABOVE
    words = ((LATER if is_more else EARLIER) if is_year else (MORE if is_more else LESS))[
        : 3 if beside_entity else None
    ]
    found = []
    for degree in degrees_of(step, manner, steps):
        found += [f"{degree.comparative} than {SLOT}", f"that are {degree.comparative} than {SLOT}"]
        if degree.comparative in BEFORE_NOUNS:
            found += [f"with a {degree.comparative} {noun.one} than {SLOT}" for noun in step.side.nouns]
    if is_year:
        stems = [text.rpartition(" ")[0] for text in step.side.participles if " " in text]
        found += [
            f"{lead}{stem} {random.choice(words)}" for stem in stems for lead in ("", "", "that were ", "which got ")
        ]
        found += [f"with {noun.one} {random.choice(words)}" for noun in step.side.nouns]
    elif not found:
        for noun in step.side.nouns:
            found += [f"with a {word} {noun.one} than {SLOT}" for word in (HIGHER if is_more else LOWER)]
    if not is_year and not beside_entity:
        for noun in step.side.nouns:
            bound = random.choice(words)
            found += [f"with a {noun.one} of {bound}", f"with {noun.one} {bound}", f"whose {noun.one} is {bound}"]
            found.append(bound)
            if noun.one == noun.many:
                found += [f"with {bound} {noun.one}", f"that have {bound} {noun.one}"]
    if beside_entity and not is_year:
        more = "more" if is_more else "less"
        found += [f"with {more} {noun.one} than {SLOT}" for noun in step.side.nouns]
    return [tidy(text) for text in found]


def many(step: Planned, manner: Manner, random: Random) -> list[str]:
    """Give what stands after a noun for what has more, or fewer, values than a number."""
    words = MANY if manner is Manner.ABOVE else FEW
    return [
        f"{lead} {random.choice(words)} {noun.many}"
        for noun in step.side.nouns
        for lead in ("with", "that have", "having", "which have")
    ]


def degrees_of(step: Planned, manner: Manner, steps: Steps) -> Sequence[Degree]:
    """Give the adjectives for more, or for less, of what a step leads to."""
    degrees = steps.degrees(step.side)
    return degrees.more if manner in (Manner.ABOVE, Manner.MOST) else degrees.less


def tidy(text: str) -> str:
    """Put articles right: *a earlier* is *an earlier*."""
    return re.sub(r"\ba (?=[aeiou])", "an ", text)
