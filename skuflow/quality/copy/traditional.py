"""Chinese in Traditional characters, which the lexicons, being in Simplified ones, do not hold as such.

The table covers what the lexicons of this package are written with (a test holds it against every character of them);
it is no converter of texts.
"""

from __future__ import annotations

_REGIONS = frozenset({"tw", "hk", "mo"})

_PAIRS = """
專专 東东 絲丝 臨临 為为 爲为 麗丽 義义 樂乐 書书 虧亏 亞亚 僅仅 倉仓 會会 侶侣 儲储 蘭兰 關关 養养 冊册 寫写 軍军
凍冻 淨净 凈净 涼凉 減减 創创 劑剂 動动 醫医 華华 單单 賣卖 雙双 發发 髮发 變变 疊叠 葉叶 號号 響响 國国 圖图 墊垫
聲声 壺壶 頭头 夾夹 獎奖 妝妆 嬰婴 寶宝 實实 對对 塵尘 層层 屬属 崗岗 帶带 廣广 開开 彈弹 強强 憶忆 戶户 掃扫 揚扬
搶抢 護护 擔担 換换 攝摄 搖摇 斷断 無无 時时 殺杀 權权 條条 檸柠 標标 樹树 檔档 欖榄 櫚榈 櫸榉 檳槟 歡欢 殘残 漢汉
沒没 潑泼 淺浅 測测 滌涤 漁渔 溫温 濺溅 滿满 濾滤 灘滩 燈灯 爐炉 點点 燭烛 燒烧 燙烫 燼烬 熱热 燜焖 愛爱 貓猫 環环
琺珐 瑯琅 電电 畫画 療疗 皺皱 鹽盐 碼码 磚砖 禮礼 稱称 筆笔 簽签 籤签 類类 紅红 纖纤 級级 純纯 納纳 綸纶 紙纸 紋纹
紡纺 線线 綫线 細细 織织 終终 絨绒 繪绘 絕绝 續续 維维 綿绵 綢绸 綠绿 緩缓 編编 縫缝 羅罗 聯联 膚肤 膠胶 藝艺 節节
萊莱 獲获 蘿萝 營营 藍蓝 蝕蚀 補补 裝装 褲裤 觀观 視视 認认 訊讯 記记 證证 試试 話话 語语 說说 説说 諾诺 讀读 調调
貝贝 質质 購购 費费 資资 賠赔 贈赠 軟软 過过 運运 進进 遠远 連连 選选 遜逊 遙遥 郵邮 鄰邻 隣邻 針针 釣钓 鈦钛 鐘钟
鍾钟 鋼钢 鑽钻 鐵铁 銅铜 鋁铝 銀银 鑄铸 鏈链 銷销 鋰锂 鍋锅 鏽锈 銹锈 鋅锌 錯错 錦锦 鍍镀 鏡镜 長长 閃闪 閒闲 閑闲
鬧闹 閱阅 陽阳 際际 隨随 霧雾 靜静 頂顶 須须 題题 額额 風风 馬马 駝驼 驗验 魚鱼 鴨鸭 鵝鹅 黃黄 龍龙 龜龟
價价 優优 兒儿 劃划 製制 臺台 檯台 迴回 寧宁 乾干 幹干 並并 併并 牀床 癒愈 託托 摺折 掛挂 曬晒 機机 盃杯 鬆松
極极 氣气 潔洁 霑沾 矽硅 黏粘 係系 繫系 網网 羣群 緻致 蘋苹 蠟蜡 蠶蚕 錶表 觸触 適适 薑姜 傢家 佈布 貍狸 拚拼
巖岩 倣仿 颳刮 綵彩 異异 麵面 隻只 祇只
"""
_SIMPLIFIED = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split()})


def is_traditional(language: str) -> bool:
    """Whether a BCP 47 tag asks for Traditional characters: zh-Hant, and zh-TW, zh-HK, zh-MO without a script."""
    base, *rest = language.lower().split("-")
    return base == "zh" and "hans" not in rest and ("hant" in rest or not _REGIONS.isdisjoint(rest))


def simplified(text: str) -> str:
    """``text`` with those Traditional characters that the lexicons know in Simplified ones; as long as before, so that
    places found in one are places of the other."""
    return text.translate(_SIMPLIFIED)
