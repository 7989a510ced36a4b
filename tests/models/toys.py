"""Toy episodes that a network can learn by heart."""

from random import Random

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
