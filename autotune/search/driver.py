"""The search: Optuna's ask-and-tell over a persistent storage.

Two objectives, latency ratio (candidate time / float f32 time) and drop, both minimised; a drop beyond the tolerance
is a constraint violation. First come the plain configurations that peers would ship (between them, with the prior, what
may be in hand early, see ``early``); then in turn neighbours of the incumbent (one choice changed), sets of float
operators from the guides, and proposals of the sampler.

Optuna's built-in samplers ignore FAILED trials and would suggest a crashing configuration again, so failures are
told as infeasible, with their reason in the trial's record.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
from pydantic import TypeAdapter

from autotune.configuration import Configuration
from autotune.decide import fits
from autotune.protocol import Explored
from autotune.recipe import Strategy
from autotune.record import Origin, Trial
from autotune.search import early
from autotune.search.guide import Guide, frame_of
from autotune.search.incumbent import best_within, challenger, fastest_within, incumbent
from autotune.search.kernels import KernelTurns
from autotune.search.late import with_late_quantizers
from autotune.search.order import FOR_ACCURACY, FOR_SPEED, likely_first
from autotune.search.study import StoredStudy
from autotune.search.surer import surer
from autotune.search.translation import Suggest, values
from autotune.search.turns import Turns
from autotune.space import Kind, Space

_TRIAL = TypeAdapter(Trial)
_RECORD = "autotune:trial"
# With nothing but repetitions in so many proposals there is nothing left to try; with no gain in so many measured
# trials none is expected.
_REPETITIONS = 24
PATIENCE = 10
GAIN = 1.01
# A frame is explored when it is faster than the best within the tolerance by this much, and after so many more trials.
_FASTER = 1.02
_MUCH_FASTER = 1.2
_TRIALS_PER_FRAME = 5
MOST_FRAMES = 3
# What others made of configurations that were proposed here.
ADOPTED: tuple[Origin, ...] = ("training", "storage")


@dataclass(frozen=True)
class Proposal:
    """A configuration to try next. ``number`` is Optuna's trial number."""

    number: int
    configuration: Configuration
    origin: Origin


class Search:
    """Proposes configurations and learns from trials.

    Args:
        space: what may be proposed.
        storage: SQLite file of the study; an existing one is continued.
        seed: seeds the sampler, together with the number of trials already there.
        tolerance: of the drop, in the metric's own units.
        profile: microseconds of float f32, by operator.
        strategy: who proposes.
        climbs: make the most of float models and int8 weights before anything static is tried.
        max_size: bytes of the winner's constants; as soon as an int8 trial keeps it, only such trials are built on.
        errors: standard errors of the drop that a candidate should stay below the tolerance, see ``surer``.
    """

    def __init__(
        self,
        space: Space,
        storage: Path,
        seed: int,
        tolerance: float,
        *,
        profile: Mapping[str, float],
        strategy: Strategy,
        climbs: bool = False,
        max_size: int | None = None,
        errors: float = 1.0,
    ) -> None:
        self._space = space
        self._strategy, self._climbs = strategy, climbs
        self._turns = Turns(strategy)
        self._kernels = KernelTurns(space.direct if strategy.prior else ())
        self._tolerance, self._profile, self._max_size = tolerance, profile, max_size
        self._errors = errors
        self._plain = space.plain()
        if strategy.prior:
            self._plain.sort(key=likely_first)
        self._study = StoredStudy(storage, strategy.sampler, seed)
        revised = self._study.revised
        records = [revised.get(t.number, t.user_attrs[_RECORD]) for t in self._study.kept]
        kept = [_TRIAL.validate_json(record) for record in records]
        # What was trained, or stored otherwise, is in no space: nothing is proposed from it.
        self._trials = [t for t in kept if t.origin not in ADOPTED]
        self._adopted = [t for t in kept if t.origin in ADOPTED]
        self._tried = {t.configuration for t in self._trials}
        self._asked: dict[int, optuna.Trial] = {}
        # What an earlier run of this study found out of frames, and whose turn it was.
        self._guides = {frame: self._guide(frame, explored) for frame, explored in self._study.recall()}
        for base, sets in self._study.recall_kernels():
            self._kernels.learn(base, sets)
        self._turns.restore([t.origin for t in sorted(self._trials, key=lambda t: t.number)])

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Every trial told so far, by number."""
        return tuple(sorted([*self._trials, *self._adopted], key=lambda t: t.number))

    @property
    def able(self) -> list[Trial]:
        """The trials that may win; all, as long as no int8 model is small enough."""
        fitting = [t for t in self._trials if fits(t, self._max_size)]
        return fitting if any(not t.configuration.is_float for t in fitting) else self._trials

    @property
    def exhausted(self) -> bool:
        """True when the last proposals were all tried before."""
        recent = self._trials[-_REPETITIONS:]
        return len(recent) == _REPETITIONS and all(t.state == "duplicate" for t in recent)

    @property
    def settled(self) -> bool:
        """True when no improvement is expected, and nothing is left to look at."""
        return self._stale and self.frame_to_explore() is None and self.kernels_to_look_at() is None

    @property
    def _stale(self) -> bool:
        """True when for long nothing faster was found within the tolerance.

        As long as only float models are within it, or something beyond it is much faster, twice as long.
        """
        best, since, int8 = 0.0, 0, False
        able = {t.number for t in self.able}
        for trial in self._trials:
            if trial.state == "duplicate":
                continue
            speed = fastest_within([trial], self._tolerance) if trial.number in able else 0.0
            since += 1
            if speed > GAIN * best:
                best, since = speed, 0
                int8 = int8 or not trial.configuration.is_float
        promising = challenger(self.able, self._tolerance, _MUCH_FASTER) is not None
        patience = PATIENCE if int8 and not promising else 2 * PATIENCE
        return best > 0 and since >= patience

    def frame_to_explore(self) -> Configuration | None:
        """Return a frame whose operators are worth looking at, or None.

        It is faster than the best within the tolerance but not within it itself, and of those the one that loses least;
        or else the frame of the incumbent, of which only the time matters.
        """
        if not self._strategy.prior:
            return None
        measured = [t for t in self._trials if t.state in ("complete", "stopped") and self._frame(t) is not None]
        if self.plain_left or len(self._guides) >= min(MOST_FRAMES, 1 + len(measured) // _TRIALS_PER_FRAME):
            return None
        best = fastest_within(self.able, self._tolerance)
        promising = []
        for trial in measured:
            frame, found = self._frame(trial), trial.measurement
            if frame is None or frame in self._guides or found is None or found.latency is None or found.drop is None:
                continue
            if found.drop > self._tolerance and found.latency.speedup.low > _FASTER * max(best, 1.0):
                promising.append((found.drop, trial.number, frame))
        if promising:
            return min(promising)[2]
        held = incumbent(self.able, self._tolerance)
        own = frame_of(held, self._space.always_float) if held else None
        return own if own is not None and best > 0 and own not in self._guides else None

    def kernels_to_look_at(self) -> Configuration | None:
        """Return a configuration of which to find out what is faster in direct kernels, or None."""
        if self.plain_left or self._kernels_found() is not None:
            return None
        best, measured = best_within(self.able, self._tolerance), sum(t.state != "duplicate" for t in self._trials)
        return self._kernels.due(best, measured, last=self._stale)

    @property
    def convolutions(self) -> tuple[str, ...]:
        """Those that may run in direct kernels."""
        return self._kernels.convolutions

    def learn_kernels(self, base: Configuration, sets: Sequence[tuple[str, ...]]) -> None:
        """Take sets of convolutions that may pay in direct kernels, the most promising first, and keep them, too."""
        self._study.remember_kernels(base, sets)
        self._kernels.learn(base, sets)

    def _kernels_found(self) -> Configuration | None:
        return next((c for c in self._kernels.propose(self._tried) if self._space.holds(c)), None)

    def _late(self) -> Configuration | None:
        found = with_late_quantizers(self.able, self._tolerance, self._space.late) if self._strategy.prior else None
        return found if found is not None and found not in self._tried and self._space.holds(found) else None

    def is_within(self, frame: Configuration) -> bool:
        """Tell whether this frame was measured and is within the tolerance."""
        return fastest_within([t for t in self._trials if t.configuration == frame], self._tolerance) > 0

    def learn(self, frame: Configuration, explored: Explored | None) -> None:
        """Take what was found out about a frame, and keep it for a run that continues this one.

        None: it could not be explored and is left alone.
        """
        self._study.remember(frame, explored)
        self._guides[frame] = self._guide(frame, explored)

    @property
    def explored(self) -> tuple[tuple[Configuration, Explored], ...]:
        """The frames that could be looked at, with what was found out."""
        return tuple((frame, found) for frame, found in self._study.recall() if found is not None)

    def _guide(self, frame: Configuration, explored: Explored | None) -> Guide | None:
        reference = sum(self._profile.values())
        return Guide(frame, explored, self._space.free, reference) if explored and reference > 0 else None

    @property
    def plain_left(self) -> int:
        """How many of the plain configurations have no trial yet."""
        return len(self._untried_plain())

    def ask(self, *, hurry: bool = False) -> Proposal:
        """Return the next configuration to try; a sampler's may equal an earlier one.

        Args:
            hurry: time or trials are up, and only what must be tried is: nothing comes between plain configurations.
        """
        first = self._first(hurry)
        if first is not None:
            return self._enqueue(*first)
        for found in (self._late(), self._kernels_found()):
            if found is not None:
                return self._enqueue(found, "guide")
        while (origin := self._turns.next()) != "sampler":
            found = self._neighbour() if origin == "neighbour" else self._guided()
            if found is not None:
                return self._enqueue(found, origin)
        return self._propose(self._study.ask(), "sampler")

    @property
    def at_static(self) -> bool:
        """True when what needs no static int8 was tried."""
        first = self._first()
        return first is None or first[0].quantization is not None

    def _first(self, hurry: bool = False) -> tuple[Configuration, Origin] | None:
        """Return the next plain configuration, or what is to come before it; None when all are tried."""
        for configuration in self._untried_plain():
            sooner = None if configuration.is_float or hurry else self._sooner()
            return (sooner, "guide") if sooner else (configuration, "plain")
        return None

    def _sooner(self) -> Configuration | None:
        """Return what may be faster than float f32 and within the tolerance, and costs less than anything int8."""
        if not self._strategy.prior:
            return None
        return early.sooner(
            self._trials,
            self._tolerance,
            self._space,
            self._plain,
            self._profile,
            climbs=self._climbs,
            tried=self._tried,
        )

    def _neighbour(self) -> Configuration | None:
        """In turn make something fast more accurate, and the fastest within the tolerance faster."""
        best = incumbent(self.able, self._tolerance)
        is_within = fastest_within([t for t in self._trials if t.configuration == best], self._tolerance) > 0
        beyond = challenger(self.able, self._tolerance, _FASTER)
        ahead = early.threads_matter(early.as_f32(self._trials))
        for_speed: tuple[Kind, ...] = ("threads", *FOR_SPEED) if ahead else (*FOR_SPEED, "threads")
        starts = [(beyond, FOR_ACCURACY), (best, for_speed if is_within else FOR_ACCURACY)]
        for start, kinds in starts if self._turns.beyond_first else reversed(starts):
            for found in self._space.neighbours(start, kinds) if start else ():
                if found not in self._tried:
                    return found
        return None

    def _guided(self) -> Configuration | None:
        """Return the first set of float operators that some guide finds worth a trial."""
        best = max(1.0, fastest_within(self.able, self._tolerance))
        aim = surer(self.able, self._tolerance, self._errors)
        guides = [guide for guide in self._guides.values() if guide]
        proposed = itertools.chain(
            (guide.propose(self._trials, self._tolerance, best) for guide in guides),
            (guide.propose(self._trials, aim.drop, aim.to_beat) for guide in guides if aim and guide.cost),
        )
        return next((found for found in proposed if found is not None and self._space.holds(found)), None)

    def _frame(self, trial: Trial) -> Configuration | None:
        return frame_of(trial.configuration, self._space.always_float)

    def tell(self, proposal: Proposal, trial: Trial) -> None:
        """Record a trial: its values to Optuna, all of it to the storage."""
        asked = self._asked.pop(proposal.number)
        asked.set_user_attr(_RECORD, _TRIAL.dump_json(trial).decode())
        ratio, drop, violation = values(trial, self._tolerance)
        asked.set_constraint("drop beyond tolerance", violation)
        if self._max_size is not None:
            asked.set_constraint("larger than allowed", float(not fits(trial, self._max_size)))
        self._study.tell(asked, [ratio, drop])
        (self._adopted if trial.origin in ADOPTED else self._trials).append(trial)
        self._tried.add(trial.configuration)

    def revise(self, trial: Trial) -> None:
        """Put a trial in the place of the one with its number; what Optuna was told of that one stays."""
        self._study.revise(trial.number, _TRIAL.dump_json(trial).decode())
        for trials in (self._trials, self._adopted):
            trials[:] = [trial if t.number == trial.number else t for t in trials]

    def adopt(self, start: Configuration, made: Configuration, origin: Origin) -> Proposal:
        """Return a proposal of what was made outside this space; Optuna is told of it as of ``start``.

        Args:
            start: float f32 stands for one that is not in the space either. origin: one of ``ADOPTED``.
        """
        proposal = self._enqueue(start if self._space.holds(start) else Configuration(), origin)
        return replace(proposal, configuration=made)

    def _untried_plain(self) -> list[Configuration]:
        return [c for c in self._plain if c not in self._tried]

    def _enqueue(self, configuration: Configuration, origin: Origin) -> Proposal:
        return self._propose(self._study.ask_for(self._space.parameters(configuration)), origin)

    def _propose(self, asked: optuna.Trial, origin: Origin) -> Proposal:
        # Kernels are looked at: most sets of them that a sampler makes up are slower by a factor.
        given = self._space.looked_at if origin == "sampler" and self._strategy.prior else {}
        configuration = self._space.sample(Suggest(asked, given))
        self._asked[asked.number] = asked
        return Proposal(asked.number, configuration, origin)
