"""What people are told about a folder below ``incoming/``."""

from __future__ import annotations

from collections.abc import Sequence

from skuflow.catalog.arrivals.states import Sentence

_NAMES_SHOWN = 3


def just_changed() -> Sentence:
    return Sentence("files are still landing", "文件仍在上传")


def waits_for_rows() -> Sentence:
    return Sentence("waits for product.json or a CSV or XLSX file", "等待 product.json 或 CSV、XLSX 表格")


def no_rows(minutes: int) -> Sentence:
    return Sentence(
        f"no product.json and no CSV or XLSX file came within {minutes} minutes; put one beside the photos",
        f"{minutes} 分钟内没有收到 product.json 或 CSV、XLSX 表格；请放到图片旁边",
    )


def nested_rows(where: str) -> Sentence:
    return Sentence(
        f"{where} lies too deep; put each product's folder directly into incoming/",
        f"{where} 所在层级过深；请把每个商品的文件夹直接放在 incoming/ 下",
    )


def several_rows(names: Sequence[str]) -> Sentence:
    listed = _listed(names)
    return Sentence(
        f"{len(names)} row files ({listed}); leave one, and put others into folders of their own",
        f"有 {len(names)} 个表格（{listed}）；请只留一个，其余放入各自的文件夹",
    )


def waits_for_photos(names: Sequence[str]) -> Sentence:
    if not names:
        return Sentence("waits for a photo", "等待图片")
    listed = _listed(names)
    word = "photo" if len(names) == 1 else f"{len(names)} photos:"
    return Sentence(f"waits for {word} {listed}", f"等待图片 {listed}")


def photos_never_came(names: Sequence[str], minutes: int) -> Sentence:
    if not names:
        return Sentence(
            f"no photo came within {minutes} minutes; put at least one beside the row file",
            f"{minutes} 分钟内没有收到图片；请至少上传一张",
        )
    listed = _listed(names)
    return Sentence(
        f"{listed}: not there after {minutes} minutes; add the photo or correct its name in the row file",
        f"{listed}：{minutes} 分钟后仍未收到；请补传图片，或改正表格中的文件名",
    )


def photos_elsewhere(names: Sequence[str]) -> Sentence:
    listed = _listed(names)
    return Sentence(
        f"{listed}: a photo must lie in the folder itself; put it there and write its name without .. and drive",
        f"{listed}：图片必须放在本文件夹内；请放入后填写文件名，不要写 .. 或盘符",
    )


def loose_files(names: Sequence[str]) -> Sentence:
    listed = _listed(names)
    return Sentence(
        f"{listed}: lies directly in incoming/; put it into a folder of its own with its photos",
        f"{listed}：直接放在了 incoming/ 下；请连同图片放入单独的文件夹",
    )


def too_many_files(limit: int) -> Sentence:
    return Sentence(
        f"more than {limit} files; split it into several folders", f"文件超过 {limit} 个；请拆成几个文件夹"
    )


def row_file_too_large(name: str, limit_mib: int) -> Sentence:
    return Sentence(
        f"{name} has more than {limit_mib} MiB; split the catalog",
        f"{name} 超过 {limit_mib} MiB；请拆分表格",
    )


def unreadable(message: str, message_zh: str = "") -> Sentence:
    """A reader's own sentence; ``message_zh`` is empty where only engineers meet it."""
    return Sentence(message, message_zh or f"表格无法读取：{message}")


def failed_often(attempts: int) -> Sentence:
    return Sentence(
        f"its kits came out as failed {attempts} times; they say why: mend the row or its photos, then put the row "
        "file again",
        f"该文件夹的素材包已 {attempts} 次制作失败；原因见各素材包，请修改表格或图片后重新上传表格",
    )


def stopped() -> Sentence:
    return Sentence(
        "a person cancelled runs of its batch; put its row file again to go on",
        "其批次的运行已由人工取消；如需继续，请重新上传表格",
    )


def gave_up(attempts: int) -> Sentence:
    return Sentence(
        f"{attempts} runs broke off while they worked on this folder; see crashes/ in SKUFLOW_HOME and the runs' "
        "logs, then put its row file again",
        f"已有 {attempts} 次运行在处理该文件夹时中断；请查看 SKUFLOW_HOME 的 crashes/ 与运行日志，再重新上传表格",
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
