"""Every word the gallery says itself, in English and Chinese.

Texts about products and findings come from kits and are not here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    en: str
    zh: str

    def filled(self, **values: object) -> Wording:
        """The same words with their ``{placeholders}`` filled in, as with ``str.format``."""
        return Wording(self.en.format(**values), self.zh.format(**values))


def say(key: str) -> Wording:
    """The words for a key. Raises KeyError for a key that has none, so that a page never shows a bare key."""
    return Wording(*_WORDS[key])


def name_of(group: str, name: str) -> Wording:
    """The words for a name that data brings along ("role", "scene"); the name itself, made readable, when
    unknown.
    """
    en, zh = _WORDS.get(f"{group}.{name}", (readable(name), readable(name)))
    return Wording(en, zh)


def part_words(part: str) -> Wording | None:
    """The words for a part's id: "image:scene:2" as "Scene 2", "copy:es" as "Copy Español"; None for other
    text.
    """
    kind, *rest = part.split(":")
    if kind == "copy" and rest:
        language = LANGUAGE_NAMES.get(rest[0].split("-")[0].lower(), rest[0])
        detail = " ".join([language, *rest[1:]])
        return Wording(f"{say('part.copy').en} {detail}", f"{say('part.copy').zh} {detail}")
    if kind == "image" and rest and f"role.{rest[0]}" in _WORDS:
        role = name_of("role", rest[0])
        number = "" if rest[0] == "main" else " ".join(rest[1:])
        return Wording(f"{role.en} {number}".strip(), f"{role.zh} {number}".strip())
    if kind == "video" and len(rest) <= 1:
        return Wording(" ".join([say("part.video").en, *rest]), " ".join([say("part.video").zh, *rest]))
    return None


def readable(name: str) -> str:
    """ "03_kitchen_counter" as "Kitchen counter"."""
    words = name.lstrip("0123456789").replace("_", " ").replace("-", " ").strip() or name
    return words[:1].upper() + words[1:]


_WORDS: dict[str, tuple[str, str]] = {
    "page.skip": ("Skip to the products", "跳到商品列表"),
    "page.summary": ("Spreadsheet", "下载表格"),
    "page.summary_hint": (
        "summary.csv: one row per SKU, opens in Excel",
        "summary.csv：每个 SKU 一行，Excel 可打开",
    ),
    "page.made_by": (
        "Made by skuflow. This page works offline; nothing here is published until a person approves it.",
        "由 skuflow 生成。本页可离线使用；未经人工确认，任何内容都不会发布。",
    ),
    "page.empty": ("No products in this run.", "本次运行没有商品。"),
    "page.pages": ("Pages", "分页"),
    "page.page": ("Page {page}", "第 {page} 页"),
    "page.previous": ("Previous", "上一页"),
    "page.next": ("Next", "下一页"),
    "run.catalog": ("Catalog {catalog}", "商品表 {catalog}"),
    "run.made": ("{made} made in this run, {kept} already there", "本次生成 {made} 个，已有 {kept} 个"),
    "run.wall": ("{wall} in all", "总用时 {wall}"),
    "total.all": ("SKUs", "全部 SKU"),
    "total.ready": ("Ready", "可审核"),
    "total.blocked": ("Blocked", "已拦截"),
    "total.deferred": ("Waiting", "等待中"),
    "total.failed": ("Failed", "失败"),
    "total.rejected": ("Rejected", "已驳回"),
    "total.score": ("Average score", "平均分"),
    "total.cost": ("Cost", "成本"),
    "total.cost_estimated": ("estimated {amount}", "预估 {amount}"),
    "filter.label": ("Show by status", "按状态筛选"),
    "filter.search": ("Search SKU, title, category …", "搜索 SKU、标题、类目……"),
    "filter.none": ("No product on this page matches.", "本页没有符合条件的商品。"),
    "filter.reset": ("Show all", "显示全部"),
    "filter.everywhere": ("Search all pages", "搜索所有分页"),
    "filter.elsewhere": ("On other pages", "其他分页中的商品"),
    "view.label": ("View", "视图"),
    "view.detail": ("Details", "详情"),
    "view.grid": ("Overview", "总览"),
    "status.needs_review": ("Ready for review", "待审核"),
    "status.approved": ("Approved", "已通过"),
    "status.rejected": ("Rejected", "已驳回"),
    "status.blocked": ("Blocked", "已拦截"),
    "status.deferred": ("Waiting", "等待中"),
    "status.failed": ("Failed", "失败"),
    "explain.needs_review": (
        "Everything asked for is made. A person looks at it before it is published.",
        "所需内容已全部生成，发布前请人工审核。",
    ),
    "explain.approved": ("A person approved this kit for publishing.", "已由人工确认，可以发布。"),
    "explain.rejected": ("A person turned this kit down. It is not published.", "人工已驳回，不会发布。"),
    "explain.blocked": (
        "The product data or photo was not good enough, so nothing was made and nothing was spent.",
        "商品资料或图片不符合要求，因此没有生成内容，也没有产生费用。",
    ),
    "explain.deferred": (
        "Some parts are still to come. The next run picks them up; what is done is kept.",
        "部分内容尚未完成，下次运行会继续；已完成的内容会保留。",
    ),
    "explain.failed": (
        "Some parts could not be made. What is done is kept; see the reasons below.",
        "部分内容无法生成；已完成的内容会保留，原因见下。",
    ),
    "role.main": ("Main image", "主图"),
    "role.scene": ("Scene", "场景图"),
    "role.detail": ("Detail", "细节图"),
    "role.comparison": ("Comparison", "对比图"),
    "role.usage": ("How to use", "使用流程图"),
    "role.banner": ("Banner", "横幅图"),
    "media.pictures": ("Pictures", "图片"),
    "media.enlarge": ("Enlarge", "放大查看"),
    "media.shape": ("Shape", "尺寸"),
    "media.only": ("made as {shape} only", "仅有 {shape}"),
    "media.video": ("Video", "视频"),
    "media.no_pictures": ("No pictures were made", "没有生成图片"),
    "media.storyboard": ("Storyboard", "分镜脚本"),
    "media.fits": ("Fits {uses}", "适用于 {uses}"),
    "media.open_file": ("Open the file", "打开文件"),
    "lightbox.label": ("Picture viewer", "图片查看器"),
    "lightbox.close": ("Close", "关闭"),
    "lightbox.previous": ("Previous picture", "上一张"),
    "lightbox.next": ("Next picture", "下一张"),
    "copy.heading": ("Copy", "文案"),
    "copy.languages": ("Languages", "语言"),
    "copy.title": ("Title", "标题"),
    "copy.bullets": ("Bullet points", "卖点"),
    "copy.description": ("Description", "描述"),
    "copy.keywords": ("Keywords", "关键词"),
    "copy.script": ("Video script", "视频脚本"),
    "copy.button": ("Copy", "复制"),
    "copy.button_all": ("Copy all", "复制全部"),
    "copy.done": ("Copied", "已复制"),
    "copy.refused": ("Press Ctrl+C", "请按 Ctrl+C"),
    "copy.characters": ("{count} characters", "{count} 个字符"),
    "copy.facts": ("{used} of {total} facts", "{total} 项信息中用到 {used} 项"),
    "copy.facts_share": ("{share} % of the facts", "用到 {share} % 的信息"),
    "copy.left_out": ("Left out: {facts}", "未写入：{facts}"),
    "origin.template": (
        "From templates, catalog facts only",
        "由模板撰写，只用商品表中的信息",
    ),
    "origin.model": ("Written by a model, check before use", "由语言模型撰写，发布前请核对"),
    "scores.heading": ("Scores", "评分"),
    "scores.measured": ("Measured values", "测量值"),
    "scores.overall": ("Overall", "总分"),
    "scores.copy": ("Copy", "文案"),
    "scores.images": ("Images", "图片"),
    "scores.video": ("Video", "视频"),
    "scores.none": ("not made", "未生成"),
    "findings.heading": ("Findings", "提示"),
    "findings.notes": ("{count} notes", "{count} 条说明"),
    "findings.note": ("1 note", "1 条说明"),
    "findings.measured": ("measured {measured}", "实测 {measured}"),
    "findings.limit": ("limit {limit}", "限值 {limit}"),
    "severity.error": ("Error", "错误"),
    "severity.warning": ("Warning", "警告"),
    "severity.info": ("Note", "说明"),
    "facts.heading": ("Product as understood", "识别到的商品信息"),
    "facts.price": ("Price", "价格"),
    "facts.markets": ("Target markets", "目标市场"),
    "facts.source": ("Read from", "来源"),
    "facts.row": ("{catalog}, row {row}", "{catalog}，第 {row} 行"),
    "parts.heading": ("Parts, cost and origin", "内容、成本与来源"),
    "parts.part": ("Part", "内容"),
    "parts.state": ("State", "状态"),
    "parts.made_by": ("Made by", "生成方"),
    "state.made": ("made", "已生成"),
    "state.waiting": ("waiting", "等待中"),
    "state.failed": ("failed", "失败"),
    "state.skipped": ("skipped", "已跳过"),
    "part.copy": ("Copy", "文案"),
    "part.video": ("Video", "视频"),
    "cost.settled": ("Cost {amount}", "成本 {amount}"),
    "cost.estimated": ("estimated {amount}", "预估 {amount}"),
    "cost.seconds": ("made in {seconds}", "用时 {seconds}"),
}


LANGUAGE_NAMES: dict[str, str] = {
    "ar": "العربية",
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "he": "עברית",
    "id": "Bahasa Indonesia",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "ms": "Bahasa Melayu",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt": "Português",
    "ru": "Русский",
    "th": "ไทย",
    "tr": "Türkçe",
    "uk": "Українська",
    "vi": "Tiếng Việt",
    "zh": "中文",
}
"""Own names of languages by primary BCP 47 subtag."""

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
