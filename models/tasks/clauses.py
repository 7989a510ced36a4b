"""Questions of the lexicon put otherwise: with a noun for the question word, and as noun phrases.

*where does {x} live* is *which city does {x} live in*, and *the city where {x} lives*. Pure.
"""

import re
from collections.abc import Sequence

SLOT = "{x}"
PLACES = ("country", "region", "city", "continent", "island", "building", "stadium", "airport", "street", "room")
PREPOSITIONS = (
    "in",
    "at",
    "on",
    "from",
    "to",
    "for",
    "with",
    "by",
    "of",
    "under",
    "after",
    "as",
    "into",
    "near",
    "before",
)

_OBJECT = re.compile(
    r"(?:(?P<lead>in|from|on|at|after|to) )?(?P<word>who|whom|what|which|where|when)(?: (?P<noun>[a-z ]+?))?"
    r" (?P<aux>is|are|was|were|does|do|did|has|can) \{x\}(?: (?P<rest>[^{}]+))?"
)
_OPEN = "|".join((*PREPOSITIONS, "the", r"\{x\}"))
_SUBJECT = re.compile(
    rf"(?P<word>who|what|which)(?: (?P<noun>(?<!who )[a-z]+)(?= [a-z]+ )(?! ({_OPEN})))?"
    r"(?P<said> (?P<first>[a-z]+)\b[^{}]*\{x\}[^{}]*)"
)
_HELPERS = ("is", "are", "was", "were", "does", "do", "did", "has", "have", "can")
_IRREGULAR = {
    "get": "got", "go": "went", "grow": "grew", "come": "came", "take": "took", "begin": "began", "win": "won",
    "give": "gave", "write": "wrote", "make": "made", "have": "had", "hold": "held", "build": "built", "fly": "flew",
    "lead": "led", "become": "became", "sell": "sold", "buy": "bought", "leave": "left", "fall": "fell", "run": "ran",
    "meet": "met", "speak": "spoke", "find": "found", "sit": "sat", "lie": "lay", "stand": "stood", "put": "put",
    "hit": "hit", "stop": "stopped", "do": "did", "rise": "rose", "sing": "sang", "draw": "drew", "keep": "kept",
    "teach": "taught", "think": "thought", "fight": "fought", "beat": "beat", "bring": "brought", "say": "said",
    "cost": "cost", "pay": "paid", "feed": "fed", "eat": "ate", "see": "saw", "drive": "drove", "ride": "rode",
}  # fmt: skip


def plural(noun: str) -> str:
    """Give a noun's regular plural."""
    if re.search(r"(s|x|ch|sh)$", noun):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def third(verb: str) -> str:
    """Give a verb's form after he or she."""
    return {"have": "has", "be": "is", "do": "does", "go": "goes"}.get(verb) or plural(verb)


def past(verb: str) -> str:
    """Give a verb's past, of the irregular ones only that of common ones."""
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + "ed"


def rewordings(question: str, kind: str, ones: Sequence[str], several: Sequence[str]) -> list[str]:
    """Ask the same with a noun of the kind asked for: *which city was {x} born in*."""
    found = []
    if (given := _OBJECT.fullmatch(question)) and not given["noun"] and not given["lead"]:
        aux, rest = given["aux"], f" {given['rest']}" if given["rest"] else ""
        ends_open = rest.rpartition(" ")[2] in PREPOSITIONS
        place = "in" if kind in (*PLACES, "year") else "at"
        for one, many in zip(ones, several, strict=True):
            if given["word"] in ("where", "when"):
                if ends_open:
                    found += [f"which {one} {aux} {SLOT}{rest}", f"what {one} {aux} {SLOT}{rest}"]
                elif rest or given["word"] == "where":
                    found += [f"in which {one} {aux} {SLOT}{rest}"] if place == "in" else []
                    found += [f"which {one} {aux} {SLOT}{rest} {place}", f"what {one} {aux} {SLOT}{rest} {place}"]
            elif rest:
                found += [f"which {one} {aux} {SLOT}{rest}", f"what {many} {aux} {SLOT}{rest}"]
    elif not given and (said := _subject(question)) and not said["noun"] and said["word"] != "which":
        found += [f"which {one}{said['said']}" for one in ones]
    return found


def clauses(question: str, ones: Sequence[str], asks_for_people: bool) -> list[str]:
    """Give noun phrases for what a question asks for: *the city where {x} lives*, *the person who wrote {x}*."""
    given = _OBJECT.fullmatch(question)
    if given is None:
        said = _subject(question)
        if said is None or (said["word"] == "which" and not said["noun"]):
            return []
        nouns = [said["noun"]] if said["noun"] else [*ones, *(("person", "one") if asks_for_people else ())]
        link = "who" if asks_for_people and not said["noun"] else "that"
        return [f"the {noun} {link}{said['said']}" for noun in nouns]
    clause = _statement(given["aux"], given["rest"])
    if clause is None or (given["rest"] is None and given["word"] != "where"):
        return []
    if given["lead"]:
        return [f"the {given['noun']} {given['lead']} which {clause}"] if given["noun"] else []
    if given["noun"]:
        return [f"the {given['noun']} {clause}"]
    link = {"where": " where", "when": " when"}.get(given["word"], "")
    return [f"the {one}{link} {clause}" for one in ones]


def _subject(question: str) -> re.Match[str] | None:
    """Match a question for the one who does something: *who wrote {x}*; what it *is the* such of is none."""
    said = _SUBJECT.fullmatch(question)
    if said is None or said["noun"] in _HELPERS or re.match(r" (is|are|was|were) (the|an?|\{x\}) ?", said["said"]):
        return None
    return said


def _statement(aux: str, rest: str | None) -> str | None:
    """Put the auxiliary of a question behind its subject, or into its verb."""
    if aux in ("is", "are", "was", "were", "has", "can"):
        return f"{SLOT} {aux}" + (f" {rest}" if rest else "")
    if not rest:
        return None
    verb, _, more = rest.partition(" ")
    form = {"does": third, "did": past}.get(aux, str)(verb)
    return f"{SLOT} {form}" + (f" {more}" if more else "")
