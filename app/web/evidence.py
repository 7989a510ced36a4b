"""What the pictures of a reply need: the evidence as a graph in layers, the attention as rows of a heat map. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

MOST_FACTS = 300
"""Facts in the graph; who needs more of an answer reads the list."""
MOST_ROWS = 14
"""Facts in the heat map."""
LEAST_SHOWN = 0.005
_MARKS = ".,;:?!"

Reply = Mapping[str, Any]


def graph_of(reply: Reply) -> dict[str, Any]:
    """Nodes with their layers, and edges with their hops, first hop first.

    A node's layer is how many facts lead to it from the topic; an edge points from subject to object, as its fact does,
    also where the reader went along it backwards.
    """
    facts = _facts(reply)[:MOST_FACTS]
    answers = {answer["label"] for answer in reply["answers"] if answer["entity_id"] is not None}
    layers: dict[str, int] = {}
    hops: dict[str, int] = {}
    edges = []
    for fact in facts:
        source, target = _direction(reply, fact, layers)
        layers.setdefault(source, max(fact["hop"] - 1, 0))
        layers.setdefault(target, layers[source] + 1)
        hops.setdefault(source, fact["hop"] if fact["hop"] > 1 else 0)
        hops.setdefault(target, fact["hop"])
        edges.append({key: fact[key] for key in ("triple_id", "subject", "relation", "object", "hop", "weight")})
    nodes = [
        {"label": label, "layer": layer, "hop": hops[label], "answer": label in answers}
        for label, layer in layers.items()
    ]
    return {"nodes": nodes, "edges": edges, "hops": max((edge["hop"] for edge in edges), default=0)}


def _facts(reply: Reply) -> list[dict[str, Any]]:
    """Each fact of the evidence once, first hop first, the heaviest first within a hop."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for answer in reply["answers"]:
        for fact in answer["evidence"]:
            known = found.setdefault((fact["hop"], fact["triple_id"]), dict(fact))
            known["weight"] = max(known["weight"], fact["weight"])
    return sorted(found.values(), key=lambda fact: (fact["hop"], -fact["weight"]))


def _direction(reply: Reply, fact: Mapping[str, Any], layers: Mapping[str, int]) -> tuple[str, str]:
    """Where the reader was and where the fact led it."""
    ends = fact["subject"], fact["object"]
    if (ends[0] in layers) != (ends[1] in layers):
        return ends if ends[0] in layers else (ends[1], ends[0])
    hops = reply["hops"]
    used = hops[fact["hop"] - 1]["relations"][0] if 0 < fact["hop"] <= len(hops) else {"direction": "forward"}
    return ends if used["direction"] == "forward" else (ends[1], ends[0])


def heat_of(reply: Reply) -> list[dict[str, Any]]:
    """Rows of the heat map in groups: the question's words, the relations weighed, the facts read; a weight a hop."""
    hops = reply["hops"]
    relations = [] if reply["abstained"] else _relations(hops)  # without an answer they are shown beside
    return [
        {"name": "Words of the question", "rows": _words(hops), "more": 0},
        {"name": "Relations in reach", "rows": relations, "more": 0},
        {"name": "Facts of the proof", **_fact_rows(reply, len(hops))},
    ]


def _words(hops: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    words: dict[tuple[int, int], dict[str, Any]] = {}
    for number, hop in enumerate(hops):
        for one in hop["attention"]:
            label = one["word"].strip(_MARKS)
            if not label:
                continue
            row = words.setdefault((one["start"], one["end"]), {"label": label, "weights": [0.0] * len(hops)})
            row["weights"][number] = one["weight"]
    return [row for _, row in sorted(words.items())]


def _relations(hops: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for number, hop in enumerate(hops):
        for one in hop["relations"]:
            label = one["relation"] if one["direction"] == "forward" else f"{one['relation']}, backwards"
            row = rows.setdefault(label, {"label": label, "weights": [0.0] * len(hops)})
            row["weights"][number] = max(row["weights"][number], one["weight"])
    worth_showing = [row for row in rows.values() if max(row["weights"]) >= LEAST_SHOWN]
    return sorted(worth_showing, key=lambda row: max(row["weights"]), reverse=True)


def _fact_rows(reply: Reply, num_hops: int) -> dict[str, Any]:
    facts = _facts(reply)
    rows = []
    for fact in facts[:MOST_ROWS]:
        weights = [fact["weight"] if hop == fact["hop"] else 0.0 for hop in range(1, num_hops + 1)]
        rows.append({"label": f"{fact['subject']} · {fact['relation']} · {fact['object']}", "weights": weights})
    return {"rows": rows, "more": max(len(facts) - MOST_ROWS, 0)}


def slots_of(reply: Reply, memory: Sequence[str | Mapping[str, str]]) -> list[dict[str, Any]]:
    """Rows of the picture of the papers: the sentences or triples of a memory, and what each hop gave to each."""
    attention = [hop["attention"] for hop in reply["hops"]]
    rows = [
        {"label": slot if isinstance(slot, str) else " · ".join(map(str, slot.values())), "weights": list(weights)}
        for slot, *weights in zip(memory, *attention, strict=False)
    ]
    return [{"name": "", "rows": rows, "more": 0}]
