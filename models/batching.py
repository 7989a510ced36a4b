"""Episodes and texts to padded tensors: the only padding.

Knows tokens and keys, not what a network does with them.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.episodes import MAX_READS, OTHER, VALUE, Choice, End, LabelledKey, Manner, PathEpisode, manners
from models.profiles import Profile
from models.texts import Pieces, TextCutter

PREFIX_LETTERS = 4
LABEL_PARTS = 4
HIDDEN_PROFILES = 0.25
STRAY_NAMES = 0.04
LEAST_LETTERS = 4


class Tokens(NamedTuple):
    """Texts as padded token numbers; `distances` are to the mention, 0 where a text has none."""

    ids: Tensor  # batch tokens
    marks: Tensor  # batch tokens
    distances: Tensor  # batch tokens
    present: Tensor  # batch tokens, bool
    states: Tensor  # batch tokens context_dim


class KeyTokens(NamedTuple):
    """Keys by number: which label, which direction, which kind of values, and the vectors of their profiles."""

    labels: Tensor  # keys
    directions: Tensor  # keys
    kinds: Tensor  # keys
    profiles: Tensor  # keys parts word_dim: of what they lead to, then of what they are read from


def pad(texts: Sequence[Pieces], cutter: TextCutter) -> Tokens:
    """Turn cut texts into tensors."""
    return Tokens(*map(torch.from_numpy, cutter.pad(texts)))


class PathBatch(NamedTuple):
    """Episodes as tensors. Columns of `in_reach`: the keys once for each manner, then STOP and REJECT.

    A gold of -1 is no choice. Rows of `further` pair a key in reach with one that comes in reach by it.
    Labels come in parts of about the same length, so that little of them is padding; a key names its label by its
    number among all parts.
    """

    questions: Tokens
    labels: tuple[Tokens, ...]
    keys: KeyTokens
    in_reach: Tensor  # batch hops manners*keys+2, bool
    gold: Tensor  # batch hops
    asked: Tensor  # batch
    further: Tensor  # pairs 4: row, hop, key, key beyond


def path_batch(
    episodes: Sequence[PathEpisode], cutter: TextCutter, random: Random | None = None, distractors: int = 0
) -> PathBatch:
    """Pad episodes.

    With `random`, the profiles of one episode in four are hidden, a word is taken for a name in one of twenty-five, and
    each choice of a key gets up to `distractors` keys of other episodes beside those in reach.
    """
    if random is not None:
        episodes = [_hide_profiles(episode) if random.random() < HIDDEN_PROFILES else episode for episode in episodes]
        episodes = [
            _with_stray_name(episode, random) if random.random() < STRAY_NAMES else episode for episode in episodes
        ]
    choices = [choice for episode in episodes for choice in episode.choices]
    beyond = (far for choice in choices for _, far in choice.further)
    keys = list(dict.fromkeys([*(key for choice in choices for key in choice.reach), *beyond]))
    columns = {key: column for column, key in enumerate(keys)}
    hops = max(len(episode.choices) for episode in episodes)
    first_end = len(Manner) * len(keys)
    in_reach = np.zeros((len(episodes), hops, first_end + len(End)), np.bool_)
    gold = np.full((len(episodes), hops), -1, np.int64)
    further: list[tuple[int, int, int, int]] = []
    for row, episode in enumerate(episodes):
        for hop, choice in enumerate(episode.choices):
            reach = list(choice.reach)
            if random is not None and distractors and isinstance(choice.gold, LabelledKey):
                drawn = random.sample(keys, min(random.randrange(distractors + 1), len(keys)))
                far = {key for _, key in choice.further}
                reach += [key for key in drawn if unlike(key.label, choice.gold.label) and key not in far]
            reached = np.array([columns[key] for key in reach], np.int64)
            usable = manners(episode.question, hop)
            if Manner.READ in usable and hop + 1 < MAX_READS:
                further += [(row, hop, columns[near], columns[far]) for near, far in choice.further]
            for manner in usable:
                in_reach[row, hop, manner * len(keys) + reached] = True
            in_reach[row, hop, first_end + End.STOP] = hop > 0
            in_reach[row, hop, first_end + End.REJECT] = True
            if isinstance(choice.gold, End):
                gold[row, hop] = first_end + choice.gold
            else:
                gold[row, hop] = choice.manner * len(keys) + columns[choice.gold]
    questions = pad(cutter.cut([episode.question for episode in episodes]), cutter)
    labels, tokens = _labels(keys, cutter)
    asked = torch.tensor([episode.asked for episode in episodes])
    pairs = torch.tensor(further, dtype=torch.int64).reshape(-1, 4)
    return PathBatch(questions, labels, tokens, torch.from_numpy(in_reach), torch.from_numpy(gold), asked, pairs)


def _labels(keys: Sequence[LabelledKey], cutter: TextCutter) -> tuple[tuple[Tokens, ...], KeyTokens]:
    """Pad the labels of keys in parts, short ones first."""
    labels = list(dict.fromkeys(key.label for key in keys))
    cut = sorted(zip(cutter.cut(labels), labels, strict=True), key=lambda pair: len(pair[0].pieces))
    numbers = {label: number for number, (_, label) in enumerate(cut)}
    size = -(-len(cut) // LABEL_PARTS)
    parts = tuple(pad([pieces for pieces, _ in cut[at : at + size]], cutter) for at in range(0, len(cut), size))
    rows = [(numbers[key.label], key.direction, key.profile.kind) for key in keys]
    profiles = cutter.key_vectors([(key.profile, key.holders) for key in keys])
    labelled, directions, kinds = torch.tensor(rows).T
    return parts, KeyTokens(labelled, directions, kinds, torch.from_numpy(profiles))


def _hide_profiles(episode: PathEpisode) -> PathEpisode:
    hidden = [
        Choice(
            tuple(dict.fromkeys(map(_of_no_profile, choice.reach))),
            choice.gold if isinstance(choice.gold, End) else _of_no_profile(choice.gold),
            choice.manner,
            tuple(dict.fromkeys((_of_no_profile(near), _of_no_profile(far)) for near, far in choice.further)),
        )
        for choice in episode.choices
    ]
    return replace(episode, choices=tuple(hidden))


def _of_no_profile(key: LabelledKey) -> LabelledKey:
    return key._replace(profile=Profile(), holders=Profile())


def _with_stray_name(episode: PathEpisode, random: Random) -> PathEpisode:
    """Put `OTHER` for a word of a question that names nothing but its topic: what linking may do to it."""
    words = episode.question.split()
    others = [at for at, word in enumerate(words) if word.isalpha() and len(word) >= LEAST_LETTERS]
    if not others or OTHER in episode.question or VALUE in episode.question:
        return episode
    words[random.choice(others)] = OTHER
    return replace(episode, question=" ".join(words))


def unlike(label: str, other: str) -> bool:
    """Say whether two labels share no word by its first letters: then one is no mere rewording of the other."""
    return not (_beginnings(label) & _beginnings(other))


def _beginnings(label: str) -> set[str]:
    return {word[:PREFIX_LETTERS] for word in label.lower().split() if len(word) >= PREFIX_LETTERS}
