"""Questions that leave something unsaid: a hop on the way, or the relation itself. Pure.

*what does Luna eat*, where her species has a diet; *which country was Ada born in*, where she has a town of birth;
*the stations on the Blue Line*, where stations are served by lines. Facts lie with what a thing belongs to, its kind,
its place or its group, and who asks need not know where.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from random import Random

from models.episodes import Asked
from models.tasks.clauses import PLACES, SLOT
from models.tasks.grammar import Lexicon, Relation, Type, agree, wrap
from models.tasks.plans import ORDERED, VALUES, Plan, Planned, Steps
from models.tasks.wording import asked_of, nested, topic

GROUPS = (
    "school", "company", "organization", "team", "league", "department", "server", "line", "album", "museum", "party",
    "constellation", "dynasty", "series", "airline", "hospital", "project", "season", "event",
)  # fmt: skip
LYING = (
    "part of", "on", "located in", "located at", "located on", "situated in", "situated on", "based in", "kept in",
    "headquartered in", "housed in", "stored in", "found in", "hosted in", "hosted on", "installed in", "installed on",
    "deployed in", "deployed on", "deployed to", "assigned to", "displayed in", "exhibited in", "standing in",
    "served by", "employed by", "employed at", "enrolled in", "registered in", "signed to", "signed with",
    "maintained in", "contained by", "running in", "available at",
)  # fmt: skip
BEING = (
    "belong to", "live in", "live on", "dwell in", "reside in", "play for", "play in", "play at", "work for", "work at",
    "work in", "work on", "run on", "run in", "sit in", "stand in", "study at", "compete in", "go around",
    "flow through", "revolve around", "operate in", "take place in", "grow in",
)  # fmt: skip
"""Participles and verbs of what belongs to something, is part of it or in it."""
PLACING = ("in", "at", "on", "to", "from", "for")
LINKS = ("of", "of", "in", "on", "at", "for", "from", "with", "by")
AT = ("in", "in", "on", "at", "with", "from", "for")
COUNTS = (
    "how many {many} does {x} have", "how many {many} are {at} {x}", "how many {many} are there {at} {x}",
    "how many {many} has {x}", "number of {many} {at} {x}", "how many {many} of {x} are there",
)  # fmt: skip
PHRASES = (
    "the {many} {link} {x}", "{many} {link} {x}", "{x}'s {many}", "{x} {many}", "the {many} that {x} has",
    "all {many} of {x}",
)  # fmt: skip
QUESTIONS = (
    "which {many} does {x} have", "what {many} does {x} have", "which {many} are {at} {x}", "what {one} does {x} have",
    "what {many} are there {at} {x}", "which {one} is {at} {x}", "which {one} is {x} {at}", "what {one} is {x} {at}",
    "{at} which {one} is {x}",
)  # fmt: skip
WHO = ("who is {at} {x}", "who are {x}'s {many}", "who is {at} {x}")
ABSTRACT = ("thing", "genre", "color", "material", "job", "position", "topic", "language", "religion", "currency")
"""Kinds that a question cannot name instead of a relation."""
TRIES = 30
INVERTED = 0.7
"""How often those that belong to the topic are asked for, not what it belongs to."""
CARRIED = 0.6
"""How often what is asked for only by its kind belongs to the topic."""
DEEP = 0.3
"""How often the topic is itself named by a noun phrase, or something of those found is asked for."""
OF_KIND = 0.8
"""How often a kind of things has what else the things have."""
COUNTED = 0.2


def belongs(step: Planned, types: Mapping[str, Type]) -> bool:
    """Tell whether a step leads to what its source belongs to: its kind, its place, its group."""
    side = step.side
    container = side.target in (*PLACES, *GROUPS)
    return (
        step.back.names_kind
        or any(participle in LYING for participle in side.participles)
        or any(verb.base in BEING for verb in side.verbs)
        or (container and any(noun.one.split()[-1] in types[side.target].singular for noun in side.nouns))
    )


def blurs(relation: Relation, plan: Plan, lexicon: Lexicon) -> bool:
    """Tell whether a relation that a schema has beside a plan's would be as good an answer.

    What is not said in words is told by the kinds that a relation joins; beside what belongs somewhere, that which
    stands there in a role is another thing: a line's stations are not its terminus.
    """
    if plan.between is None or {relation.sides[0].source, relation.sides[1].source} != set(plan.between):
        return False
    return not plan.by_belonging or any(belongs(Planned(relation, side), lexicon.types) for side in (0, 1))


def shortcut(steps: Steps, random: Random) -> Plan | None:
    """Ask over a hop that is not mentioned: for what the topic's kind or place has, or for what lies there.

    None where no such question was drawn: not every knowledge base has one.
    """
    for _ in range(TRIES):
        first = steps.draw(None, random)
        if first.side.source not in VALUES and first.side.target not in ORDERED:
            made = _through(steps, first, random) if random.random() < 0.5 else _beyond(steps, first, random)
            if made:
                return made
    return None


def _through(steps: Steps, first: Planned, random: Random) -> Plan | None:
    """Ask the topic's kind or place for something as if it were the topic's own: *which league is Ronaldo in*."""
    types = steps.lexicon.types
    if not belongs(first, types):
        return _within(steps, first, random) if belongs(first.turned, types) else None
    if first.back.names_kind and random.random() < OF_KIND:
        second = _of_kind(steps.draw(first.side.source, random), first.side.target)
    else:
        second = steps.draw(first.side.target, random)
    is_measure = second.side.target in ORDERED and not first.back.names_kind
    if second.relation is first.relation or second.side.target == first.side.source:
        return None
    if is_measure or second.side.names_kind:
        return None
    path, inner = _inner(steps, first, random)
    text = asked_of(second.side, inner, types, random, asks=0.6)
    between = None if second.side.target in VALUES else (first.side.source, second.side.target)
    return Plan(text, path[0].side.source, (*path, second), between=between)


def _within(steps: Steps, first: Planned, random: Random) -> Plan | None:
    """Say of a larger place what is so of one in it: *who was born in France*."""
    second = steps.draw(first.side.target, random)
    said = (*second.back.participles, *(verb.base for verb in second.back.verbs))
    if second.relation is first.relation or not any(text.rpartition(" ")[2] in PLACING for text in said):
        return None
    path, inner = _inner(steps, first, random)
    text = asked_of(second.side, inner, steps.lexicon.types, random)
    return Plan(text, path[0].side.source, (*path, second), between=(first.side.source, second.side.target))


def _of_kind(step: Planned, kind: str) -> Planned:
    """Give a relation of things to a kind of them."""
    ends = [step.side, step.back]
    ends[0], ends[1] = replace(ends[0], source=kind), replace(ends[1], target=kind)
    return Planned(Relation((ends[0], ends[1]), step.relation.group), 0)


def _beyond(steps: Steps, first: Planned, random: Random) -> Plan | None:
    """Ask for what lies around or in what the question's words lead to: *which country was she born in*."""
    types = steps.lexicon.types
    second = steps.draw(first.side.target, random)
    near, far = types[first.side.target], types[second.side.target]
    if far.name in (near.name, first.side.source, *VALUES) or second.relation is first.relation:
        return None
    if not (_lies_in(second, types) or _lie_there(second, types)):
        return None
    asked = [text for given in first.side.questions for text in _renamed(given, near, far)]
    if not asked:
        return None
    path, inner = _inner(steps, first, random)
    text = random.choice(asked)
    counted = re.fullmatch(rf"(?:which|what) ({'|'.join(far.plural)}) (.+)", text)
    how = Asked.COUNT if counted and random.random() < COUNTED else Asked.ENTITIES
    if counted and how is Asked.COUNT:
        text = f"how many {counted[1]} {counted[2]}"
    text = agree(text, SLOT, inner)
    return Plan(text, path[0].side.source, (*path, second), how, between=(first.side.source, far.name))


def _lies_in(step: Planned, types: Mapping[str, Type]) -> bool:
    """Tell whether a step leads to a larger place, or to a group's group."""
    ends = {step.side.source, step.side.target}
    return belongs(step, types) and (step.side.target in PLACES or ends <= {*GROUPS})


def _lie_there(step: Planned, types: Mapping[str, Type]) -> bool:
    """Tell whether a step leads to the things of a kind, or in a place, or to the people of a group."""
    if step.side.target in ABSTRACT or not belongs(step.turned, types):
        return False
    return step.side.names_kind or (step.side.source in GROUPS) == (types[step.side.target].asked == "who")


def _renamed(question: str, near: Type, far: Type) -> list[str]:
    """Put nouns of another kind behind a question's *which*."""
    found = []
    for nouns, others in ((near.singular, far.singular), (near.plural, far.plural)):
        for noun in nouns:
            head = re.match(rf"((?:[a-z]+ )?(?:which|what)) {noun}\b", question)
            if head:
                found += [f"{head[1]} {other}{question[head.end() :]}" for other in others]
    return found


def _inner(steps: Steps, first: Planned, random: Random) -> tuple[list[Planned], str]:
    """Name the topic, or now and then something of a topic's; with the steps up to the first one that is meant."""
    before = steps.draw(first.side.source, random).turned
    if random.random() >= DEEP or not before.side.phrases or before.side.source in VALUES:
        return [first], topic(steps.lexicon.types[first.side.source], random)
    return [before, first], nested([before], topic(steps.lexicon.types[before.side.source], random), random)


def by_kind(steps: Steps, random: Random) -> Plan | None:
    """Ask for what stands to the topic in a relation that only the kinds of both tell: *which moons has Mars*.

    None where no such question was drawn.
    """
    types = steps.lexicon.types
    drawn = _by_kind_step(steps, random)
    if drawn is None:
        return None
    step, carried = drawn
    near, far = types[step.side.source], types[step.side.target]
    inner, place = topic(near, random), random.choice(AT)
    at = random.randrange(len(far.singular))
    one, many = far.singular[at], far.plural[at]
    plan = partial(Plan, start=near.name, between=(near.name, far.name), by_belonging=carried)
    chance = random.random()
    if chance < COUNTED:
        text = random.choice(COUNTS).format(many=many, at=place, x=inner)
        return plan(text, steps=(step,), asked=Asked.COUNT)
    phrase = random.choice(PHRASES).format(many=many, link=random.choice(LINKS), x=inner)
    onward = steps.draw(far.name, random)
    if chance < COUNTED + DEEP and onward.relation is not step.relation:
        return plan(asked_of(onward.side, phrase, types, random, asks=0.4), steps=(step, onward))
    if random.random() < 0.4:
        return plan(wrap(phrase, far, random), steps=(step,))
    asked = (*QUESTIONS, *WHO) if far.asked == "who" else QUESTIONS
    text = random.choice(asked).format(one=one, many=many, at=place, x=SLOT)
    return plan(agree(text, SLOT, inner), steps=(step,))


def _by_kind_step(steps: Steps, random: Random) -> tuple[Planned, bool] | None:
    """Draw a step between two kinds of things, and say whether one belongs to the other."""
    types, carried = steps.lexicon.types, random.random() < CARRIED
    for _ in range(TRIES):
        step = steps.draw(None, random)
        ends = {step.side.source, step.side.target}
        if len(ends) == 2 and not ends & {*VALUES, *ABSTRACT} and (not carried or belongs(step, types)):
            return (step.turned if carried and random.random() < INVERTED else step), carried
    return None
