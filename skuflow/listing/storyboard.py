"""The storyboard of a product's short video: which shots, how the camera moves, how one shot becomes the
next.

It is plain data. A copy provider writes it, the kit carries it as JSON, a video provider turns it into a
prompt, and the studio films it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MIN_DURATION_S = 3.0
MAX_DURATION_S = 10.0
MIN_SHOT_S = 0.6
_TIME_TOLERANCE_S = 1e-6


class Move(StrEnum):
    """What the camera does during a shot. The product stays whole and inside the frame in each of them."""

    PUSH_IN = "push_in"
    PULL_OUT = "pull_out"
    TRUCK_LEFT = "truck_left"
    TRUCK_RIGHT = "truck_right"
    RISE = "rise"
    ORBIT = "orbit"
    REVEAL = "reveal"
    STILL = "still"


class TransitionKind(StrEnum):
    """How a shot takes over from the one before it."""

    CUT = "cut"
    CROSSFADE = "crossfade"
    WHIP = "whip"
    WIPE = "wipe"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Transition(_Frozen):
    """The passage into a shot; it is centred on the moment where the shot begins, and takes no time when it
    is a cut.
    """

    kind: TransitionKind = TransitionKind.CUT
    duration_s: Annotated[float, Field(ge=0, le=2)] = 0.0

    @model_validator(mode="after")
    def _only_a_cut_is_instant(self) -> Self:
        if (self.kind is TransitionKind.CUT) != (self.duration_s == 0):
            raise ValueError(
                f"a {self.kind} of {self.duration_s} s: a cut takes 0 s and every other transition takes time"
            )
        return self


class Shot(_Frozen):
    """One take.

    ``number`` counts from 1; ``style`` names the scene that is filmed; ``caption`` holds the words on the
    picture by language (BCP 47); ``note`` says in English what is seen, for prompts and for people;
    ``transition`` leads from the shot before into this one.
    """

    number: Annotated[int, Field(ge=1)]
    style: Annotated[str, Field(min_length=1)]
    move: Move
    duration_s: Annotated[float, Field(ge=MIN_SHOT_S)]
    caption: dict[str, str] | None = None
    note: str = ""
    transition: Transition = Transition()


class Storyboard(_Frozen):
    """The shots in order; their durations add up to ``duration_s``, which is a whole number of frames at
    ``fps``.
    """

    shots: Annotated[tuple[Shot, ...], Field(min_length=1)]
    duration_s: Annotated[float, Field(gt=0, le=60)]
    fps: Annotated[int, Field(ge=12, le=60)] = 30

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        total_s = sum(shot.duration_s for shot in self.shots)
        if abs(total_s - self.duration_s) > _TIME_TOLERANCE_S:
            raise ValueError(
                f"the shots take {total_s:.6g} s together, the storyboard says {self.duration_s:.6g} s"
            )
        frames = self.duration_s * self.fps
        if abs(frames - round(frames)) > _TIME_TOLERANCE_S * self.fps:
            raise ValueError(f"{self.duration_s:.6g} s is no whole number of frames at {self.fps} fps")
        return self

    @model_validator(mode="after")
    def _shots_join(self) -> Self:
        numbers = [shot.number for shot in self.shots]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(f"shots are numbered {numbers}; they count from 1 without gaps")
        if self.shots[0].transition.kind is not TransitionKind.CUT:
            raise ValueError("the first shot follows nothing, so it begins with a cut")
        leads_out_s = [shot.transition.duration_s for shot in self.shots[1:]] + [0.0]
        for shot, out_s in zip(self.shots, leads_out_s, strict=True):
            busy_s = (shot.transition.duration_s + out_s) / 2
            if busy_s > shot.duration_s * 0.6:
                raise ValueError(
                    f"shot {shot.number} lasts {shot.duration_s:.6g} s, of which transitions take "
                    f"{busy_s:.6g} s: shorten them to 60 % of the shot at most"
                )
        return self

    @property
    def frames(self) -> int:
        """How many frames the video has."""
        return round(self.duration_s * self.fps)

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles that are filmed, each once, in order of appearance."""
        return tuple(dict.fromkeys(shot.style for shot in self.shots))


# The opening leaves the listing's own picture as gently as a camera can; the closing one settles on the whole
# scene.
_OPENING = Move.PUSH_IN
_CLOSING = Move.PULL_OUT
_BETWEEN = (Move.ORBIT, Move.REVEAL, Move.TRUCK_RIGHT, Move.RISE, Move.TRUCK_LEFT)
_PASSAGES = (
    Transition(kind=TransitionKind.CROSSFADE, duration_s=0.3),
    Transition(kind=TransitionKind.WHIP, duration_s=0.4),
    Transition(kind=TransitionKind.CROSSFADE, duration_s=0.3),
    Transition(kind=TransitionKind.WIPE, duration_s=0.4),
)
_NOTES = {
    Move.PUSH_IN: "The camera glides towards the product in the {style} scene; the background falls back.",
    Move.PULL_OUT: "The camera draws back until the whole {style} scene with the product is seen, and rests.",
    Move.TRUCK_LEFT: "The camera slides to the left past the product in the {style} scene.",
    Move.TRUCK_RIGHT: "The camera slides to the right past the product in the {style} scene.",
    Move.RISE: "The camera rises in front of the product in the {style} scene.",
    Move.ORBIT: "The camera swings in a shallow arc around the product in the {style} scene.",
    Move.REVEAL: "A close view of the whole product opens up to the {style} scene around it.",
    Move.STILL: "The product rests in the {style} scene.",
}


def make_storyboard(
    styles: Sequence[str],
    *,
    duration_s: float = 5.0,
    captions: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Storyboard:
    """The storyboard for a product shown in ``styles``: at least three shots, each with another move.

    ``styles`` come in order of importance: the first opens the video. Fewer styles than shots return in turn;
    more styles than the time has room for are left out from the end. ``duration_s`` is 3 to 10 in tenths of a
    second. ``captions`` has the lines of each language, which go to the shots in order; an empty line, or
    fewer lines than shots, leaves a shot without words, and lines beyond the last shot are not used. The same
    arguments always give the same storyboard. Raises ValueError where they cannot be filmed.
    """
    if not styles or any(not style.strip() for style in styles):
        raise ValueError("a storyboard needs at least one style, and a style needs a name")
    tenths = round(duration_s * 10)
    if abs(duration_s * 10 - tenths) > 1e-6 or not MIN_DURATION_S <= duration_s <= MAX_DURATION_S:
        raise ValueError(
            f"a video of {duration_s} s: ask for {MIN_DURATION_S:g} to {MAX_DURATION_S:g} s in steps of 0.1 s"
        )
    count = _shot_count(len(set(styles)), duration_s)
    filmed = tuple(dict.fromkeys(styles))
    moves = (_OPENING, *_BETWEEN[: count - 2], _CLOSING)
    shots = []
    for index, (move, length) in enumerate(zip(moves, _split(tenths, count), strict=True)):
        style = filmed[index % len(filmed)]
        words = {
            tongue: lines[index] for tongue, lines in captions.items() if index < len(lines) and lines[index]
        }
        shots.append(
            Shot(
                number=index + 1,
                style=style,
                move=move,
                duration_s=length / 10,
                caption=words or None,
                note=usual_note(move, style),
                transition=_PASSAGES[(index - 1) % len(_PASSAGES)] if index else Transition(),
            )
        )
    return Storyboard(shots=tuple(shots), duration_s=tenths / 10)


def usual_note(move: Move, style: str) -> str:
    """What ``make_storyboard`` notes of such a shot; any other note is somebody's own words."""
    return _NOTES[move].format(style=style.replace("_", " "))


def _shot_count(styles: int, duration_s: float) -> int:
    """Three shots up to 5 s, then about one more for every 2 s; no shot is under a second."""
    by_time = 3 if duration_s <= 5 else 3 + int((duration_s - 5) / 2 + 0.5)
    room = int(duration_s)
    return min(max(by_time, min(styles, room)), room, len(_BETWEEN) + 2)


def _split(total: int, parts: int) -> list[int]:
    """``total`` in ``parts`` whole lengths as even as possible; what is left over goes to the first, which is
    read longest.
    """
    base, over = divmod(total, parts)
    return [base + (1 if index < over else 0) for index in range(parts)]
