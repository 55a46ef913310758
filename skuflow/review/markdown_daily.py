"""The daily report as Markdown, in English and Chinese: what a shop's owner reads in the morning."""

from __future__ import annotations

from skuflow.catalog.arrivals.states import FolderState
from skuflow.listing.kit import KitStatus
from skuflow.review.batch_words import outcome_words, state_words
from skuflow.review.day_figures import MOST_SHOWN, DayFigures
from skuflow.review.day_notes import DayNote
from skuflow.review.figures import duration_text
from skuflow.review.markdown_batch import caps_lines, spent_table
from skuflow.review.markdown_text import both, code, joined, moment, plain, side_by_side, table, yuan
from skuflow.review.wording import name_of, part_words, say

_BAR_CHARS = 24
_ORDER = (
    KitStatus.NEEDS_REVIEW,
    KitStatus.APPROVED,
    KitStatus.REJECTED,
    KitStatus.DEFERRED,
    KitStatus.BLOCKED,
    KitStatus.FAILED,
)


def daily_markdown(figures: DayFigures) -> str:
    """The whole report; lists are cut short at ``MOST_SHOWN`` lines and say so."""
    return joined(
        (
            _heading(figures),
            _person(figures),
            _kits(figures),
            _why(figures),
            ["### Costs 费用", "", *spent_table(figures.spent)],
            caps_lines(figures.caps, figures.budget, figures.day, figures.zone),
            _scores(figures),
            _speeds(figures),
            _batches(figures),
            _arrivals(figures),
            _made(figures),
        )
    )


def daily_line(figures: DayFigures) -> str:
    """The day in one line, such as "12 made, 1 waiting, 2 blocked; ¥3.40 paid, ¥0.20 held"."""
    kits = figures.kits.by_status
    counts = {
        "rejected 驳回": kits[KitStatus.REJECTED],
        "waiting 等待": kits[KitStatus.DEFERRED],
        "blocked 拦截": kits[KitStatus.BLOCKED],
        "failed 失败": kits[KitStatus.FAILED],
    }
    told = [f"{figures.ready} made 已完成", *(f"{n} {name}" for name, n in counts.items() if n)]
    held = figures.budget.held_micro
    money = f"{yuan(figures.budget.settled_micro)} paid 已付"
    return f"{', '.join(told)}; {money}{f', {yuan(held)} held 暂扣' if held else ''}"


def _heading(figures: DayFigures) -> list[str]:
    lines = [f"## Daily report 日报 {figures.day}", "", f"**{daily_line(figures)}**"]
    reached = [
        f"{plain(both(name_of('provider', cap.provider)))} {plain(both(name_of('capability', cap.capability)))}"
        for cap in figures.caps_reached
    ]
    if reached:
        lines += ["", f"Caps reached 已达上限: {', '.join(reached)}"]
    if figures.budget.left_micro == 0:
        lines += ["", "Budget used up 预算已用完"]
    return lines


def _person(figures: DayFigures) -> list[str]:
    """What waits for a person, with what to do."""
    lines: list[str] = []
    if figures.doubtful_jobs:
        lines.append(
            f"- **Jobs in doubt 待核实任务: {figures.doubtful_jobs}**, {yuan(figures.doubtful_micro)} held 暂扣:"
            " `skuflow jobs --state in_doubt` lists them; look at the vendor's console whether they were made, and tell"
            " with `skuflow resolve KEY`. 请到供应商后台核对是否已生成，并用 `skuflow resolve KEY` 告知结果。"
        )
        lines += [
            f"    - `{code(job.sku)}` {plain(_part(job.part))}, {plain(both(name_of('provider', job.provider)))},"
            f" {yuan(job.held_micro)}, since 自 {moment(job.since, figures.zone)}"
            for job in figures.doubtful
        ]
    if figures.arrivals is not None and figures.arrivals.refused:
        refused = figures.arrivals.counts.by_state.get(FolderState.REFUSED, 0)
        lines.append(
            f"- **Folders below incoming/ refused 被拒绝的文件夹: {refused}**. Correct the files. 请更正文件。"
        )
        lines += [
            f"    - `{code(folder.folder)}`: {plain(folder.note.en)} {plain(folder.note.zh)}"
            for folder in figures.arrivals.refused[:MOST_SHOWN]
        ]
    stopped = figures.kits.by_status[KitStatus.BLOCKED] + figures.kits.by_status[KitStatus.FAILED]
    if stopped:
        lines.append(
            f"- **SKUs blocked or failed 被拦截或失败: {stopped}**. Reasons and remedies below. 原因和处理方法见下。"
        )
    ready = figures.kits.by_status[KitStatus.NEEDS_REVIEW]
    if ready:
        lines.append(
            f"- **Kits to be reviewed 待审核素材包: {ready}**, before they are published. 发布前请审核。"
        )
    if figures.given_up:
        lines.append(
            f"- **Chunks given up 已放弃的批次分段: {len(figures.given_up)}**. Run their catalog again."
            " 请重新运行该商品表。"
        )
        lines += [
            f"    - {plain(chunk.catalog)}, chunk 段 {chunk.no} ({chunk.skus} SKUs): {plain(chunk.note)}"
            for chunk in figures.given_up
        ]
    return [
        "### Waits for a person 需要人工处理",
        "",
        *(lines or ["Nothing. 没有。"]),
    ]


def _kits(figures: DayFigures) -> list[str]:
    kits, waiting = figures.kits, figures.waiting
    lines = ["### SKUs 商品", ""]
    if not kits.skus:
        lines.append("No kit changed on this day. 当日没有素材包变化。")
    else:
        known = [status for status in _ORDER if kits.by_status[status]]
        rows = [(both(say(f"status.{status}")), f"{kits.by_status[status]:,}") for status in known]
        lines += table(("Status at the end of the day 当日结束时状态", "SKUs"), rows, right=(1,))
        lines += ["", f"Parts made 生成件数: {sum(one.parts for one in figures.spent):,}"]
    if waiting.skus:
        oldest = "; ".join(f"`{code(sku)}` ({since:%Y-%m-%d})" for sku, since in waiting.oldest)
        told = f", oldest 最早: {oldest}" if oldest else ""
        lines += [
            "",
            f"Waiting now 目前等待中: **{waiting.skus:,}** SKUs{told}. The next run picks them up. 下次运行会继续。",
        ]
    return lines


def _why(figures: DayFigures) -> list[str]:
    if not figures.kits.why:
        return []
    # A list, since tables do not break long lines everywhere.
    lines = []
    for one in figures.kits.why:
        code_words = f" `{code(one.reason.code)}`" if one.reason.code != one.reason.en else ""
        said = f"{plain(one.reason.en)} {plain(one.reason.zh)}".strip()
        lines.append(f"- **{one.skus:,} SKU**{code_words} (for example 例如 `{code(one.example)}`): {said}")
    return ["### Why kits are not ready 未完成的原因", "", *lines]


def _scores(figures: DayFigures) -> list[str]:
    kits = figures.kits
    if kits.median_score is None:
        return []
    most = max(count for _, count in kits.bins)
    above = (101, *(least for least, _ in kits.bins))
    rows = [
        (
            f"{least} – {top - 1}" if top <= 100 else f"{least} – 100",
            f"{count:,}",
            "█" * -(-count * _BAR_CHARS // most) if count else "",
        )
        for (least, count), top in zip(kits.bins, above, strict=False)
    ]
    lines = [
        "### Scores 评分",
        "",
        *table(("Score 评分", "SKUs", f"Median 中位数 **{kits.median_score:.0f}**"), rows, right=(1,)),
    ]
    return [*lines, "", f"Lowest 最低: {', '.join(map(_scored, kits.lowest))}"]


def _scored(note: DayNote) -> str:
    return f"`{code(note.sku)}` {note.score or 0:.0f}"


def _speeds(figures: DayFigures) -> list[str]:
    if not figures.speeds:
        return []
    rows = [
        (
            plain(both(name_of("provider", one.provider))),
            plain(both(name_of("capability", one.capability))),
            f"{one.jobs:,}",
            duration_text(one.median_s),
            duration_text(one.most_s),
            f"`{code(one.slowest)}`",
        )
        for one in figures.speeds
    ]
    head = (
        "Vendor 供应商",
        "Work 工作",
        "Jobs 任务",
        "Median 中位数",
        "Slowest 最慢",
        "Which 哪一个",
    )
    return ["### Time per job 任务用时", "", *table(head, rows, right=(2, 3, 4))]


def _batches(figures: DayFigures) -> list[str]:
    if not figures.batches:
        return []
    rows = [
        (
            plain(one.catalog),
            f"{one.skus:,}",
            str(one.chunks),
            both(state_words(one.state.value)),
            plain(side_by_side(outcome_words(one.counts))) if one.counts.by_status else "–",
        )
        for one in figures.batches
    ]
    head = ("Catalog 商品表", "SKUs", "Chunks 段", "State 状态", "Outcome 结果")
    return ["### Long batches 大批次", "", *table(head, rows, right=(1, 2))]


def _arrivals(figures: DayFigures) -> list[str]:
    if figures.arrivals is None or not figures.arrivals.counts.by_state:
        return []
    words = {
        FolderState.WAITING: "waiting for files 等待文件",
        FolderState.READY: "ready 就绪",
        FolderState.TAKEN: "in work 处理中",
        FolderState.DEFERRED: "to be continued 待继续",
        FolderState.DONE: "done 完成",
        FolderState.REFUSED: "refused 已拒绝",
    }
    counts = figures.arrivals.counts.by_state
    told = [f"{counts[state]:,} {name}" for state, name in words.items() if counts.get(state)]
    return ["### Folders below incoming/ 到货文件夹", "", f"{', '.join(told)}."]


def _made(figures: DayFigures) -> list[str]:
    made = moment(figures.made_at, figures.zone)
    zone = figures.zone.key
    return [
        f"Made {made} from ledger, storage and the tables of batches and arrivals; the day is that of {zone}, and a job"
        f" belongs to the day on which it was ordered. {made} 生成；按 {zone} 的自然日统计，任务计入下单当日。"
    ]


def _part(part: str) -> str:
    words = part_words(part)
    return part if words is None else both(words)
