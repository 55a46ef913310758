"""What a batch came to in one line, in English and Chinese: names of artifacts and final states of runs."""

from __future__ import annotations

from skuflow.batches.rows import BatchRow, BatchState, ChunkState, Counts
from skuflow.review.wording import Wording, name_of

_STATES = {
    BatchState.OPEN.value: Wording("open", "进行中"),
    BatchState.CLOSED.value: Wording("closed", "已结束"),
    BatchState.STOPPED.value: Wording("stopped", "已停止"),
    ChunkState.WAITING.value: Wording("waiting", "等待中"),
    ChunkState.RUNNING.value: Wording("in work", "处理中"),
    ChunkState.DONE.value: Wording("done", "完成"),
    ChunkState.FAILED.value: Wording("given up", "已放弃"),
}


def outcome_words(counts: Counts) -> Wording:
    """ "9 needs_review, 1 blocked; 108 parts made, 0 kept", as runs, logs and back ends know it, and the same in
    Chinese.
    """
    ordered = sorted(counts.by_status.items(), key=lambda pair: -pair[1])
    statuses = "、".join(f"{count} 个{name_of('status', status).zh}" for status, count in ordered)
    return Wording(counts.in_one_line(), f"{statuses}；新做 {counts.made} 项，保留 {counts.kept} 项")


def batch_words(batch: BatchRow) -> Wording:
    """The same of a batch in chunks."""
    outcome = outcome_words(batch.counts)
    return Wording(
        f"{batch.skus} SKUs in {batch.chunks} chunks: {outcome.en}",
        f"{batch.skus} 个 SKU，分 {batch.chunks} 段：{outcome.zh}",
    )


def state_words(state: str) -> Wording:
    """The state of a batch or a chunk. Raises KeyError for one that has no words."""
    return _STATES[state]
