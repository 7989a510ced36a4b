"""Nouns that mean men only, or women only, where a relation of the KB tells which people are: *the sons of*.

The noun is left to the network to read (a son is a child), and what is reached is kept to those whom it means.
"""

import re
from collections.abc import Sequence

import numpy as np

from kb.linking import LinkedEntity, Mention
from kb.source import NO_PLACES
from kb.view import KnowledgeView
from models.profiles import Profile

_TELLS = re.compile(r"(?:has |is )?(?:sex|gender)", re.IGNORECASE)
_FEMALE = ("f", "female", "woman", "girl")
_MALE = ("m", "male", "man", "boy")
_CALLED = (
    "wom[ae]n|females?|girls?|lady|ladies|wife|wives|nieces?|aunts?|grandmas?|sisters?|widows?|"
    "(?:(?:great[- ]?)?grand ?)?(?:mother|daughter)s?",
    "m[ae]n|males?|boys?|gentlem[ae]n|husbands?|nephews?|uncles?|grandpas?|brothers?|widowers?|"
    "(?:(?:great[- ]?)?grand ?)?(?:father|son)s?",
)
_NOUNS = tuple(re.compile(rf"\b(?:{nouns})\b(?!-| in[- ]law)", re.IGNORECASE) for nouns in _CALLED)


def genders_in(text: str, view: KnowledgeView, profiles: Sequence[Profile]) -> list[Mention]:
    """The nouns of a question that mean women only or men only, each with what the KB says of such.

    None where a relation is called so (*mother*), and none where the question has nouns of both.
    """
    found = [(_nouns(nouns, text, view), said) for nouns, said in zip(_NOUNS, (_FEMALE, _MALE), strict=True)]
    spoken = [one for one in found if one[0]]
    if len(spoken) != 1:
        return []
    places, said = spoken[0]
    named = [view.entities_named(value) for value in _told(view, profiles) if value.casefold() in said]
    meant = np.unique(np.concatenate([NO_PLACES, *named])).tolist()
    entities = tuple(LinkedEntity(position, 1.0) for position in meant)
    return [Mention(place[0], place.start(), place.end(), entities, typo=False) for place in places if entities]


def _nouns(pattern: re.Pattern[str], text: str, view: KnowledgeView) -> list[re.Match[str]]:
    """The nouns of a question that no relation is called."""
    return [
        found
        for found in pattern.finditer(text)
        if not any(_is_of(word, found[0].lower()) for word in view.relation_words)
    ]


def _told(view: KnowledgeView, profiles: Sequence[Profile]) -> tuple[str, ...]:
    """The values of the relation that tells the sex of people; none where there is no such relation."""
    for label, profile in zip(view.relation_labels, profiles[::2], strict=False):
        if _TELLS.fullmatch(label) and all(value.casefold() in (*_FEMALE, *_MALE) for value in profile.examples):
            return profile.examples
    return ()


def _is_of(word: str, noun: str) -> bool:
    """Whether a relation's word is the noun, but for its number."""
    return word.removesuffix("s") == noun.removesuffix("s")
