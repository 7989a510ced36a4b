"""Toy episodes that a network can learn by heart."""

from random import Random

import numpy as np

from models.episodes import Episode

PEOPLE = ("mary", "john", "daniel", "sandra")
PLACES = ("kitchen", "garden", "office", "hallway")
STORIES = 48


def toy_stories() -> list[Episode]:
    """Each person goes to one place; the question is where one of them is."""
    random, episodes = Random(3), []
    for _ in range(STORIES):
        people = random.sample(PEOPLE, random.randint(2, 4))
        places = [random.choice(PLACES) for _ in people]
        asked = random.randrange(len(people))
        memory = tuple((person, "went", "to", "the", place) for person, place in zip(people, places, strict=True))
        episodes.append(Episode(memory, ("where", "is", people[asked]), (places[asked],), (asked,)))
    return episodes


def toy_taggings() -> list[Episode]:
    """Each word of a sentence is a person, a place or neither; a second token of its slot is its last letter."""
    random, episodes = Random(4), []
    for _ in range(STORIES):
        words = random.choices((*PEOPLE, *PLACES, "went"), k=random.randint(1, 6))
        tags = tuple("person" if word in PEOPLE else "place" if word in PLACES else "other" for word in words)
        episodes.append(Episode(tuple((word, f"-{word[-1]}") for word in words), (), tags))
    return episodes


def toy_pictures() -> list[Episode]:
    """A square of one colour on black, questions about its colour and its side; two questions a picture."""
    random, episodes = Random(5), []
    for _ in range(STORIES // 2):
        picture, colour, left = np.zeros((8, 10, 3), np.uint8), random.randrange(3), random.random() < 0.5
        row, column = random.randrange(5), random.randrange(3) + (0 if left else 5)
        picture[row : row + 3, column : column + 3, colour] = 255
        episodes.append(Episode(picture, ("what", "colour"), (("red", "green", "blue")[colour],)))
        episodes.append(Episode(picture, ("which", "side", "is", "it"), ("left" if left else "right",)))
    return episodes


def toy_first_words() -> list[Episode]:
    """A memory of two words, the first to be named: to a network that attends to all alike, the first of equals."""
    words = (*PEOPLE, *PLACES)
    return [
        Episode(((word,), (other,)), (), (word,), (0,)) for word, other in zip(words, words[3:] + words, strict=False)
    ]
