"""Questions to be answered by yes or no, each with the plan of its steps."""

from random import Random

from models.episodes import OTHER, VALUE, Asked, Manner
from models.tasks.clauses import SLOT
from models.tasks.grammar import KINDS, QUALITIES
from models.tasks.plans import ORDERED, VALUES, Plan, Planned, Steps
from models.tasks.wording import bounds, degrees_of, many, nested, topic

COMPARES = 0.3
CONFIRMS = (
    "is it true that {s}", "is it correct that {s}", "{s}, right", "{s}, is that so", "{s}, correct", "{s}",
    "can you confirm that {s}", "do you know whether {s}", "tell me if {s}", "true or false: {s}",
    "{s}, isn't it", "{s}, yes or no",
)  # fmt: skip


def claim(steps: Steps, random: Random) -> Plan:
    """Ask whether something is so: of the topic itself, or of what a noun phrase leads to from it."""
    if random.random() < 0.25:
        path = steps.path(random, (1.0,), to_things=True)
        kind, start = path[-1].side.target, path[0].side.source
    else:
        path, start = [], _source(steps, random)
        kind = start
    subject = nested(path, topic(steps.lexicon.types[start], random), random)
    made = (
        _comparison(steps, kind, subject, random) if random.random() < COMPARES else _fact(steps, kind, subject, random)
    )
    if made is None:
        return claim(steps, random)
    text, step = made
    return Plan(text, start, (*path, step), Asked.WHETHER)


def _source(steps: Steps, random: Random) -> str:
    """Draw a kind to claim something of: as the relations have it."""
    while True:
        source = steps.draw(None, random).side.source
        if source not in VALUES:
            return source


def _fact(steps: Steps, kind: str, subject: str, random: Random) -> tuple[str, Planned] | None:
    """Claim that a subject has a value."""
    step = steps.draw(kind, random)._replace(manner=Manner.KEEP)
    value = VALUE if step.side.target in ORDERED else OTHER
    side, back = step.side, step.back
    be = random.choice(("is", "was"))
    asked, stated = [], []
    for phrase in side.phrases:
        if phrase.startswith(("the ", f"{SLOT}'s")):
            asked.append(f"{be} {value} {phrase.replace(SLOT, subject)}")
            stated.append(f"{value} {be} {phrase.replace(SLOT, subject)}")
    for phrase in back.phrases:
        if phrase.startswith("the "):
            asked.append(f"{be} {subject} {phrase.replace(SLOT, value)}")
    for participle in side.participles:
        asked += [f"{be} {subject} {participle} {value}"] * 3
        stated.append(f"{subject} {be} {participle} {value}")
    asked += [f"{be} {value} {participle} {subject}" for participle in back.participles]
    for verb in side.verbs:
        asked += [f"{do} {subject} {verb.base} {value}" for do in ("did", "does", "do")]
        stated.append(f"{subject} {verb.simple} {value}")
    for verb in back.verbs:
        asked += [f"did {value} {verb.base} {subject}", f"does {value} {verb.base} {subject}"]
        stated.append(f"{value} {verb.simple} {subject}")
    if any(noun.one in KINDS for noun in side.nouns):
        asked += [f"{be} {subject} {article} {value}" for article in ("a", "a", "an")]
        stated.append(f"{subject} {be} a {value}")
    if any(noun.one in QUALITIES for noun in side.nouns):
        asked += [f"{be} {subject} {value}", f"{be} {subject} {value}", f"are {subject} {value}"]
        stated.append(f"{subject} {be} {value}")
    for noun in side.nouns:
        asked += [f"does {subject} have {value} as {noun.one}", f"does {subject} have the {noun.one} {value}"]
        asked += [f"{be} the {noun.one} of {subject} {value}", f"{be} {subject}'s {noun.one} {value}"]
        asked += [f"{be} {value} one of the {noun.many} of {subject}", f"{be} {value} a {noun.one} of {subject}"]
        stated += [f"the {noun.one} of {subject} {be} {value}", f"{value} {be} a {noun.one} of {subject}"]
    return (_said(asked, stated, random), step) if asked or stated else None


def _comparison(steps: Steps, kind: str, subject: str, random: Random) -> tuple[str, Planned] | None:
    """Claim that a subject has more or less than a number, or than another thing has."""
    manner = random.choice((Manner.ABOVE, Manner.BELOW))
    be = random.choice(("is", "is", "was"))
    if random.random() < 0.2:
        step = steps.draw(kind, random)._replace(manner=manner)
        if step.side.target in VALUES or not step.side.nouns:
            return None
        if random.random() < 0.5:
            noun = random.choice(step.side.nouns).many
            more = "more" if manner is Manner.ABOVE else "fewer"
            return f"does {subject} have {more} {noun} than {OTHER}", step
        said = random.choice(many(step, manner, random)).split(" ", 1)[1].removeprefix("have ")
        return f"does {subject} have {said}".replace(SLOT, VALUE), step
    step = steps.ordered(kind, random)._replace(manner=manner)
    value = OTHER if random.random() < 0.5 else VALUE
    asked, stated = [], []
    for degree in degrees_of(step, manner, steps):
        asked += [f"{be} {subject} {degree.comparative} than {value}"] * 2
        stated.append(f"{subject} {be} {degree.comparative} than {value}")
    for text in bounds(step, manner, steps, beside_entity=value == OTHER, random=random):
        said = text.replace(SLOT, value)
        if said.startswith("with "):
            asked.append(f"does {subject} have {said.removeprefix('with ')}")
        elif not said.startswith(("that ", "which ", "whose ")):
            asked.append(f"{be} {subject} {said}")
            stated.append(f"{subject} {be} {said}")
    return (_said(asked, stated, random), step) if asked or stated else None


def _said(asked: list[str], stated: list[str], random: Random) -> str:
    if stated and (not asked or random.random() < 0.2):
        return random.choice(CONFIRMS).replace("{s}", random.choice(stated))
    return random.choice(asked)
