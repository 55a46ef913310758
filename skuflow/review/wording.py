"""Every word the gallery says itself, in English and Chinese.

Texts about products and findings come from kits and are not here.
"""

from __future__ import annotations

import re
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


_PART = re.compile(r"(?:copy|image|video|judge)(?::[\w-]+)*")


def part_words(part: str) -> Wording | None:
    """The words for a part's id: "image:scene:2" as "Scene 2", "copy:es" as "Copy Español"; None for other
    text.
    """
    if not _PART.fullmatch(part):
        return None
    kind, *rest = part.split(":")
    if kind == "copy" and rest:
        language = LANGUAGE_NAMES.get(rest[0].split("-")[0].lower(), rest[0])
        detail = " ".join([language, *rest[1:]])
        return Wording(f"{say('part.copy').en} {detail}", f"{say('part.copy').zh} {detail}")
    if kind == "judge":
        judged = part_words(":".join(rest))
        asked = say("part.judge")
        return judged and Wording(f"{asked.en} {judged.en}", f"{asked.zh}{judged.zh}")
    if kind in ("image", "video") and rest and f"type.{rest[0]}" in _WORDS:
        return name_of("type", rest[0])
    if kind == "image" and rest and f"role.{rest[0]}" in _WORDS:
        role = name_of("role", rest[0])
        number = "" if rest[0] == "main" else " ".join(rest[1:])
        return Wording(f"{role.en} {number}".strip(), f"{role.zh} {number}".strip())
    if kind == "video" and len(rest) <= 1:
        return Wording(" ".join([say("part.video").en, *rest]), " ".join([say("part.video").zh, *rest]))
    return None


def is_requested(content_type: str) -> bool:
    """Whether a picture or video was made on request, and is called by what it is instead of by its role."""
    return f"type.{content_type}" in _WORDS


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
        "The product data or photo was not good enough, so this run made nothing and spent nothing. What earlier "
        "runs made is kept.",
        "商品资料或图片不符合要求，本次运行没有制作，也没有产生费用；之前已完成的内容会保留。",
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
    "move.push_in": ("Push in", "推近"),
    "move.pull_out": ("Pull out", "拉远"),
    "move.truck_left": ("Truck left", "左移"),
    "move.truck_right": ("Truck right", "右移"),
    "move.rise": ("Rise", "上升"),
    "move.orbit": ("Orbit", "环绕"),
    "move.reveal": ("Reveal", "展开"),
    "move.still": ("Still", "静止"),
    "list.and": (", ", "、"),
    "type.model": ("With a person", "模特图"),
    "type.line_art": ("From the line drawing", "线稿成图"),
    "type.concept": ("Concept, no photo", "概念图（非实拍）"),
    "type.extended": ("Photo, extended", "扩图"),
    "type.atmosphere": ("Mood video", "氛围视频"),
    "part.judge": ("Opinion on", "评审意见："),
    "media.pictures": ("Pictures", "图片"),
    "media.enlarge": ("Enlarge", "放大查看"),
    "media.shape": ("Shape", "尺寸"),
    "media.only": ("made as {shape} only", "仅有 {shape}"),
    "media.video": ("Video", "视频"),
    "media.no_pictures": ("No pictures were made", "没有生成图片"),
    "media.storyboard": ("Storyboard", "分镜脚本"),
    "media.fits": ("Fits {uses}", "适用于 {uses}"),
    "media.open_file": ("Open the file", "打开文件"),
    "media.ai_label": ("AI label", "AI 标识"),
    "media.ai_label_on": ("with AI label", "带 AI 标识"),
    "media.ai_label_hint": (
        "The law of {markets} asks for a label that people see: use these files there.",
        "{markets} 法规要求显示可见的 AI 标识：在该市场请使用带标识的文件。",
    ),
    "media.ai_label_files": (
        "Files with a visible AI label ({markets})",
        "带可见 AI 标识的文件（{markets}）",
    ),
    "lightbox.label": ("Picture viewer", "图片查看器"),
    "lightbox.close": ("Close", "关闭"),
    "lightbox.previous": ("Previous picture", "上一张"),
    "lightbox.next": ("Next picture", "下一张"),
    "copy.heading": ("Copy", "文案"),
    "copy.languages": ("Languages", "语言"),
    "copy.title": ("Title", "标题"),
    "copy.bullets": ("Bullet points", "要点"),
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
    "scores.explain_overall": ("Overall {score}: the mean of {kinds}", "总分 {score}：{kinds}的平均"),
    "scores.explain_one": ("{kind} {score}: its one part", "{kind} {score}：仅一项"),
    "scores.explain_kind": (
        "{kind} {score}: halfway between the mean ({mean}) and the worst ({worst}) of {count}",
        "{kind} {score}：{count} 项的平均值（{mean}）与最低值（{worst}）的中点",
    ),
    "scores.explain_twins": (
        "{points} points less for pictures that look almost the same ({count})",
        "因图片近似重复（{count} 对）扣 {points} 分",
    ),
    "findings.heading": ("Findings", "提示"),
    "findings.notes": ("{count} notes", "{count} 条说明"),
    "findings.note": ("1 note", "1 条说明"),
    "findings.measured": ("measured {measured}", "实测 {measured}"),
    "findings.limit": ("limit {limit}", "限值 {limit}"),
    "findings.penalty": (
        "{label}: {measured}, limit {limit}; {points} points lost",
        "{label}：{measured}，限值 {limit}；扣 {points} 分",
    ),
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
    "costs.heading": ("Costs", "费用"),
    "costs.title": ("What the listings cost", "素材包花了多少钱"),
    "costs.back": ("Gallery", "返回图库"),
    "costs.table_hint": (
        "costs.csv: one row per SKU, vendor and kind of work, exact amounts",
        "costs.csv：每个 SKU、供应商、工作类型一行，金额精确",
    ),
    "costs.verdict": (
        "A listing cost {amount} on average: {share} of the {agency} that an agency takes.",
        "平均每个素材包 {amount}，是外包价 {agency} 的 {share}。",
    ),
    "costs.verdict_dear": (
        "A listing cost {amount} on average, more than the {agency} that an agency takes.",
        "平均每个素材包 {amount}，高于外包价 {agency}。",
    ),
    "costs.verdict_free": (
        "{kits} listings, and no vendor was paid: everything was made on this computer.",
        "共 {kits} 个素材包，没有向任何供应商付费：全部在本机生成。",
    ),
    "costs.no_kit": (
        "No kit is complete yet, so there is nothing to compare with an agency.",
        "还没有完成的素材包，暂时无法与外包价比较。",
    ),
    "costs.ours": ("Paid to vendors", "付给供应商"),
    "costs.agency": ("An agency, for {kits} kits at {price}", "外包：{kits} 个素材包，每个 {price}"),
    "costs.saved": ("saved", "节省"),
    "costs.lost": ("more than the agency", "比外包多花"),
    "costs.this_run": ("This run", "本次运行"),
    "costs.all_runs": ("All runs so far", "历次合计"),
    "costs.held": ("Held", "暂扣"),
    "costs.in_work": ("In work", "进行中"),
    "costs.in_doubt": ("In doubt", "待核实"),
    "costs.wasted": ("Failed but charged", "失败仍收费"),
    "costs.hint.this_run": ("paid for what this run ordered", "本次下单的已结算金额"),
    "costs.hint.all_runs": ("paid, everything counted", "所有已结算金额"),
    "costs.hint.held": ("{work} in work, {doubt} in doubt", "进行中 {work}，待核实 {doubt}"),
    "costs.hint.wasted": ("part of what was paid", "已包含在结算金额中"),
    "costs.by_vendor": ("Who was paid for what", "钱付给了谁"),
    "costs.by_sku": ("SKU by SKU", "逐个 SKU"),
    "costs.vendor": ("Vendor", "供应商"),
    "costs.work": ("Work", "工作"),
    "costs.model": ("Model", "模型"),
    "costs.parts": ("Made", "件数"),
    "costs.sku": ("SKU", "SKU"),
    "costs.saved_column": ("Saved", "节省"),
    "costs.share": ("Of agency", "占外包价"),
    "costs.total": ("Total", "合计"),
    "costs.free": ("free", "免费"),
    "costs.incomplete": ("not complete", "未完成"),
    "costs.rest": ("{count} more SKUs, in costs.csv", "另有 {count} 个 SKU，见 costs.csv"),
    "costs.nothing": ("Nothing has been made yet.", "还没有生成任何内容。"),
    "costs.notes": ("How to read this", "说明"),
    "costs.note.settled": (
        "Paid is what a vendor says it charged, or its list price where it does not say. The vendor's bill is what "
        "counts; compare the two from time to time.",
        "“已结算”是供应商报告的金额；供应商未报告时按其价目表计算。最终以供应商账单为准，请不时核对。",
    ),
    "costs.note.held": (
        "Held money is set aside and not yet paid. In work: the vendor is still making it. In doubt: the vendor's "
        "answer was lost, and nobody knows yet whether it will charge; it is never bought a second time by itself.",
        "“暂扣”是预留、尚未支付的金额。进行中：供应商仍在制作。待核实：供应商的回复丢失，是否收费尚不清楚；系统不会自动重复购买。",
    ),
    "costs.note.run": (
        "A job counts for the run that ordered it, also when a later run collects its result.",
        "任务计入下单的那次运行，即使结果由之后的运行取回。",
    ),
    "costs.note.saved": (
        "Saved compares complete kits, as they were ordered, with {price} an agency takes for one SKU "
        "(SKUFLOW_OUTSOURCING). Everything that was paid counts against it, also failures and unfinished SKUs. "
        "Working time and this computer are not counted.",
        "“节省”把已完成的素材包（按下单内容）与外包价每个 SKU {price}（SKUFLOW_OUTSOURCING）比较。"
        "所有已付费用都计入，包括失败和未完成的 SKU；不含人工时间和本机成本。",
    ),
    "costs.made_by": (
        "Made by skuflow from its ledger alone. This page works offline.",
        "由 skuflow 仅根据账本生成。本页可离线使用。",
    ),
    "capability.copy": ("Copy", "文案"),
    "capability.image": ("Pictures", "图片"),
    "capability.video": ("Video", "视频"),
    "capability.judge": ("Check", "核对"),
    "provider.offline": ("This computer", "本机"),
    "provider.qwen": ("Qwen", "通义千问 Qwen"),
    "provider.wanx": ("Wanx", "通义万相 Wanx"),
    "provider.kling": ("Kling", "可灵 Kling"),
    "provider.hailuo": ("MiniMax Hailuo", "海螺 MiniMax Hailuo"),
    "provider.jimeng": ("Jimeng", "即梦 Jimeng"),
    "provider.ark": ("Volcengine Ark", "火山方舟 Ark"),
    "provider.openai": ("OpenAI protocol", "OpenAI 协议"),
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
