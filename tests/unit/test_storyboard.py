"""The storyboard: what is filmed, for how long, and what it refuses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from skuflow.listing.storyboard import (
    Move,
    Shot,
    Storyboard,
    Transition,
    TransitionKind,
    make_storyboard,
)

STYLES = ("kitchen", "office", "pastel")


@pytest.mark.parametrize("duration_s", [3.0, 3.7, 5.0, 6.2, 7.5, 10.0])
@pytest.mark.parametrize("styles", [STYLES[:1], STYLES, (*STYLES, "garden", "winter", "dark")])
def test_it_lasts_exactly_as_long_as_asked_in_at_least_three_different_shots(
    duration_s: float, styles: tuple[str, ...]
) -> None:
    board = make_storyboard(styles, duration_s=duration_s)

    assert sum(shot.duration_s for shot in board.shots) == pytest.approx(duration_s, abs=1e-9)
    assert board.frames == round(duration_s * 30)
    assert len(board.shots) >= 3
    assert len({shot.move for shot in board.shots}) == len(board.shots)
    assert min(shot.duration_s for shot in board.shots) >= 1
    assert [shot.number for shot in board.shots] == list(range(1, len(board.shots) + 1))


def test_the_first_style_opens_and_every_style_is_filmed() -> None:
    board = make_storyboard(STYLES)

    assert board.shots[0].style == "kitchen"
    assert board.styles == STYLES
    assert board.shots[0].transition == Transition()
    kinds = {shot.transition.kind for shot in board.shots[1:]}
    assert TransitionKind.CUT not in kinds
    assert len(kinds) == 2


def test_more_styles_than_the_time_has_room_for_are_left_out_from_the_end() -> None:
    assert make_storyboard([f"s{number}" for number in range(9)], duration_s=4.0).styles == (
        "s0",
        "s1",
        "s2",
        "s3",
    )


def test_the_same_wishes_give_the_same_storyboard_and_survive_json() -> None:
    board = make_storyboard(STYLES, captions={"en": ["One"]})

    assert board == make_storyboard(STYLES, captions={"en": ["One"]})
    assert Storyboard.model_validate_json(board.model_dump_json()) == board


def test_lines_of_every_language_go_to_the_shots_in_order() -> None:
    board = make_storyboard(STYLES, captions={"en": ["One", "", "Three", "Four"], "de": ["Eins"]})

    assert [shot.caption for shot in board.shots] == [{"en": "One", "de": "Eins"}, None, {"en": "Three"}]


@pytest.mark.parametrize(
    "styles, duration_s, says",
    [
        ((), 5.0, "at least one style"),
        (("kitchen", " "), 5.0, "needs a name"),
        (STYLES, 2.9, "3 to 10 s"),
        (STYLES, 10.1, "3 to 10 s"),
        (STYLES, 4.25, "steps of 0.1 s"),
    ],
)
def test_what_cannot_be_filmed_is_refused(styles: tuple[str, ...], duration_s: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make_storyboard(styles, duration_s=duration_s)


def shot(number: int = 1, duration_s: float = 2.0, transition: Transition | None = None) -> Shot:
    return Shot(
        number=number,
        style="kitchen",
        move=Move.STILL,
        duration_s=duration_s,
        transition=transition or Transition(),
    )


def test_shots_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValidationError, match="the shots take 4 s together"):
        Storyboard(shots=(shot(), shot(2)), duration_s=5.0)


def test_half_frames_are_refused() -> None:
    with pytest.raises(ValidationError, match="no whole number of frames"):
        Storyboard(shots=(shot(duration_s=2.01),), duration_s=2.01)


def test_gaps_in_the_numbers_are_refused() -> None:
    with pytest.raises(ValidationError, match="count from 1"):
        Storyboard(shots=(shot(), shot(3)), duration_s=4.0)


def test_a_passage_from_nothing_is_refused() -> None:
    fade = Transition(kind=TransitionKind.CROSSFADE, duration_s=0.3)
    with pytest.raises(ValidationError, match="begins with a cut"):
        Storyboard(shots=(shot(transition=fade),), duration_s=2.0)


def test_passages_that_swallow_a_shot_are_refused() -> None:
    long = Transition(kind=TransitionKind.WIPE, duration_s=1.8)
    with pytest.raises(ValidationError, match="60 % of the shot"):
        Storyboard(
            shots=(shot(), shot(2, transition=long), shot(3, transition=long)),
            duration_s=6.0,
        )


def test_only_a_cut_takes_no_time() -> None:
    with pytest.raises(ValidationError, match="a cut takes 0 s"):
        Transition(kind=TransitionKind.WHIP)
    with pytest.raises(ValidationError, match="a cut takes 0 s"):
        Transition(kind=TransitionKind.CUT, duration_s=0.2)


def test_an_unknown_move_is_refused() -> None:
    with pytest.raises(ValidationError, match="push_in"):
        Shot.model_validate({"number": 1, "style": "kitchen", "move": "fly", "duration_s": 2})
