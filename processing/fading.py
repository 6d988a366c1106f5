"""How much a wearer slouches from week to week → how many of the alerts that fall due are given.

Feedback that becomes rarer as a habit forms leaves the habit to the wearer (Winstein and Schmidt 1990, J Exp Psychol
Learn 16:677). It is opt-in. All that it rests on is the wearer's own minutes, so the same samples fade alike, live and
replayed; it grants nothing to a week that was hardly judged, and ends at once when slouching gets worse.
"""

from dataclasses import dataclass, replace

from processing.outputs import Minute

DAY_NS = 86400 * 10**9
MONDAY = 3
"""The Unix epoch began on a Thursday: weeks begin on Mondays, 00:00 UTC."""
STEPS = ((1, 1), (2, 3), (1, 2), (1, 3))
"""So many of so many alerts that fall due are given."""
COUNTS_S = 5 * 3600
"""A week with less judged time than this says nothing."""
EASED = 0.8
"""Progress is to slouch for no more than this part of the first week's share, …"""
STEADY = 0.02
"""… and for no more than this share of the judged time above the best week's."""
WORSE = 0.10
"""Above the best week's share by more than this: all alerts are given again."""


@dataclass(frozen=True, slots=True)
class FadingState:
    """What is remembered of the weeks since fading began, or last began anew. Shares are of judged time, 0 to 1."""

    week: int = 0
    """The week under way, counted from the Unix epoch."""
    upright_s: int = 0
    slouched_s: int = 0
    due: int = 0
    """Slouches of this week for which an alert fell due, given or not."""
    step: int = 0
    """Where in `STEPS`."""
    first_share: float | None = None
    best_share: float = 1.0

    @property
    def told(self) -> tuple[int, int]:
        """How many of how many alerts that fall due are given."""
        return STEPS[self.step]

    @property
    def gives_next(self) -> bool:
        """Whether the next alert that falls due is given: the first of each round are."""
        told, due = self.told
        return self.due * told % due < told


def turned(state: FadingState, time_ns: int) -> FadingState:
    """Return the state at a time: with another week it may have gone a step further."""
    week = (time_ns // DAY_NS + MONDAY) // 7
    if week in {state.week, state.week - 1}:  # a week's last minute is known a little later
        return state
    return replace(_closed(state), week=week, upright_s=0, slouched_s=0, due=0)


def fade(state: FadingState, minute: Minute) -> FadingState:
    """Take the next minute."""
    state = turned(state, minute.start_ns)
    if not minute.upright_s and not minute.slouched_s:
        return state
    state = replace(
        state,
        upright_s=state.upright_s + minute.upright_s,
        slouched_s=state.slouched_s + minute.slouched_s,
    )
    if _is_worse(state):
        return replace(state, step=0, first_share=None, best_share=1.0)
    return state


def _share(state: FadingState) -> float | None:
    judged_s = state.upright_s + state.slouched_s
    return state.slouched_s / judged_s if judged_s >= COUNTS_S else None


def _is_worse(state: FadingState) -> bool:
    share = _share(state)
    return state.first_share is not None and share is not None and share > state.best_share + WORSE


def _closed(state: FadingState) -> FadingState:
    """Return the state after its week, one step further if there was progress."""
    share = _share(state)
    if share is None:
        return state
    if state.first_share is None:
        return replace(state, first_share=share, best_share=share)
    eased = share <= EASED * state.first_share and share <= state.best_share + STEADY
    return replace(
        state,
        step=min(state.step + eased, len(STEPS) - 1),
        best_share=min(state.best_share, share),
    )
