"""The pictures of `docs/hops.md`: what the reader looked at, hop by hop, drawn from the reply to a real question.

Each picture holds its figures as JSON in `<metadata>`, rounded, by which a test compares it with what is answered now.
"""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.embedded import Embedded
from app.settings import Settings
from app.telemetry import Metrics, configure_logging
from app.wiring import Services
from hopfact.bodies import guess_media_type
from hopfact.types import AskReply

DATA = Path(__file__).parents[1] / "docs" / "how-to" / "data"
PICTURES = {
    "two-hops": ("wikidata.nt", "What is the official language of the country whose capital is Lisbon?"),
    "condition": ("catalogue.ttl", "Which paintings by Rembrandt hang in the Mauritshuis?"),
    "refusal": ("catalogue.ttl", "Who stole The Milkmaid?"),
}
"""The name of each picture, the data that is asked and the question."""

WIDTH, LETTER, CELL, LINE = 760, 7.4, 34, 22
INK, QUIET, BLUE = "#1f2328", "#6b7280", (37, 99, 168)
MOST_RELATIONS, LEAST_WEIGHT = 3, 0.005
Figures = Mapping[str, Any]


def figures(name: str) -> Figures:
    """What the picture shows, as the service answers it now."""
    data, question = PICTURES[name]
    with TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), threads=1, log_level="warning")
        configure_logging(settings)
        services = Services(settings, Metrics())
        try:
            target = Embedded(services)
            target.create_kb("shown")
            media_type, encoding = guess_media_type(data)
            assert media_type is not None
            target.wait(target.upload("shown", DATA / data, media_type=media_type, encoding=encoding)["id"])
            return figures_of(target.ask("shown", question))
        finally:
            services.close()


def figures_of(reply: AskReply) -> Figures:
    """The part of a reply that a picture shows, in whole percent."""
    hops = [
        {
            "words": [[one["word"], round(100 * one["weight"])] for one in hop["attention"]],
            "relations": [
                {
                    "relation": one["relation"],
                    "direction": one["direction"],
                    "manner": one["manner"],
                    "weight": round(100 * one["weight"]),
                }
                for one in sorted(hop["relations"], key=lambda one: -one["weight"])[:MOST_RELATIONS]
                if one["weight"] >= LEAST_WEIGHT
            ],
            "facts": sorted(
                {
                    (fact["subject"], fact["relation"], fact["object"])
                    for answer in reply["answers"]
                    for fact in answer["evidence"]
                    if fact["hop"] == hop["hop"]
                }
            ),
        }
        for hop in reply["hops"]
    ]
    answers = [answer["label"] for answer in reply["answers"]]
    return {"question": reply["question"], "answers": answers, "reason": reply["reason"], "hops": hops}


def picture(name: str) -> str:
    """The picture as SVG."""
    return drawn(figures(name))


def drawn(shown: Figures) -> str:
    """Figures as SVG: for each hop the words that it attended to, the relations in reach, the facts it went along."""
    y, lines = 8, [_text(14, 26, shown["question"], weight="bold", size=15)]
    y += 34
    for number, hop in enumerate(shown["hops"], start=1):
        lines.append(_text(14, y + 18, f"Hop {number}", weight="bold"))
        y, words = _words(hop["words"], y + 28)
        lines += words
        for one in hop["relations"]:
            lines += _relation(one, y)
            y += LINE
        for subject, relation, object_ in hop["facts"]:
            lines.append(_text(14, y + 15, f"{subject} — {relation} — {object_}"))
            y += LINE
        y += 10
    ending = "Answer: " + ", ".join(shown["answers"]) if shown["answers"] else f"No answer: {shown['reason']}"
    lines.append(_text(14, y + 16, ending, weight="bold"))
    height = y + 32
    label = escape(f"{shown['question']} {ending}", quote=True)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
            f' font-size="13" fill="{INK}" role="img" aria-label="{label}">',
            f"<metadata>{escape(json.dumps(shown, ensure_ascii=False))}</metadata>",
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
            *lines,
            "</svg>\n",
        ]
    )


def _words(words: Sequence[tuple[str, int]], y: int) -> tuple[int, list[str]]:
    """The question's words, the darker the more was attended to; where the next line begins."""
    x, lines = 14.0, []
    for word, percent in words:
        width = max(30, len(word) * LETTER + 12)
        if x + width > WIDTH - 14:
            x, y = 14.0, y + CELL + 4
        ink = "white" if percent >= 80 else INK
        lines += [
            f'<rect x="{x:.0f}" y="{y}" width="{width:.0f}" height="{CELL}" rx="3" fill="{_shade(percent)}"/>',
            _text(x + width / 2, y + 15, word, anchor="middle", fill=ink),
            _text(x + width / 2, y + 29, f"{percent} %", anchor="middle", fill=ink, size=10),
        ]
        x += width + 3
    return y + CELL + 8, lines


def _relation(one: Mapping[str, Any], y: int) -> list[str]:
    backwards = ", backwards" if one["direction"] == "inverse" else ""
    return [
        f'<rect x="14" y="{y + 4}" width="{1.2 * one["weight"]:.0f}" height="13" fill="rgb{BLUE}"/>',
        _text(142, y + 15, f"{one['weight']} %", fill=QUIET),
        _text(190, y + 15, f"{one['manner']}: {one['relation']}{backwards}", fill=QUIET),
    ]


def _shade(percent: int) -> str:
    return "rgb({}, {}, {})".format(*(round(245 - (245 - one) * percent / 100) for one in BLUE))


def _text(
    x: float, y: float, text: str, *, weight: str = "normal", size: int = 13, anchor: str = "start", fill: str = INK
) -> str:
    return (
        f'<text x="{x:.0f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" font-size="{size}" fill="{fill}">'
        f"{escape(text)}</text>"
    )
