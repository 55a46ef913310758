"""What stood between a link and its product, as one sentence that says what to do."""

from __future__ import annotations

from urllib.parse import urlsplit

from skuflow.fetching.errors import FetchError, Trouble

_MAX_SHOWN_CHARS = 160
_INSTEAD = "save its photos and put the product into a catalog file"

_SENTENCES = {
    Trouble.NOT_AN_ADDRESS: "this is no plain http(s) address; copy the product's address from the browser",
    Trouble.CREDENTIALS: "the address holds a user name or password; take a page that is open to everybody",
    Trouble.PORT: "the address names a port that no shop is served on; copy the product's address from the browser",
    Trouble.PRIVATE: "the address leads into a private network, which is never asked; take a page that is public",
    Trouble.UNKNOWN_HOST: "there is no such host; check the address and the network",
    Trouble.UNREACHABLE: "the shop cannot be reached; check the address and try again later",
    Trouble.INSECURE: f"the shop has no valid certificate; check the address, or {_INSTEAD}",
    Trouble.TIMEOUT: f"the shop takes too long to answer; try again later, or {_INSTEAD}",
    Trouble.REDIRECTS: "the address leads on too often; open it in the browser and copy the one it ends at",
    Trouble.TOO_LARGE: f"the page is too large; {_INSTEAD}",
    Trouble.BOMB: f"the page unpacks to more than a page can be; {_INSTEAD}",
    Trouble.ENCODING: f"the page is packed in a way that was not asked for; {_INSTEAD}",
    Trouble.CUT_SHORT: "the page arrives damaged; try again later",
}
_STATUSES = {
    401: "the page asks for a login; take a page that is open to everybody",
    402: f"the shop asks for payment to show the page; {_INSTEAD}",
    403: f"the shop does not let programs read the page (HTTP 403); {_INSTEAD}",
    404: "there is no such page (HTTP 404); copy the product's address again",
    407: "a proxy asks for a login (HTTP 407); use a network that reaches the shop directly",
    410: "the page is gone (HTTP 410); the shop no longer has this product",
    429: f"the shop does not let programs read so much (HTTP 429); try again later, or {_INSTEAD}",
    451: f"the page may not be shown here (HTTP 451); {_INSTEAD}",
    503: f"the shop is busy or does not let programs in (HTTP 503); try again later, or {_INSTEAD}",
}


def sentence(error: FetchError) -> str:
    """What happened and what to do."""
    if error.trouble is not Trouble.STATUS:
        return _SENTENCES[error.trouble]
    status = error.status or 0
    if status in _STATUSES:
        return _STATUSES[status]
    if status >= 500:
        return f"the shop has trouble of its own (HTTP {status}); try again later"
    return (
        f"the shop answers with HTTP {status} instead of a page; open the address in the browser and check it"
    )


_PHOTO_WORDS = {
    Trouble.NOT_AN_ADDRESS: ("its address is none", "地址无效"),
    Trouble.CREDENTIALS: ("its address holds a password", "地址含密码"),
    Trouble.PORT: ("its address names an unusual port", "端口异常"),
    Trouble.PRIVATE: ("its address is private", "地址属于内网"),
    Trouble.UNKNOWN_HOST: ("its host is unknown", "域名不存在"),
    Trouble.UNREACHABLE: ("its host cannot be reached", "无法连接"),
    Trouble.INSECURE: ("its host has no valid certificate", "证书无效"),
    Trouble.TIMEOUT: ("it took too long", "下载超时"),
    Trouble.STATUS: ("the shop does not give it", "网站拒绝提供"),
    Trouble.REDIRECTS: ("its address leads on too often", "跳转过多"),
    Trouble.TOO_LARGE: ("it is too large", "文件过大"),
    Trouble.BOMB: ("it unpacks to too much", "解压后过大"),
    Trouble.ENCODING: ("it is packed in an unknown way", "压缩方式未知"),
    Trouble.CUT_SHORT: ("it arrived damaged", "数据损坏"),
}


def photo_words(error: FetchError) -> tuple[str, str]:
    """Why a photo was not fetched, in English and Chinese."""
    said, said_zh = _PHOTO_WORDS[error.trouble]
    return (
        (f"{said} (HTTP {error.status})", f"{said_zh}（HTTP {error.status}）")
        if error.status
        else (said, said_zh)
    )


def shown(address: str) -> str:
    """An address for a message: in one line, without user names, queries and what else may be secret."""
    text = "".join(character if character.isprintable() else "_" for character in address.strip())
    try:
        parts = urlsplit(text)
        netloc = parts.netloc.rpartition("@")[2]
        plain = f"{parts.scheme}://{netloc}{parts.path}" if netloc else text.partition("?")[0]
    except ValueError:
        plain = text.partition("?")[0]
    return plain if len(plain) <= _MAX_SHOWN_CHARS else f"{plain[: _MAX_SHOWN_CHARS - 1]}…"
