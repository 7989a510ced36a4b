"""What the page says where the API says a code."""

CREDIBLE = 0.5
"""From this score on a span of the question is shown as a name."""

REASONS = {
    "no_entity_linked": (
        "Nothing in the question is the name of anything in this knowledge base.",
        "Name one of its entities: the box completes them as you type.",
    ),
    "no_relation_matched": (
        "It knows what the question is about, but no relation of this knowledge base says what is asked.",
        "The relations below are the nearest there are.",
    ),
    "no_fact_found": (
        "It knows what the question is about, but there is no fact to go on from there.",
        "Upload the facts, and ask again.",
    ),
    "too_many_facts": (
        "There are more facts on the way than it may read for one question, so a count or a “no” would be a guess.",
        "Ask about something narrower.",
    ),
    "low_confidence": (
        "It found something, but is not sure enough of it to call it an answer.",
        "Ask it in the words of the relations below.",
    ),
}
MANNERS = {
    "read": "reads",
    "keep": "keeps those with",
    "above": "keeps those with more by",
    "below": "keeps those with less by",
    "most": "keeps the most by",
    "least": "keeps the least by",
}
STATES = {
    "queued": "waiting",
    "running": "running",
    "succeeded": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
SCOPES = {
    "ask": "reads and asks",
    "write": "changes and trains too",
    "admin": "everything",
}
TITLES = {
    "key_refused": "This service needs a key",
    "scope_too_small": "This key may not do that",
    "kb_not_found": "There is no such knowledge base",
    "entity_not_found": "There is no such entity",
    "job_not_found": "There is no such job",
    "kb_exists": "That name is taken",
    "unknown_words": "The network does not know these words",
    "too_many_requests": "Too many requests",
}
FIGURES = {
    "hits_at_1": "first answer right",
    "f1": "F1 of the answer set",
    "exact": "answer set exact",
    "refused": "refused",
    "generated": "generated questions read right",
}


def hop(number: int) -> str:
    """A hop by its number, as in a sentence."""
    return ("first hop", "second hop", "third hop", "fourth hop", "fifth hop", "sixth hop")[min(number, 6) - 1]
