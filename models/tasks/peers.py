"""Questions for others of the topic's own kind that have the same: *which films share an actor with {x}*. Pure.

Two steps answer one, a relation and the same one back; a third may ask for something of those found.
"""

from collections.abc import Iterator
from random import Random

from models.episodes import MENTION, OTHER, Manner
from models.tasks.clauses import SLOT
from models.tasks.grammar import Type, wrap
from models.tasks.plans import VALUES, Plan, Planned, Steps
from models.tasks.wording import asked_of, modifiers

GO_ON = 0.35
"""How often something of those found is asked for."""


def peers(steps: Steps, random: Random) -> Plan:
    """Ask for those that have something in common with the topic, or for something of theirs."""
    types = steps.lexicon.types
    while True:
        step = steps.draw(None, random)
        kinds = types[step.side.source], types[step.side.target]
        phrases = list(_phrases(step, *kinds))
        if step.side.source not in VALUES and phrases:
            break
    if random.random() < GO_ON:
        onward = steps.draw(step.side.source, random)
        text = random.choice(phrases).replace(SLOT, MENTION)
        return Plan(asked_of(onward.side, text, types, random), step.side.source, (step, step.turned, onward))
    asked = list(_questions(step, *kinds))
    if asked and random.random() < 0.6:
        text = random.choice(asked).replace(SLOT, MENTION)
    else:
        text = wrap(random.choice(phrases).replace(SLOT, MENTION), kinds[0], random)
    return Plan(text, step.side.source, (step, step.turned))


def common(steps: Steps, random: Random) -> Plan | None:
    """Ask for what two have in common: *which films star both {x} and {y}*; None where values came in between."""
    types = steps.lexicon.types
    step = steps.draw(None, random)
    if {step.side.source, step.side.target} & {*VALUES}:
        return None
    found = list(_shared(step, steps))
    names = [MENTION, OTHER]
    random.shuffle(names)
    pair = random.choice(("both {} and {}", "both {} and {}", "{} and {}", "{} as well as {}", "{} and also {}"))
    text = random.choice(found).replace(SLOT, pair.format(*names))
    if not text.startswith(("which ", "what ", "who ", "in ", "with ")):
        text = wrap(text, types[step.side.target], random)
    return Plan(text, step.side.source, (step, step.turned._replace(manner=Manner.KEEP)))


def _shared(step: Planned, steps: Steps) -> Iterator[str]:
    """Give questions and noun phrases for what is related to several."""
    far = steps.lexicon.types[step.side.target]
    for several in far.plural:
        yield f"which {several} do {SLOT} have in common"
        yield f"what {several} do {SLOT} share"
        for modifier in modifiers(step.turned, steps.lexicon):
            yield from (f"{several} {modifier}", f"the {several} {modifier}")
            if modifier.startswith(("that ", "who ")):
                yield f"which {several} {modifier.split(' ', 1)[1]}"
    for verb in step.side.verbs:
        yield from (f"which {several} did {SLOT} {verb.base}" for several in far.plural)
    for verb in step.back.verbs:
        yield f"{'who' if far.asked == 'who' else 'what'} {verb.simple} {SLOT}"
        yield from (f"which {several} {verb.simple} {SLOT}" for several in far.plural)


def _phrases(step: Planned, own: Type, other: Type) -> Iterator[str]:
    """Give noun phrases for the peers of {x}; `other` is the kind of what they have in common."""
    link = "who" if own.asked == "who" else "that"
    for several in own.plural:
        for one, many in step.side.nouns:
            yield from (
                f"{several} with the same {one} as {SLOT}",
                f"the {several} that have the same {one} as {SLOT}",
                f"{several} that share {many} with {SLOT}",
                f"the {several} sharing a {one} with {SLOT}",
                f"the {several} {link} share {SLOT}'s {one}",
            )
            for verb in step.back.verbs:
                yield f"{several} whose {many} also {verb.simple} {SLOT}"
        for common in _commons(step, other):
            for participle in step.side.participles:
                yield f"{several} {participle} the same {common} as {SLOT}"
            for verb in step.side.verbs:
                yield f"{several} {link} {verb.simple} the same {common} as {SLOT}"
    if own.asked == "who":
        for _, many in step.back.nouns:
            yield from (f"the co-{many} of {SLOT}", f"{SLOT}'s co-{many}", f"fellow {many} of {SLOT}")


def _questions(step: Planned, own: Type, other: Type) -> Iterator[str]:
    """Give questions for the peers of {x}."""
    who = own.asked if own.asked == "who" else "what else"
    for one, many in step.side.nouns:
        yield f"{who} has the same {one} as {SLOT}"
        for several in own.plural:
            yield from (
                f"which {several} share the same {one} with {SLOT}",
                f"which {several} have the same {one} as {SLOT}",
                f"what {several} share a {one} with {SLOT}",
                f"which other {several} have {SLOT}'s {one}",
                f"the {one} of {SLOT} is also the {one} of which {several}",
                f"with which {several} does {SLOT} share {many}",
            )
    for common in _commons(step, other):
        for participle in step.side.participles:
            yield f"{who} is {participle} the same {common} as {SLOT}"
            for several in own.plural:
                yield f"which {several} are {participle} the same {common} as {SLOT}"
        for verb in step.side.verbs:
            yield f"{who} {verb.simple} the same {common} as {SLOT}"
    for verb in step.side.verbs:
        done, _, rest = verb.simple.partition(" ")
        yield from (f"{who} {done} together with {SLOT}", f"{SLOT} {done} together with {own.asked}")
        for several in () if rest else other.plural:
            yield from (f"{who} {done} {several} together with {SLOT}", f"{who} co-{done} {several} with {SLOT}")
    if own.asked == "who":
        for _, many in step.back.nouns:
            for one in other.singular:
                yield f"who are the {one} co-{many} of {SLOT}"


def _commons(step: Planned, other: Type) -> tuple[str, ...]:
    """Give singular nouns for what peers have in common."""
    return (*other.singular, *(noun.one for noun in step.side.nouns))
