"""What findings are about, in words: parts of a kit, places in a catalog or in a text."""

from __future__ import annotations

import re

from skuflow.review.wording import Wording, part_words

_PASSAGE = re.compile(r"(?P<copy>copy:\S+) (?P<what>[a-z ]+?)(?P<number> \d+)?")
_PASSAGES_ZH = {
    "title": "标题",
    "description": "描述",
    "bullet": "要点",
    "keyword": "关键词",
    "video line": "视频脚本",
    "caption": "字幕",
}
_SUBJECTS = (
    (re.compile(r"row (\d+), column (.+)"), "第 {} 行，“{}”列"),
    (re.compile(r"title \((\S+)\)"), "标题（{}）"),
    (re.compile(r"description \((\S+)\)"), "描述（{}）"),
    (re.compile(r"selling point (\d+) \((\S+)\)"), "卖点 {}（{}）"),
    (re.compile(r"market (\S+)"), "市场 {}"),
    (re.compile(r"row (\d+)"), "第 {} 行"),
    (re.compile(r"column (.+)"), "“{}”列"),
    (re.compile(r"attribute (.+)"), "属性“{}”"),
    (re.compile(r"attributes"), "属性"),
    (re.compile(r"category"), "类目"),
    (re.compile(r"description"), "描述"),
    (re.compile(r"style"), "风格"),
    (re.compile(r"style (\w+)"), "风格 {}"),
)
"""What findings about a catalog's row are about, as intake writes it; anything else is a name and stays."""


def subject_words(subject: str) -> Wording:
    """The words for what a finding is about: parts, places in the catalog or in a text, several of them with commas
    between, or a name as it is.
    """
    whole = _one_subject(subject)
    if whole is not None:
        return whole
    several = [_one_subject(one) for one in subject.split(", ")]
    known = [words for words in several if words is not None]
    if len(known) < len(several):
        return Wording(subject, subject)
    return Wording(", ".join(words.en for words in known), "、".join(words.zh for words in known))


def _one_subject(subject: str) -> Wording | None:
    part = part_words(subject)
    if part is not None:
        return part
    passage = _PASSAGE.fullmatch(subject)
    if passage is not None and passage["what"] in _PASSAGES_ZH:
        copy = part_words(passage["copy"])
        number = passage["number"] or ""
        return copy and Wording(
            f"{copy.en}, {passage['what']}{number}", f"{copy.zh}，{_PASSAGES_ZH[passage['what']]}{number}"
        )
    for pattern, zh in _SUBJECTS:
        if found := pattern.fullmatch(subject):
            return Wording(subject, zh.format(*found.groups()))
    return None
