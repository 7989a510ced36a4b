"""Questions of every kind in English, each with the plan of its steps; what is asked yes or no is in `claims`."""

import re
from collections.abc import Callable, Sequence
from random import Random

from models.episodes import MAX_STEPS, MENTION, OTHER, VALUE, Asked, Manner, manners
from models.tasks.claims import claim
from models.tasks.clauses import SLOT
from models.tasks.grammar import Side, Type, agree, is_plural, wrap
from models.tasks.peers import common, peers
from models.tasks.plans import ONE_OR_TWO, ORDERED, VALUES, Plan, Planned, Steps
from models.tasks.superlatives import superlative
from models.tasks.unsaid import by_kind, shortcut
from models.tasks.wording import ASKING, BY_KIND, GO_ON, bounds, many, modifiers, nested, topic

RELATIVE = ("with", "that", "whose", "which", "having", "of which")
WHICH = re.compile(r"([a-z]+ which|whose) |[^a-z]")
RELATIVE_VERBS = {"with": "has ", "having": "has ", "that": "", "which": ""}
COUNTS = (
    "how many {p} are there", "how many {p}", "what is the number of {p}", "count the {p}", "number of {p}",
    "how many {p} do you know", "how many {p} do we have", "how many {p} exist",
    "what's the total number of {p}", "count {p}",
)  # fmt: skip
LISTS = (
    "list all {p}", "which {p} are there", "what are the names of the {p}", "name all {p}", "what {p} do we have",
    "which {p} do you know", "show me the {p}", "all {p}",
)  # fmt: skip
ENTITY_BOUND = 0.3
BY_COUNT = 0.12


def path(steps: Steps, random: Random) -> Plan:
    """Ask for the end of a path: noun phrases nested from the mention outwards, the last one as a question."""
    lexicon, planned = steps.lexicon, steps.path(random)
    start = planned[0].side.source
    text = nested(planned[:-1], topic(lexicon.types[start], random), random)
    side = planned[-1].side
    if side.names_kind and text == MENTION and random.random() < 0.3:
        text = random.choice(LISTS).replace("{p}", text)
    elif side.asks and random.random() < 0.45:
        text = agree(random.choice(side.asks), SLOT, text)
    elif side.questions and (not side.phrases or random.random() < 0.5):
        text = agree(random.choice(side.questions), SLOT, text)
    else:
        text = wrap(random.choice(side.phrases).replace(SLOT, text), lexicon.types[side.target], random)
    if len(planned) > 1 and side.target == start and random.random() < 0.4:
        text = _others(text, lexicon.types[start])
    return Plan(text, start, tuple(planned))


def _others(text: str, kind: Type) -> str:
    """Ask for others of the topic's own kind: *which other films*."""
    for noun in (*kind.singular, *kind.plural):
        for word in ("which", "what", "the"):
            if text.startswith(f"{word} {noun} "):
                return text.replace(f"{word} {noun}", f"{word} other {noun}", 1)
    return re.sub(r"^who ", "who else ", text)


def count(steps: Steps, random: Random) -> Plan:
    """Ask how many there are at the end of a path, or how many of them meet a condition."""
    lexicon, planned = steps.lexicon, steps.path(random, ONE_OR_TWO, to_things=True)
    start, side = planned[0].side.source, planned[-1].side
    inner = nested(planned[:-1], topic(lexicon.types[start], random), random)
    plain, open_ = _counted(side, lexicon.types[side.target])
    if side.names_kind and inner == MENTION and random.random() < BY_KIND:
        plain, open_ = [], [SLOT]
    if plain and (not open_ or random.random() < 0.6):
        text = random.choice(plain)
        condition = _condition(steps, side.target, random) if random.random() < 0.2 else None
    else:
        text = random.choice(open_ or list(side.phrases))
        condition = _condition(steps, side.target, random) if random.random() < 0.3 else None
        if condition:
            text = f"{text} {condition[0]}"
        text = random.choice(COUNTS).replace("{p}", text)
        condition = ("", condition[1]) if condition else None
    text = text.replace(SLOT, inner)
    if condition:
        text = f"{text} {condition[0]}".strip()
        planned = [*planned, condition[1]]
    return Plan(text, start, tuple(planned), Asked.COUNT)


def _counted(side: Side, kind: Type) -> tuple[list[str], list[str]]:
    """Give ways to ask how many a side leads to: questions, and noun phrases in the plural."""
    questions, phrases = [], []
    for text in side.questions:
        for one, several in zip(kind.singular, kind.plural, strict=True):
            for head in (f"which {one} ", f"what {one} ", f"which {several} ", f"what {several} "):
                if text.startswith(head):
                    rest = re.sub(r"^is\b", "are", text.removeprefix(head))
                    questions.append(f"how many {several} {rest}")
    for noun in side.nouns:
        questions += [f"how many {noun.many} does {SLOT} have", f"how many {noun.many} are there in {SLOT}"]
        questions += [f"how many {noun.many} has {SLOT}", f"how many {noun.many} of {SLOT} are there"]
        phrases += [f"{noun.many} of {SLOT}", f"{SLOT}'s {noun.many}"]
    phrases += [phrase for phrase in side.phrases if phrase.startswith(tuple(f"{several} " for several in kind.plural))]
    return questions, phrases


def condition(steps: Steps, random: Random) -> Plan:
    """Ask for those at the end of a path that meet one or two conditions, and now and then go on from them."""
    lexicon, planned = steps.lexicon, steps.path(random, ONE_OR_TWO, to_things=True)
    start, kind = planned[0].side.source, planned[-1].side.target
    inner = nested(planned[:-1], topic(lexicon.types[start], random), random)
    texts: list[str] = []
    for _ in range(2 if random.random() < 0.08 else 1):
        found = _condition(steps, kind, random)
        if found is None:
            return path(steps, random)
        texts.append(found[0])
        planned.append(found[1])
    goes_on = random.random() < GO_ON
    base = planned[-1 - len(texts)]
    asked = [] if goes_on or len(texts) > 1 else _asked_of(steps, base, inner, planned[-1], texts[0], random)
    if asked and random.random() < 0.4:
        text = random.choice(asked)
    else:
        text = _with_conditions(steps, base, inner, texts, random, is_phrase=goes_on)
    end = lexicon.types[kind]
    onward = steps.draw(kind, random)
    if goes_on and onward.side.phrases:
        text = random.choice(onward.side.phrases).replace(SLOT, text)
        planned.append(onward)
        end = lexicon.types[onward.side.target]
    return Plan(text if text.startswith(ASKING) else wrap(text, end, random), start, tuple(planned))


def _asked_of(steps: Steps, base: Planned, inner: str, last: Planned, said: str, random: Random) -> list[str]:
    """Ask for the base step with the condition behind its noun, or turned: *which films by Nolan did Zimmer score*."""
    own = [random.choice(modifiers(base.turned, steps.lexicon) or [""]).replace(SLOT, inner)]
    kind, name = steps.lexicon.types[base.side.target], OTHER if OTHER in said else VALUE
    found = []
    for noun in (*kind.singular, *kind.plural):
        for head in (f"which {noun} ", f"what {noun} "):
            of_base, of_last = (
                [text.removeprefix(head) for text in side.questions if text.startswith(head)]
                for side in (base.side, last.back)
            )
            found += [f"{head}{said} {rest.replace(SLOT, inner)}" for rest in of_base]
            if last.manner is not Manner.KEEP:
                continue
            found += [f"{head}{words} {rest.replace(SLOT, name)}" for rest in of_last for words in own if words]
            found += [head.replace(noun, f"{name} {noun}") + rest.replace(SLOT, inner) for rest in of_base]
            if inner == MENTION:
                found += [head.replace(noun, f"{inner} {noun}") + rest.replace(SLOT, name) for rest in of_last]
    return found


def _with_conditions(
    steps: Steps, base: Planned, inner: str, texts: Sequence[str], random: Random, *, is_phrase: bool
) -> str:
    """Put what a base step leads to and the conditions on it into one noun phrase or question."""
    lexicon, side = steps.lexicon, base.side
    kind = lexicon.types[side.target]
    joined = random.choice((" ", " and ", " that are ", ", ")).join(texts) if len(texts) > 1 else texts[0]
    own = modifiers(base.turned, lexicon)
    if side.names_kind and inner == MENTION and random.random() < BY_KIND:
        lead = random.choice(("the ", "", "all ") if is_phrase else ("which ", "what ", "the ", "", "list all "))
        return f"{lead}{inner} {joined}"
    chance = random.random()
    if own and chance < 0.45:
        parts = [random.choice(own).replace(SLOT, inner), joined]
        if random.random() < 0.4:
            parts.reverse()
        text = random.choice((" ", " ", " and ", ", ")).join(parts)
        at = random.randrange(len(kind.singular))
        one, several = kind.singular[at], kind.plural[at]
        leads = [f"the {one}", several, f"the {several}"]
        leads += [] if is_phrase else [f"which {several}", f"what {several}", f"which {one}"]
        if not text.startswith(RELATIVE):
            leads += [f"{several} that are"] + ([] if is_phrase else [f"which {one} is", f"which {several} are"])
        return f"{random.choice(leads)} {text}"
    if side.questions and chance < 0.6 and not is_phrase:
        return f"{random.choice(side.questions).replace(SLOT, inner)} {joined}"
    phrase = random.choice(side.phrases).replace(SLOT, inner)
    if chance < 0.75 and not is_phrase and not WHICH.match(joined):
        be = random.choice(("are", "were") if is_plural(phrase) else ("is", "was"))
        first, _, rest = joined.partition(" ")
        said = f"{RELATIVE_VERBS[first]}{rest}" if first in RELATIVE_VERBS else f"{be} {joined}"
        return f"which of {phrase} {said}"
    if chance < 0.82 and not inner.startswith("the "):
        return f"{inner} {random.choice(kind.plural)} {joined}"
    return f"{phrase} {joined}"


def _condition(steps: Steps, kind: str, random: Random) -> tuple[str, Planned] | None:
    """Draw a condition on a kind of things: its words, after a noun, and its step."""
    chance = random.random()
    if chance < 0.35:
        step = steps.ordered(kind, random)
        if step.side.target == "year" and random.random() < 0.25:
            texts, step, name = modifiers(step, steps.lexicon), step._replace(manner=Manner.KEEP), VALUE
        else:
            step = step._replace(manner=random.choice((Manner.ABOVE, Manner.BELOW)))
            name = OTHER if random.random() < ENTITY_BOUND else VALUE
            texts = bounds(step, step.manner, steps, beside_entity=name == OTHER, random=random)
    else:
        step, name = steps.draw(kind, random), OTHER
        if chance < 0.35 + 0.65 * BY_COUNT and step.side.nouns and step.side.target not in VALUES:
            step = step._replace(manner=random.choice((Manner.ABOVE, Manner.BELOW)))
            texts, name = many(step, step.manner, random), VALUE
        else:
            texts, step = modifiers(step, steps.lexicon), step._replace(manner=Manner.KEEP)
            name = VALUE if step.side.target in ORDERED else OTHER
    return (random.choice(texts).replace(SLOT, name), step) if texts else None


def comparison(steps: Steps, random: Random) -> Plan:
    """Ask for everything that is more or less than something: *which rivers are longer than the Rhine*."""
    kind = steps.kind(random)
    step = steps.ordered(kind, random)
    step = step._replace(manner=random.choice((Manner.ABOVE, Manner.BELOW)))
    name = OTHER if random.random() < 0.5 else VALUE
    texts = bounds(step, step.manner, steps, beside_entity=name == OTHER, random=random)
    if not texts:
        return path(steps, random)
    text = random.choice(texts).replace(SLOT, name)
    noun = steps.lexicon.types[kind]
    at = random.randrange(len(noun.singular))
    one, several = noun.singular[at], noun.plural[at]
    if text.startswith(RELATIVE):
        text = (
            f"{random.choice((several, f'the {one}', f'list {several}', f'all {several}', f'which {several}'))} {text}"
        )
        return Plan(wrap(text, noun, random) if random.random() < 0.2 else text, kind, (step,))
    leads = (f"which {several} are", f"what {several} were", f"which {one} is", several, f"list all {several}")
    return Plan(f"{random.choice(leads)} {text}", kind, (step,))


Maker = Callable[[Steps, Random], Plan | None]
MAKERS: tuple[tuple[Maker, float], ...] = (
    (path, 0.38), (condition, 0.15), (count, 0.07), (claim, 0.1), (superlative, 0.09), (comparison, 0.05),
    (peers, 0.04), (common, 0.02), (shortcut, 0.05), (by_kind, 0.05),
)  # fmt: skip


def question(steps: Steps, random: Random) -> Plan:
    """Draw a question of any kind, with no more steps and reads than a path can have."""
    makers, weights = zip(*MAKERS, strict=True)
    maker: Maker = random.choices(makers, weights)[0]
    while True:
        plan = maker(steps, random)
        if plan is None:
            maker = path
        elif len(plan.steps) <= MAX_STEPS and all(
            step.manner in manners(plan.text, hop) for hop, step in enumerate(plan.steps)
        ):
            return plan
