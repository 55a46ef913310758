"""What a janitor found and did, for a person, in English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from skuflow.housekeeping.cleaning import Cleaned
from skuflow.housekeeping.concerns import Concern
from skuflow.housekeeping.left_jobs import Looked, skus_of
from skuflow.ledger.rows import RowState
from skuflow.review.markdown_text import side_by_side
from skuflow.review.reason_words import has_words, reason_words
from skuflow.review.wording import Wording, part_words

_MOST_LINES = 50
_WORDS = {
    RowState.SETTLED: Wording("collected and paid", "已取回并结算"),
    RowState.FAILED: Wording("failed at the vendor", "供应商制作失败"),
    RowState.RELEASED: Wording("given back, since nothing was accepted", "未被受理，已退回"),
    RowState.EXPIRED: Wording("lost by the vendor", "供应商已不再保留结果"),
    RowState.IN_DOUBT: Wording("in doubt", "待核实"),
    RowState.SUBMITTED: Wording("found at the vendor", "已在供应商处查到"),
    RowState.SUBMITTING: Wording("being submitted", "提交中"),
    RowState.STORED: Wording("stored, not settled yet", "已入库，尚未结算"),
    RowState.RESERVED: Wording("reserved", "已预留"),
}


@dataclass
class Report:
    """Filled step by step. ``runs``, ``chunks`` and ``troubles`` are sentences in both languages; ``told`` are the
    concerns told now.
    """

    jobs: Sequence[Looked] = ()
    not_reached: int = 0
    runs: list[str] = field(default_factory=list)
    chunks: list[str] = field(default_factory=list)
    cleaned: list[Cleaned] = field(default_factory=list)
    told: list[Concern] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is worth a line to a person."""
        lists = (self.runs, self.chunks, self.cleaned, self.told, self.troubles)
        return not any(lists) and not any(job.moved for job in self.jobs) and not self.not_reached

    def in_one_line(self) -> str:
        """Such as "3 jobs collected, 1 runs seen to", and the same in Chinese; "nothing to do" where that is so."""
        collected = sum(job.collected for job in self.jobs)
        moved = sum(job.moved for job in self.jobs)
        left = len(self.jobs) - moved + self.not_reached
        counts = (
            (collected, "jobs collected", "取回 {} 项任务"),
            (moved - collected, "jobs otherwise ended", "{} 项任务以其他方式结束"),
            (left, "jobs left as they are", "{} 项任务未变"),
            (len(self.runs), "runs seen to", "处理 {} 个运行"),
            (len(self.chunks), "chunks seen to", "处理 {} 个分段"),
            (sum(one.count for one in self.cleaned), "old things cleaned away", "清理 {} 个旧文件或记录"),
            (len(self.told), "things told to a person", "提醒人工 {} 件事"),
            (len(self.troubles), "steps that could not be done", "{} 个步骤未能完成"),
        )
        done = [(count, en, zh) for count, en, zh in counts if count]
        if not done:
            return "nothing to do 无需处理"
        en = ", ".join(f"{count} {what}" for count, what, _ in done)
        return side_by_side(Wording(en, "，".join(what.format(count) for count, _, what in done)))

    def markdown(self) -> str:
        parts = [f"# Janitor 清理程序\n\n{self.in_one_line()}"]
        parts += _section("For a person 需人工处理", [concern.message for concern in self.told])
        parts += _section("Could not be done 未能完成", self.troubles)
        parts += _section("Jobs 任务", [_line(job) for job in self.jobs if job.moved])
        if skus := skus_of(self.jobs):
            parts += _section(
                "Kits that their next run finishes, the nightly one at the latest"
                " 待下次运行补全的素材包（最迟为夜间运行）",
                skus,
            )
        parts += _section("Runs 运行", self.runs)
        parts += _section("Chunks 分段", self.chunks)
        parts += _section("Cleaned away 已清理", [_cleaned(one) for one in self.cleaned])
        return "\n\n".join(parts) + "\n"


def _line(job: Looked) -> str:
    what, row = _WORDS[job.state], job.row
    en = f"{row.sku} {row.part} at {row.provider}: {what.en}"
    zh = f"{(part_words(row.part) or Wording('', row.part)).zh}（{row.provider}）：{what.zh}"
    if job.sentence:
        en = f"{en}: {job.sentence}"
    if has_words(job.code):
        zh = f"{zh}；{reason_words(f'{job.code}: {job.sentence}').zh}"
    return side_by_side(Wording(en, zh))


def _cleaned(one: Cleaned) -> str:
    what = f"{one.what} {one.what_zh}".strip()
    return f"{what}: {one.trouble}" if one.trouble else f"{what}: {one.count}"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    shown = [f"- {_plain(line)}" for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"- and {len(lines) - _MOST_LINES} more 另有 {len(lines) - _MOST_LINES} 条")
    return [f"## {title}\n\n" + "\n".join(shown)]


def _plain(line: str) -> str:
    """One line in which nothing is Markdown, whatever a product's or vendor's text holds."""
    text = " ".join(line.split())
    return "".join(f"\\{character}" if character in "\\`*_[]<>#|" else character for character in text)
