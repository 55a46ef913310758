"""Why a part is not there, in Chinese beside the sentence of the run: kits keep the English one with its code."""

from __future__ import annotations

import re

from skuflow.listing.kit import NOT_ASKED_FOR
from skuflow.review.wording import Wording, part_words

_CODED = re.compile(r"(?P<code>[A-Z][A-Z_]+[A-Z]): .*", re.DOTALL)
_OF_PART = re.compile(r"(?P<part>(?:copy|image|video|judge)(?::[\w-]+)*): (?P<reason>.+)", re.DOTALL)
_ZH = {
    "CAP_REACHED": "今日生成额度已用完，额度重置后继续；也可调高 SKUFLOW_CAPS",
    "BUDGET_REACHED": "今日预算不足，次日继续；也可调高 SKUFLOW_BUDGET",
    "DUPLICATE_GUARD": "短时间内多次生成几乎相同的内容，已暂停；请更换风格或图片，或稍后重试",
    "CIRCUIT_OPEN": "供应商连续出错，暂停使用一段时间；稍后重新运行",
    "NEEDS_VENDOR": "需由供应商制作；请在 SKUFLOW_PROVIDERS 中指定，或去掉该要求",
    "SLOT_BUSY": "另一任务正在制作；稍后重新运行即可取回",
    "NOT_SUBMITTED": "上次在提交前中断，未产生费用；重新运行即可",
    "STILL_WORKING": "供应商仍在制作；稍后重新运行即可取回",
    "IN_DOUBT": "提交后未收到答复，不确定是否收费；请到供应商后台核对，系统不会自动重复购买",
    "CLOSED_BY_HAND": "经人工确认已收费但结果丢失；可重新购买（表单“重做”栏，命令行 --remake）",
    "PROVIDER_MISSING": "未完成的任务属于当前未配置的供应商；配置后重新运行即可取回",
    "RATE_LIMITED": "供应商暂时限流，未产生费用；稍后重新运行",
    "VENDOR_UNAVAILABLE": "供应商暂时无法访问，未产生费用；稍后重新运行",
    "UNEXPECTED_RESPONSE": "供应商返回了无法识别的内容；请重新运行，仍出现时附上诊断包反馈",
    "AUTH_FAILED": "供应商密钥无效；请更换后重新运行",
    "BALANCE_EMPTY": "供应商账户余额不足；请充值后重新运行",
    "INVALID_INPUT": "供应商无法按要求制作；请修改商品资料、图片或选项",
    "CONTENT_REJECTED": "供应商拒绝了该内容；请修改商品文字或图片",
    "VENDOR_FAILED": "供应商制作失败；请重新运行，已收费的须重新购买（表单“重做”栏，命令行 --remake）",
    "GAVE_UP": "多次失败，不再自动重试；查明原因后可重试（表单“重做”栏，命令行 --remake）",
    "RESULT_CORRUPT": "结果文件损坏；请到供应商后台查看，如需可重新购买（表单“重做”栏，命令行 --remake）",
    "RESULT_EXPIRED": "供应商已不再保留结果；付费任务须重新购买（表单“重做”栏，命令行 --remake）",
    "RESULT_MISSING": "已付费的文件不在存储中；请恢复文件，或重新生成（表单“重做”栏，命令行 --remake）",
    "NOT_DEVELOPED": "已付费并保存，各尺寸尚待生成；重新运行该步骤",
    "PHOTO_MISSING": "没有可用的照片；请补充照片后重新运行",
    "VIDEO_WAITS": "视频由场景图制作，场景图尚在等待",
    "VIDEO_NEEDS_IMAGES": "没有可用的场景图；请先运行图片步骤",
    "JUDGE_WAITS": "待核对的内容尚未完成；重新运行即可",
    "JUDGE_UNREADABLE": "核对模型的答复无法识别；重新运行即可",
    "SUBMITTED": "供应商仍在制作；运行该步骤即可取回",
    "SUBMITTING": "正在提交；运行该步骤即可取回",
    "RESERVED": "正在提交；运行该步骤即可取回",
    "STORED": "结果正在入库；运行该步骤即可取回",
    "FAILED": "制作失败；请重新运行该步骤",
    "EXPIRED": "供应商已不再保留结果；请重新运行该步骤",
    "RELEASED": "未被受理，未产生费用；请重新运行该步骤",
}
_PLAIN_ZH = {
    NOT_ASKED_FOR: "本次未要求该步骤",
    "another run is working on it; run again to see its kit": "另一任务正在处理该商品；稍后重新运行即可查看",
}


def reason_words(text: str) -> Wording:
    """A reason as kits hold it ("CAP_REACHED: ..."), with its Chinese words; the English ones where none are known."""
    coded = _CODED.fullmatch(text)
    if coded is not None and coded["code"] in _ZH:
        return Wording(text, f"{_ZH[coded['code']]}（{coded['code']}）")
    return Wording(text, _PLAIN_ZH.get(text, text))


def trouble_words(text: str) -> Wording:
    """The same for what results say of a SKU, where the part comes first ("video:1: CAP_REACHED: ...")."""
    found = _OF_PART.fullmatch(text)
    if found is None:
        return reason_words(text)
    reason, part = reason_words(found["reason"]), part_words(found["part"])
    if part is None or reason.zh == reason.en:
        return Wording(text, text)
    return Wording(text, f"{part.zh}：{reason.zh}")


def has_words(code: str) -> bool:
    """Whether a code of the runner has Chinese words."""
    return code in _ZH
