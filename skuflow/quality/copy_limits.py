"""The rules behind the score of copy, as data. Marketplace limits themselves come in with the text; what stands here is
what it costs to break them."""

from __future__ import annotations

from skuflow.listing.findings import Severity
from skuflow.quality.scoring import Rule, Step


def _none_allowed(
    name: str, aspect: str, measure: str, points: float, advice: str, advice_zh: str, severity: Severity
) -> Rule:
    """A rule that a single occurrence breaks."""
    return Rule(name, aspect, measure, "above", (Step(0.0, points),), advice, advice_zh, severity)


_ERROR, _WARNING = Severity.ERROR, Severity.WARNING

COPY_RULES: tuple[Rule, ...] = (
    _none_allowed(
        "copy_title_long",
        "limits",
        "title_excess_chars",
        25,
        "the title is longer than the marketplace takes; shorten it",
        "标题超过平台长度限制；请缩短",
        _ERROR,
    ),
    _none_allowed(
        "copy_title_short",
        "limits",
        "title_missing_chars",
        10,
        "the title is shorter than the marketplace asks for; name the product's main attributes",
        "标题短于平台要求；请补充核心属性词",
        _WARNING,
    ),
    _none_allowed(
        "copy_title_characters",
        "limits",
        "title_forbidden_count",
        15,
        "the title holds characters that the marketplace forbids; remove them",
        "标题含平台禁用字符；请删除",
        _ERROR,
    ),
    _none_allowed(
        "copy_title_repeats",
        "wording",
        "title_repeats_excess",
        10,
        "a word stands in the title more often than the marketplace allows",
        "标题中同一词重复次数超限",
        _WARNING,
    ),
    _none_allowed(
        "copy_bullets_many",
        "limits",
        "bullets_excess_count",
        15,
        "there are more bullets than the marketplace takes",
        "要点条数超过平台限制",
        _ERROR,
    ),
    _none_allowed(
        "copy_bullet_long",
        "limits",
        "bullet_excess_chars",
        15,
        "a bullet is longer than the marketplace takes; shorten it",
        "要点超过平台长度限制；请缩短",
        _ERROR,
    ),
    _none_allowed(
        "copy_description_long",
        "limits",
        "description_excess_chars",
        20,
        "the description is longer than the marketplace takes; shorten it",
        "描述超过平台长度限制；请缩短",
        _ERROR,
    ),
    _none_allowed(
        "copy_keywords_bytes",
        "limits",
        "keywords_excess_bytes",
        15,
        "the keywords take more bytes than the marketplace allows; drop some",
        "关键词字节数超过平台限制；请删减",
        _ERROR,
    ),
    _none_allowed(
        "copy_keywords_many",
        "limits",
        "keywords_excess_count",
        10,
        "there are more keywords than the marketplace takes",
        "关键词数量超过平台限制",
        _WARNING,
    ),
    # Bullets state facts and are never padded; fewer than three leave a shopper with questions.
    Rule(
        "copy_few_facts",
        "facts",
        "bullets_count",
        "below",
        (Step(3.0, 8), Step(1.0, 20)),
        "fewer than three facts could be stated; add attributes or selling points to the catalog",
        "可陈述的要点少于三条；请在商品表中补充属性或卖点",
    ),
    Rule(
        "copy_facts_left_out",
        "facts",
        "facts_ratio",
        "below",
        (Step(0.8, 5), Step(0.5, 15), Step(0.25, 30)),
        "facts of the product are left out in this language; supply their translation",
        "该语言文案遗漏了部分商品信息；请补充译文",
    ),
    Rule(
        "copy_description_missing",
        "facts",
        "description_chars",
        "below",
        (Step(1.0, 20),),
        "the description is empty",
        "描述为空",
        _ERROR,
    ),
    _none_allowed(
        "copy_doubled_word",
        "wording",
        "doubled_words",
        8,
        "the same word stands twice in a row",
        "同一个词连续出现两次",
        _WARNING,
    ),
    _none_allowed(
        "copy_repeated_bullet",
        "wording",
        "repeated_bullets",
        12,
        "two bullets say the same",
        "有两条要点重复",
        _WARNING,
    ),
    # Brand, model and units keep Latin letters in Russian or Japanese; more than half of the text is no such thing.
    Rule(
        "copy_other_script",
        "language",
        "own_script_ratio",
        "below",
        (Step(0.5, 40),),
        "most of the text is not in the script of its language; translate it",
        "大部分文字不是该语言的文字；请翻译",
        _ERROR,
    ),
    Rule(
        "copy_without_kana",
        "language",
        "kana_ratio",
        "below",
        (Step(0.1, 40),),
        "Japanese text without kana is Chinese; translate it",
        "日文文案几乎没有假名，疑为中文；请翻译",
        _ERROR,
    ),
    Rule(
        "copy_foreign_letters",
        "language",
        "foreign_letters",
        "above",
        (Step(0.0, 20), Step(10.0, 40)),
        "letters of another language were left in the text; translate them",
        "文案中残留其他语言的文字；请翻译",
        _ERROR,
    ),
    Rule(
        "copy_unproven",
        "proof",
        "proof_errors",
        "above",
        (Step(0.0, 30), Step(2.0, 60)),
        "statements of the text do not trace back to the product; remove or prove them",
        "文案中有无法追溯到商品信息的表述；请删除或补充依据",
        _ERROR,
    ),
    Rule(
        "copy_doubtful",
        "proof",
        "proof_warnings",
        "above",
        (Step(0.0, 5), Step(3.0, 15)),
        "statements of the text could not be traced with certainty; look at them",
        "部分表述无法确认依据；请人工查看",
    ),
)
