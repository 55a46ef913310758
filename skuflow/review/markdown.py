"""A kit and a batch as text, for dashboards that take Markdown and tables instead of files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from skuflow.listing.kit import Kit, KitStatus
from skuflow.review.cards import KitEntry
from skuflow.review.figures import duration_text, money
from skuflow.review.reasons import all_findings, reasons

_STATUS_WORDS = {
    KitStatus.NEEDS_REVIEW: "Ready for review",
    KitStatus.APPROVED: "Approved",
    KitStatus.REJECTED: "Rejected",
    KitStatus.BLOCKED: "Blocked: the product data or photo was not good enough; nothing was spent",
    KitStatus.DEFERRED: "Waiting: some parts are still to come and the next run picks them up",
    KitStatus.FAILED: "Failed: some parts could not be made",
}
# Characters that Markdown or the HTML in it would read as more than themselves.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>$])")


def kit_markdown(kit: Kit, thumbnails: Mapping[str, str], link: str | None) -> str:
    """One kit as Markdown: status, thumbnails, scores, cost, titles, findings.

    ``thumbnails`` maps image ids to addresses, ``data:`` ones included (see ``data_uri_thumbnail``); images
    without one are left out. ``link`` leads to the kit's files. Text that comes from products shows as it was
    written, never as markup.
    """
    product = kit.product
    lines = [f"## {_plain(product.title)}", f"`{_code(kit.sku)}` · **{_STATUS_WORDS[kit.status]}**", ""]
    lines += [f"- {_plain(', '.join(reason.subjects))}: {_plain(reason.en)}" for reason in reasons(kit)]
    shown = [(image, thumbnails[image.id]) for image in kit.images if image.id in thumbnails]
    if shown:
        pictures = " | ".join(f"![{_plain(_image_name(i.role.value, i.style))}]({url})" for i, url in shown)
        names = " | ".join(_plain(_image_name(image.role.value, image.style)) for image, _ in shown)
        # A table keeps the pictures side by side where a paragraph would stack them.
        lines += ["", f"| {names} |", f"|{' --- |' * len(shown)}", f"| {pictures} |"]
    lines += [
        "",
        *_score_table(kit),
        "",
        f"Cost {money(kit.cost.settled)} (estimated {money(kit.cost.estimated)}).",
    ]
    lines += _videos(kit)
    if kit.copy_:
        lines += ["", "| Language | Title | Facts |", "| --- | --- | --- |"]
        lines += [
            f"| {_plain(c.language)} | {_plain(c.title)} | {round(c.facts_ratio * 100)} % |"
            for c in kit.copy_
        ]
    lines += _findings(kit)
    if link is not None:
        lines += ["", f"[kit.json and its files]({quote(link, safe=':/?#&=%@+,;~')})"]
    return "\n".join(lines) + "\n"


def batch_rows(kits: Iterable[KitEntry]) -> list[dict[str, str]]:
    """The kits as rows of a table: one per SKU, every cell text."""
    return [
        {
            "SKU": entry.kit.sku,
            "Title": entry.kit.product.title,
            "Status": entry.kit.status.value,
            "Score": _score(entry.kit.scores.overall),
            "Images": str(len(entry.kit.images)),
            "Videos": str(len(entry.kit.videos)),
            "Languages": str(len({copy.language for copy in entry.kit.copy_})),
            "Cost": money(entry.kit.cost.settled),
            "Time": "" if entry.seconds is None else duration_text(entry.seconds),
            "Reasons": "; ".join(reason.en for reason in reasons(entry.kit)),
        }
        for entry in kits
    ]


def _score_table(kit: Kit) -> list[str]:
    scores = kit.scores
    cells = [_score(value) for value in (scores.overall, scores.images, scores.copy_, scores.video)]
    return [
        "| Overall | Images | Copy | Video |",
        "| ---: | ---: | ---: | ---: |",
        f"| {' | '.join(cells)} |",
    ]


def _videos(kit: Kit) -> list[str]:
    return [
        f"\nVideo {v.width} × {v.height}, {v.duration_s:.1f} s, {v.fps:g} fps, by {_plain(v.provider)}."
        for v in kit.videos
    ]


def _findings(kit: Kit) -> list[str]:
    found = all_findings(kit)
    if not found:
        return []
    rows = [f"- {f.severity.value} `{_code(f.code)}` {_plain(f.subject)}: {_plain(f.message)}" for f in found]
    return ["", "**Findings**", "", *rows]


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _image_name(role: str, style: str | None) -> str:
    return f"{role} {style}" if style else role


def _plain(text: str) -> str:
    one_line = " ".join(text.split())
    escaped = one_line.replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(r"\\\1", escaped)


def _code(text: str) -> str:
    """Text for a code span, in which backslashes do not escape."""
    return " ".join(text.split()).replace("`", "'").replace("|", "¦")
