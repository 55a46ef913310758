"""A kit as Markdown, for dashboards that take text instead of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote
from zoneinfo import ZoneInfo

from skuflow.jobs.contract import MicroCNY
from skuflow.ledger.spending import Spent
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import NOT_ASKED_FOR, Kit, KitCopy, KitImage, KitStatus, KitVideo, PartState
from skuflow.quality.scoring import FULL_POINTS
from skuflow.review.cards import style_words
from skuflow.review.figures import money
from skuflow.review.kit_links import KIT_FILE, KitLinks, largest_file
from skuflow.review.markdown_text import (
    SIZE_LIMIT_BYTES,
    TEXT_LIMIT_CHARS,
    both,
    bounded,
    code,
    joined,
    moment,
    plain,
    table,
    yuan,
)
from skuflow.review.measures import aspect_words, is_aspect
from skuflow.review.reason_words import reason_words
from skuflow.review.reasons import all_findings
from skuflow.review.score_words import penalty_words, score_lines
from skuflow.review.subject_words import subject_words
from skuflow.review.wording import LANGUAGE_NAMES, Wording, name_of, part_words, say

_MOST_ROWS = 60
_SEVERITY_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
_MISSING = (PartState.WAITING, PartState.FAILED, PartState.SKIPPED)
_AI_ORIGIN = "trainedalgorithmicmedia"
_AI_WORDS = Wording(
    "{made} of {all} pictures and videos were drawn by a trained model; each file says so inside"
    " (IPTC, GB 45438-2025).",
    "{all} 个图片和视频中有 {made} 个由 AI 模型生成，文件内均带隐式标识（IPTC、GB 45438-2025）。",
)
_NO_AI_WORDS = Wording(
    "No picture or video was drawn by a trained model; each file says inside how it was made.",
    "图片和视频均非 AI 模型生成；每个文件内都注明了制作方式。",
)


@dataclass(frozen=True, slots=True)
class KitMoney:
    """What the SKU cost so far by vendor, and what an agency takes for one."""

    spent: tuple[Spent, ...]
    outsourcing_micro: MicroCNY


def kit_markdown(
    kit: Kit,
    thumbnails: Mapping[str, str],
    links: KitLinks | None = None,
    kit_money: KitMoney | None = None,
    zone: ZoneInfo | None = None,
) -> str:
    """One kit as Markdown of less than ``SIZE_LIMIT_BYTES``, in English and Chinese.

    ``thumbnails`` maps image ids to addresses, ``data:`` ones included (see ``data_uri_thumbnail``); images without
    one are left out, and so are all of them where the text would be too long. ``zone``: in which times are told.
    """
    text = _text(kit, thumbnails, links, kit_money, zone)
    if len(text.encode()) >= SIZE_LIMIT_BYTES:
        text = _text(kit, {}, links, kit_money, zone)
    return bounded(text, f"`{KIT_FILE}`")


def _text(
    kit: Kit,
    thumbnails: Mapping[str, str],
    links: KitLinks | None,
    kit_money: KitMoney | None,
    zone: ZoneInfo | None,
) -> str:
    sections = (
        _heading(kit),
        _pictures(kit, thumbnails, links),
        _missing(kit),
        _scores(kit),
        _cost(kit, kit_money),
        _copy(kit),
        _videos(kit, links),
        _labels(kit),
        _notes(kit),
        _files(links, zone),
    )
    return joined(sections)


def _heading(kit: Kit) -> list[str]:
    product = kit.product
    zh, en = product.titles.get("zh", ""), product.titles.get("en", "")
    names = [name for name in dict.fromkeys((zh, en)) if name] or [product.title]
    price = f"{product.price} {product.currency or ''}".strip() if product.price is not None else ""
    facts = [plain(fact) for fact in (product.category, product.brand, price) if fact]
    status, explained = say(f"status.{kit.status.value}"), say(f"explain.{kit.status.value}")
    return [
        f"## {plain(names[0])}",
        *(f"\n{plain(name)}" for name in names[1:]),
        "",
        " · ".join((f"**{both(status)}**", f"`{code(kit.sku)}`", *facts)),
        "",
        f"{explained.en} {explained.zh}",
    ]


def _pictures(kit: Kit, thumbnails: Mapping[str, str], links: KitLinks | None) -> list[str]:
    shown = [image for image in kit.images if image.id in thumbnails]
    if not shown:
        return []
    # A table keeps the pictures side by side where a paragraph would stack them; a long heading would widen it.
    heads = [plain(both(style_words(image.style) if image.style else _image_name(image))) for image in shown]
    rows = [[f"![{plain(_image_name(image).en)}]({thumbnails[image.id]})" for image in shown]]
    addresses = links.addresses if links is not None else {}
    large = [addresses.get(largest_file(image), "") for image in shown]
    if any(large):
        # Beside the picture: one that is a link itself shows as its text in Prefect's first UI.
        rows.append([f"[Open 打开]({_address(address)})" if address else "" for address in large])
    return table(heads, rows)


def _missing(kit: Kit) -> list[str]:
    """What stands in the way, then which parts are not there and why."""
    # Lists, since tables do not break long lines everywhere.
    errors = [finding for finding in kit.findings if finding.severity is Severity.ERROR]
    lines: list[str] = []
    if errors:
        lines += ["### What to put right 需要处理", "", *map(_told, errors[:_MOST_ROWS])]
    parts = [part for part in kit.parts if part.state in _MISSING and part.reason != NOT_ASKED_FOR]
    if parts and not (errors and kit.status is KitStatus.BLOCKED):
        lines += [*([""] if lines else []), "### Not there yet 尚缺内容", ""]
        for part in parts[:_MOST_ROWS]:
            state = both(say(f"state.{part.state.value}"))
            said = plain(both(reason_words(part.reason or "–")), 2 * TEXT_LIMIT_CHARS)
            lines.append(f"- **{plain(_part_name(part.part))}**, {state}: {said}")
    return lines


def _scores(kit: Kit) -> list[str]:
    scores = kit.scores
    values = {"overall": scores.overall, "images": scores.images, "copy": scores.copy_, "video": scores.video}
    if all(value is None for value in values.values()):
        return []
    heads = [both(say(f"scores.{name}")) for name in values]
    cells = ["–" if value is None else f"**{value:.0f}**" for value in values.values()]
    lines = ["### Scores 评分", "", *table(heads, [cells], right=range(4))]
    if scores.overall is not None and scores.overall < FULL_POINTS:
        lines += ["", *(f"- {plain(both(line))}" for line in score_lines(kit))]
    parts: list[KitImage | KitVideo | KitCopy] = [*kit.images, *kit.videos, *kit.copy_]
    rows = [row for part in parts for row in _part_scores(part)]
    losing = [row for row in rows if row[2]]
    if losing:
        head = ("Part 内容", "Score 得分", "Points lost 扣分项")
        lines += ["", *table(head, losing[:_MOST_ROWS], right=(1,))]
    full = len(rows) - len(losing)
    if full:
        lines += ["", f"Parts that lost no points 未扣分: {full} / {len(rows)}"]
    return lines


def _part_scores(part: KitImage | KitVideo | KitCopy) -> Iterator[tuple[str, str, str]]:
    """The part's score, the aspects that lost points, and what was measured where that is a finding."""
    if "overall" not in part.scores:
        return
    name = part.part if isinstance(part, KitCopy) else part.id
    lost = [
        f"{both(aspect_words(aspect))} −{FULL_POINTS - value:.3g}"
        for aspect, value in part.scores.items()
        if is_aspect(aspect) and round(FULL_POINTS - value, 1) > 0
    ]
    measured = [words for words in map(penalty_words, part.findings) if words is not None]
    said = ["; ".join(lost), *(both(words) for words in measured)]
    yield plain(_part_name(name)), f"{part.scores['overall']:.1f}", "; ".join(map(plain, filter(None, said)))


def _cost(kit: Kit, kit_money: KitMoney | None) -> list[str]:
    settled, estimated = money(kit.cost.settled), money(kit.cost.estimated)
    line = f"**{settled}** paid 已付, {estimated} estimated 预估"
    if kit_money is None:
        return ["### Cost 成本", "", f"{line}."]
    line += f"; an agency takes {yuan(kit_money.outsourcing_micro)} 外包价"
    rows = [
        (
            plain(both(name_of("provider", one.provider))),
            plain(both(name_of("capability", one.capability))),
            str(one.parts),
            str(one.attempts),
            yuan(one.settled_micro) if one.paid else both(say("costs.free")),
            yuan(one.held_micro) if one.held_micro else "–",
        )
        for one in kit_money.spent
    ]
    head = ("Vendor 供应商", "Work 工作", "Made 件数", "Tries 次数", "Paid 已付", "Held 暂扣")
    return ["### Cost 成本", "", f"{line}.", *(["", *table(head, rows, right=(2, 3, 4, 5))] if rows else [])]


def _copy(kit: Kit) -> list[str]:
    if not kit.copy_:
        return []
    rows = [
        (
            plain(_language(text)),
            plain(text.title),
            str(len(text.bullets)),
            f"{round(text.facts_ratio * 100)} %",
        )
        for text in kit.copy_[:_MOST_ROWS]
    ]
    head = ("Language 语言", "Title 标题", "Points 要点", "Facts 信息")
    origins = dict.fromkeys(both(name_of("origin", text.origin)) for text in kit.copy_)
    return ["### Copy 文案", "", *table(head, rows, right=(2, 3)), "", f"{plain('; '.join(origins))}"]


def _videos(kit: Kit, links: KitLinks | None) -> list[str]:
    lines = ["### Video 视频", ""] if kit.videos else []
    for video in kit.videos:
        address = links.addresses.get(video.file) if links is not None else None
        name = plain(_part_name(video.id))
        maker = plain(both(name_of("provider", video.provider)))
        facts = f"{video.width} × {video.height}, {video.duration_s:.1f} s, {video.fps:g} fps, {maker}"
        lines.append(f"- {f'[{name}]({_address(address)})' if address else name}: {facts}")
    return lines


def _labels(kit: Kit) -> list[str]:
    made: list[KitImage | KitVideo] = [*kit.images, *kit.videos]
    if not made:
        return []
    drawn = sum(one.origin.casefold().endswith(_AI_ORIGIN) for one in made)
    words = _AI_WORDS.filled(made=drawn, all=len(made)) if drawn else _NO_AI_WORDS
    lines = ["### AI label AI 标识", "", f"{words.en} {words.zh}"]
    markets = dict.fromkeys(market for one in made for file in one.labelled for market in file.markets)
    if markets:
        visible = say("media.ai_label_hint").filled(markets=", ".join(markets))
        files = [f"`{code(file.file)}`" for one in made for file in one.labelled]
        lines += ["", f"{plain(visible.en)} {plain(visible.zh)}", "", " ".join(files[:_MOST_ROWS])]
    return lines


def _notes(kit: Kit) -> list[str]:
    """Findings that neither stand in the way nor are a penalty of a score."""
    standing = {finding for finding in kit.findings if finding.severity is Severity.ERROR}
    found = [one for one in all_findings(kit) if one not in standing and penalty_words(one) is None]
    if not found:
        return []
    found.sort(key=lambda finding: _SEVERITY_ORDER[finding.severity])
    lines = list(map(_told, found[:_MOST_ROWS]))
    more = len(found) - len(lines)
    return [
        "### Findings 提示",
        "",
        *lines,
        *([f"- {more} more, in kit.json 其余见 kit.json"] if more else []),
    ]


def _files(links: KitLinks | None, zone: ZoneInfo | None) -> list[str]:
    if links is None:
        return []
    lines = ["### Files 文件", ""]
    address = links.addresses.get(KIT_FILE)
    if address is None:
        return [*lines, f"`{code(links.place)}`"]
    lines.append(f"[kit.json]({_address(address)}) · `{code(links.place)}`")
    if links.until is not None:
        until = moment(links.until, zone)
        lines += [
            "",
            f"Links work until {until} at the latest; the files stay. 链接最迟 {until} 失效，文件保留。",
        ]
    return lines


def _told(finding: Finding) -> str:
    """A line of a list: what is concerned, what was found and what to do, with the figures behind it."""
    words = Wording(finding.message, finding.message_zh or finding.message)
    said = plain(words.en) if words.en == words.zh else f"{plain(words.en)} {plain(words.zh)}"
    named = (("measured 实测", finding.measured), ("limit 限值", finding.limit))
    figures = ", ".join(f"{name} {plain(value)}" for name, value in named if value is not None)
    severity, subject = both(say(f"severity.{finding.severity.value}")), both(subject_words(finding.subject))
    return f"- {severity} `{code(finding.code)}` **{plain(subject)}**: {said}{f' ({figures})' if figures else ''}"


def _part_name(part: str) -> str:
    words = part_words(part)
    return part if words is None else both(words)


def _language(text: KitCopy) -> str:
    name = LANGUAGE_NAMES.get(text.language.split("-")[0].lower())
    return f"{name} ({text.language})" if name else text.language


def _image_name(image: KitImage) -> Wording:
    name = part_words(image.id) or name_of("role", image.role.value)
    if not image.style:
        return name
    style = style_words(image.style)
    return Wording(f"{name.en}, {style.en}", f"{name.zh} {style.zh}")


def _address(address: str) -> str:
    return quote(address, safe=":/?#&=%@+,;~")
