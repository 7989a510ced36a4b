"""Stories to begin with: one for each of some tasks of the literature (Weston et al., 2015), in words of their own."""

from typing import NamedTuple


class Story(NamedTuple):
    """Sentences, the oldest first, or triples with tabs between; and a question about them."""

    memory: tuple[str, ...]
    question: str


STORIES = {
    "Deduction": Story(
        (
            "Mice are afraid of wolves.",
            "Gertrude is a mouse.",
            "Cats are afraid of sheep.",
            "Winona is a mouse.",
        ),
        "What is Gertrude afraid of?",
    ),
    "Two supporting facts": Story(
        (
            "John went to the bedroom.",
            "Mary travelled to the office.",
            "John picked up the football there.",
            "Mary went back to the garden.",
            "John journeyed to the kitchen.",
            "Sandra went to the hallway.",
        ),
        "Where is the football?",
    ),
    "One supporting fact": Story(
        (
            "Mary moved to the bathroom.",
            "John went to the hallway.",
            "Sandra moved to the garden.",
            "John moved to the office.",
            "Sandra journeyed to the bathroom.",
        ),
        "Where is John?",
    ),
    "Three supporting facts": Story(
        (
            "John got the apple.",
            "John went to the office.",
            "John journeyed to the kitchen.",
            "John dropped the apple.",
        ),
        "Where was the apple before the kitchen?",
    ),
    "Two arguments": Story(
        ("The office is north of the bedroom.", "The bedroom is north of the bathroom."),
        "What is north of the bedroom?",
    ),
    "Yes or no": Story(
        (
            "Mary moved to the bathroom.",
            "Sandra journeyed to the bedroom.",
            "Mary got the football there.",
            "John went back to the bedroom.",
            "Mary journeyed to the office.",
        ),
        "Is Mary in the office?",
    ),
    "Counting": Story(
        (
            "Daniel picked up the football.",
            "Daniel dropped the football.",
            "Daniel got the milk.",
            "Daniel took the apple.",
        ),
        "How many objects is Daniel carrying?",
    ),
    "Negation": Story(
        ("Sandra travelled to the office.", "Fred is no longer in the office.", "Mary is in the garden."),
        "Is Fred in the office?",
    ),
    "Time": Story(
        (
            "Yesterday Julie went back to the school.",
            "This morning Julie travelled to the park.",
            "This afternoon Bill journeyed to the office.",
            "This evening Julie moved to the cinema.",
        ),
        "Where was Julie before the cinema?",
    ),
    "Size": Story(
        (
            "The suitcase is bigger than the container.",
            "The container fits inside the box.",
            "The box of chocolates fits inside the container.",
            "The chest is bigger than the box.",
        ),
        "Does the box of chocolates fit in the chest?",
    ),
    "Motives": Story(
        (
            "Sumit is tired.",
            "Sumit went back to the bedroom.",
            "Jason is thirsty.",
            "Sumit grabbed the pajamas there.",
        ),
        "Why did Sumit go to the bedroom?",
    ),
    "Facts instead of sentences": Story(
        (
            "Sunrise\tdirected by\tF. W. Murnau",
            "F. W. Murnau\tborn in\tBielefeld",
            "Metropolis\tdirected by\tFritz Lang",
        ),
        "Where was the director of Sunrise born?",
    ),
}
