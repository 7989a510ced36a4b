"""Answers that were given, for as long as what they were read from is what readers see.

They live with the view that they were read from: a write makes a new view, and what was deleted is in no answer that is
kept. Knows nothing of how a question is answered.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any
from weakref import WeakKeyDictionary

from kb.view import KnowledgeView

LARGEST = 100
"""A reply with more answers than this is not kept: it would take the room of many."""
MOST_FACTS = 3 * LARGEST
"""Nor one with more facts in its evidence: a count has one answer, of all the facts that were counted."""

Reply = dict[str, Any]


class AnswerCache:
    """Remembers the last replies about each view; safe to use from several threads."""

    def __init__(self, size: int) -> None:
        """Remember `size` replies about each view; none if it is 0."""
        self._size = size
        self._replies: WeakKeyDictionary[KnowledgeView, OrderedDict[Hashable, Reply]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def find(self, view: KnowledgeView, asked: Hashable) -> Reply | None:
        """The reply to what was asked, if it is kept."""
        with self._lock:
            replies = self._replies.get(view)
            if replies is None or asked not in replies:
                return None
            replies.move_to_end(asked)
            return dict(replies[asked])

    def keep(self, view: KnowledgeView, asked: Hashable, reply: Reply) -> None:
        """Keep a reply, and forget the one that was asked for longest ago where there are too many."""
        answers = reply["answers"]
        if not self._size or len(answers) > LARGEST or sum(len(one["evidence"]) for one in answers) > MOST_FACTS:
            return
        with self._lock:
            replies = self._replies.setdefault(view, OrderedDict())
            replies[asked] = dict(reply)
            if len(replies) > self._size:
                replies.popitem(last=False)
