"""Questions for the one with the most or the least of something, each with the plan of its steps."""

from collections.abc import Sequence
from random import Random

from models.episodes import MENTION, Manner
from models.tasks.clauses import SLOT
from models.tasks.grammar import Type, wrap
from models.tasks.plans import ONE_OR_TWO, VALUES, Plan, Planned, Steps
from models.tasks.wording import ASKING, BY_KIND, GO_ON, degrees_of, modifiers, nested, tidy, topic


def superlative(steps: Steps, random: Random) -> Plan:
    """Ask for the one with the most or the least: of the end of a path, of everything, or of two."""
    chance = random.random()
    if chance < 0.25:
        return _of_two(steps, random)
    lexicon = steps.lexicon
    planned = [] if chance < 0.55 else steps.path(random, ONE_OR_TWO, to_things=True)
    kind = planned[-1].side.target if planned else steps.kind(random)
    start = planned[0].side.source if planned else kind
    extreme = _extreme(steps, kind, random)
    if extreme is None:
        return superlative(steps, random)
    step, before, after = extreme
    inner = nested(planned[:-1], topic(lexicon.types[start], random), random) if planned else ""
    text = _extreme_text(steps, planned[-1] if planned else None, lexicon.types[kind], inner, before, after, random)
    steps_done = [*planned, step]
    end = lexicon.types[kind]
    if random.random() < GO_ON and not text.startswith(ASKING):
        onward = steps.draw(kind, random)
        if onward.side.phrases:
            text = random.choice(onward.side.phrases).replace(SLOT, text)
            steps_done.append(onward)
            end = lexicon.types[onward.side.target]
    if not text.startswith(ASKING):
        text = wrap(text, end, random)
    return Plan(tidy(text), start, tuple(steps_done))


def _extreme(steps: Steps, kind: str, random: Random) -> tuple[Planned, list[str], list[str]] | None:
    """Draw a superlative: its step, adjectives that stand before a noun, and phrases that stand after it."""
    manner = random.choice((Manner.MOST, Manner.MOST, Manner.LEAST))
    is_most = manner is Manner.MOST
    if random.random() < 0.25:
        step = steps.draw(kind, random)._replace(manner=manner)
        if step.side.target in VALUES or not (step.side.nouns or step.side.verbs):
            return None
        most = random.choice(("the most", "the largest number of") if is_most else ("the fewest", "the least"))
        things = steps.lexicon.types[step.side.target].plural
        after = [f"{lead} {most} {noun.many}" for noun in step.side.nouns for lead in ("with", "that has", "having")]
        after += [f"that {verb.simple} {most} {random.choice(things)}" for verb in step.side.verbs]
        return step, [], after
    step = steps.ordered(kind, random)._replace(manner=manner)
    degrees = degrees_of(step, manner, steps)
    before = [degree.superlative for degree in degrees]
    if step.side.target == "year":
        words = ["latest", "most recent"] if is_most else ["earliest", "first"]
        after = [f"with the {word} {noun.one}" for noun in step.side.nouns for word in words]
        ends = ("last", "most recently") if is_most else ("first", "earliest")
        stems = [text.rpartition(" ")[0] for text in step.side.participles if " " in text]
        after += [f"that was {stem} {end}" for stem in stems for end in ends]
    else:
        words = ["highest", "largest", "greatest", "biggest", "most"] if is_most else ["lowest", "smallest", "least"]
        after = [f"with the {word} {noun.one}" for noun in step.side.nouns for word in words]
    return (step, before, after) if before or after else None


def _extreme_text(
    steps: Steps,
    base: Planned | None,
    kind: Type,
    inner: str,
    before: Sequence[str],
    after: Sequence[str],
    random: Random,
) -> str:
    """Put a superlative and what it is among into one noun phrase or question."""
    at = random.randrange(len(kind.singular))
    one, several = kind.singular[at], kind.plural[at]
    own = ""
    if base is not None and base.side.names_kind and inner == MENTION and random.random() < BY_KIND:
        one = several = inner
    elif base is not None:
        found = modifiers(base.turned, steps.lexicon)
        phrase = random.choice(base.side.phrases).replace(SLOT, inner)
        if not found or random.random() < 0.25:
            said = random.choice([f"the {word}" for word in before] or ["the one " + random.choice(after)])
            return f"which of {phrase} is {said}"
        own = " " + random.choice(found).replace(SLOT, inner)
        if base.side.nouns and before and random.random() < 0.2:
            return f"{inner}'s {random.choice(before)} {random.choice(base.side.nouns).one}"
    if before and (not after or random.random() < 0.65):
        word = random.choice(before)
        if random.random() < 0.6:
            return random.choice((f"the {word} {one}{own}", f"{word} {one}{own}", f"the {word} of all {several}{own}"))
        said = random.choice(("is the", "is", "was the"))
        return f"{random.choice(('which', 'what'))} {one}{own} {said} {word}"
    word = random.choice(after)
    question = word.replace("with the", "has the", 1).replace("that ", "", 1).replace("having", "has", 1)
    who = "who" if kind.asked == "who" else "what"
    if random.random() < 0.5:
        return random.choice((f"the {one}{own} {word}", f"{one}{own} {word}"))
    return f"{who} {question}" if not own and random.random() < 0.3 else f"which {one}{own} {question}"


def _of_two(steps: Steps, random: Random) -> Plan:
    """Ask which of two has more: *which is older, A or B*."""
    kind = steps.kind(random)
    manner = random.choice((Manner.MOST, Manner.LEAST))
    step = steps.ordered(kind, random)._replace(manner=manner)
    noun = steps.lexicon.types[kind]
    things = ("which", "what", f"which {random.choice(noun.singular)}")
    who = random.choice(("who", "which") if noun.asked == "who" else things)
    pair = random.choice((f"{MENTION} or {MENTION}", f"{MENTION} or {MENTION}", f"the {MENTION} or the {MENTION}"))
    degrees = degrees_of(step, manner, steps)
    if degrees and random.random() < 0.12:
        return Plan(f"is {pair} {random.choice(degrees).comparative}", kind, (step,))
    said = []
    for degree in degrees:
        said += [f"{who} is {degree.comparative}", f"{who} was {degree.comparative}", f"{who} is {degree.superlative}"]
        said.append(f"{who} is the {degree.comparative} one")
    if step.side.target == "year":
        ends = ("last", "later") if manner is Manner.MOST else ("first", "earlier")
        stems = [text.rpartition(" ")[0] for text in step.side.participles if " " in text]
        said += [f"{who} was {stem} {end}" for stem in stems for end in ends]
    else:
        words = ("the higher", "more", "the larger") if manner is Manner.MOST else ("the lower", "less", "the smaller")
        said += [f"{who} has {word} {one.one}" for word in words for one in step.side.nouns]
    if not said:
        return _of_two(steps, random)
    text = random.choice(said)
    text = random.choice((f"{text}, {pair}", f"{text} {pair}", f"{text}: {pair}", f"{pair}, {text}"))
    return Plan(text, kind, (step,))
