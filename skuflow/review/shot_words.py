"""What a shot of a video shows, in English and Chinese."""

from __future__ import annotations

from skuflow.listing.storyboard import Move, Shot, usual_note
from skuflow.review.cards import style_words
from skuflow.review.wording import Wording

_ZH = {
    Move.PUSH_IN: "镜头向“{style}”场景中的商品推近，背景渐远。",
    Move.PULL_OUT: "镜头后退，直到商品与整个“{style}”场景入画，随后停住。",
    Move.TRUCK_LEFT: "镜头在“{style}”场景中从商品前向左平移。",
    Move.TRUCK_RIGHT: "镜头在“{style}”场景中从商品前向右平移。",
    Move.RISE: "镜头在“{style}”场景中的商品前缓缓上升。",
    Move.ORBIT: "镜头在“{style}”场景中绕商品作小幅弧形移动。",
    Move.REVEAL: "由商品整体的近景展开到四周的“{style}”场景。",
    Move.STILL: "商品静置于“{style}”场景中。",
}


def shot_words(shot: Shot) -> Wording | None:
    """The shot's note: the studio's own in both languages, what a provider wrote as it was written; None where nothing
    is noted.
    """
    if not shot.note:
        return None
    if shot.note != usual_note(shot.move, shot.style):
        return Wording(shot.note, shot.note)
    return Wording(shot.note, _ZH[shot.move].format(style=style_words(shot.style).zh))
