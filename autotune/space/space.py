"""From recipe to choices: what may be proposed, and how a proposal is described."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

from autotune import recipe
from autotune.configuration import DIRECT, LATE, Configuration, FloatWeights, FormChoice, FormName
from autotune.recipe import Range
from autotune.record import ModelInfo
from autotune.space.answers import (
    FLOAT_F32,
    REWRITTEN,
    answers,
    bf16_answers,
    bf16_possible,
    draw,
    form_answers,
    operator_answers,
    plain_answers,
    schemes,
    thread_choices,
    uncompressed,
)
from autotune.space.asking import Replay, Suggest
from autotune.space.changes import (
    compression_changes,
    compression_details,
    compression_of_all,
    form_changes,
    form_details,
)
from autotune.space.compression import OFF, mode_answers
from autotune.space.estimators import steps
from autotune.space.fixed import fixed
from autotune.space.offer import offer

NNCF_ALPHA = 0.95
_PRODUCTS = ("MatMul", "ScaledDotProductAttention")

# Kinds of choices. In this order neighbours most often win accuracy back without costing speed first.
Kind = Literal[
    "scheme", "estimator", "preset", "placement", "symmetry", "form", "form-detail", "operators", "weights",
    "bias-correction", "overflow-fix", "precision", "bf16", "compression", "compression-of-all",
    "compression-detail", "threads",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)


class Space:
    """The configurations that a recipe allows for a model on this CPU.

    Which operators stay float is one question, ``operators``: ``all-int8``, the name of a group, or ``listed``; only
    ``listed`` asks one more question, ``operator:<name>``, of each operator. So a model with 100 operators adds one
    parameter to most trials instead of 100, of which a sampler that knows nothing would set half to float; and yet
    every set of float operators can be said, which the neighbours of an incumbent use.

    A model whose operators are all float has one form only: a configuration without quantisation.

    Args:
        space: of the recipe.
        model: its ``operators`` are in the order of the graph.

    Raises:
        UserError: the recipe names an operator or quantiser that the model does not have, only precisions that this
            CPU does not execute, or int8 for a model that has nothing to quantise.
    """

    def __init__(self, space: recipe.Space, model: ModelInfo) -> None:
        self._space = space
        self._offer = offer(space, model)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that say what the recipe lists and is left out, and why."""
        return self._offer.notes

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Label -> operators kept float together: ``type:<type>``, ``non-weighted``, ``first``, ``last``."""
        return self._offer.groups

    def sample(self, suggest: Suggest) -> Configuration:
        """Return the configuration that the answers of ``suggest`` describe."""
        return draw(self._offer, suggest)

    def parameters(self, configuration: Configuration) -> dict[str, Any]:
        """Return the answers that make :meth:`sample` return ``configuration``; exactly those that it asks for.

        Raises:
            ValueError: the configuration is not in this space.
        """
        replay = Replay(answers(self._offer, configuration))
        if draw(self._offer, replay) != configuration:
            raise ValueError(f"not in this space: {configuration.label}")
        return replay.asked

    def holds(self, configuration: Configuration) -> bool:
        """Tell whether the configuration is in this space."""
        try:
            self.parameters(configuration)
        except ValueError:
            return False
        return True

    def solved(self) -> Configuration | None:
        """Return the one configuration of a solved recipe, None if choices are left open."""
        return draw(self._offer, Replay(plain_answers(self._offer))) if self._space.is_solved else None

    def plain(self) -> list[Configuration]:
        """Return what others would ship, for each precision: float, NNCF's default and its transformer setting.

        Where most operators with weights are linear layers, these with int8 weights come after float: first with
        activations quantised at run time, then without.

        Float f32 comes first, whatever the recipe says: it is the reference. Of what the recipe does not allow, the
        first choice that it does allow is taken instead, so a search always has somewhere to start from.
        """
        start = plain_answers(self._offer)
        found = [FLOAT_F32]
        kinds: list[dict[str, Any]] = []
        if self._offer.float_model:
            kinds.append({"scheme": "float"})
            kinds += [{"scheme": "float", **mode_answers(mode)} for mode in self._plain_modes]
        if self._offer.int8_model:
            peers = {"plain": "performance", "transformer": "mixed"}
            for placement, preset in peers.items():
                if placement in self._offer.placements:
                    allowed = preset in self._offer.presets
                    kind = {"placement": placement, "preset": preset if allowed else start["preset"]}
                    kinds.append({**kind, **(self._smoothing_of_nncf() if placement == "transformer" else {})})
        precisions = self._offer.precisions
        found += [self._draw({**start, **kind, "precision": p}) for kind in kinds for p in precisions]
        return list(dict.fromkeys(found))

    @property
    def _plain_modes(self) -> list[str]:
        """The first dynamic group and weights only, these of each number of bits, where they are worth a trial."""
        offered = self._offer.compression
        modes = [mode for mode in offered.modes_alone if mode != OFF]
        dynamic = [mode for mode in modes if offered.shared[mode].dynamic_group]
        first = {offered.shared[mode].form.bits: mode for mode in reversed(modes) if mode not in dynamic}
        weights = [mode for mode in modes if mode in first.values()]
        return [*dynamic[:1], *weights] if self._mostly_linear else []

    @property
    def _mostly_linear(self) -> bool:
        return 2 * len(self._offer.compression.layers) >= self._offer.weighted

    def _smoothing_of_nncf(self) -> dict[str, Any]:
        """Return the answers for the smoothing that NNCF's transformer setting brings, as near as it is allowed."""
        offered = self._offer.forms.get("smoothing")
        if offered is None or not offered.free:
            return {}
        nearest = min(offered.alphas, key=lambda alpha: abs(alpha - NNCF_ALPHA))
        return form_answers(self._offer, [FormChoice("smoothing", offered.free, nearest)])

    @property
    def free(self) -> tuple[str, ...]:
        """Operators that may be float or int8."""
        return self._offer.free

    @property
    def bf16(self) -> tuple[str, ...]:
        """Operators that may compute in bf16 by themselves, and need not."""
        return self._offer.bf16

    @property
    def bf16_together(self) -> tuple[str, ...]:
        """Of these the ones that hand bf16 to others."""
        alone = self._offer.compression.model.bf16_alone
        return tuple(name for name in self._offer.bf16 if name not in alone)

    @property
    def threads(self) -> tuple[int, ...]:
        """How many fewer threads than all may be used, falling."""
        return tuple(count for count in self._offer.threads if count is not None)

    @property
    def float_weights(self) -> FloatWeights:
        """How what is proposed stores float weights; float f32, the reference, has them as they are."""
        return self._offer.float_weights

    @property
    def may_halve(self) -> bool:
        """True when f16 may take the place of f32 in the end."""
        return self._offer.may_halve

    @property
    def faster_forms(self) -> tuple[FormChoice, ...]:
        """The forms that a float model runs faster in, as a rule, of all their groups."""
        return self._whole(REWRITTEN[:-1])

    @property
    def kernel_forms(self) -> tuple[FormChoice, ...]:
        """All forms that change which kernels run, of all their groups."""
        return self._whole(REWRITTEN)

    @property
    def direct(self) -> tuple[str, ...]:
        """Convolutions that may run in direct kernels, and need not."""
        offered = self._offer.forms.get(DIRECT)
        return () if offered is None else offered.free

    @property
    def late(self) -> tuple[str, ...]:
        """Attentions that may have late quantisers, and need not."""
        offered = self._offer.forms.get(LATE)
        return () if offered is None else offered.free

    @property
    def looked_at(self) -> Mapping[str, str]:
        """Questions whose answers are found by looking into models, with what stands for none of it."""
        return {f"form:{DIRECT}": OFF} if self.direct else {}

    @property
    def slow_products(self) -> bool:
        """True where most operators with weights are linear layers and this CPU has no fast int8 kernels for these."""
        return self._mostly_linear and self._offer.compression.model.can_saturate

    @property
    def products_left(self) -> tuple[str, ...]:
        """Matrix products that ``kernel_forms`` leave as they are where they make convolutions of others; free ones."""
        if REWRITTEN[-1] not in self._offer.forms:
            return ()
        gone = {name for group in self._offer.compression.rewritten[REWRITTEN[-1]].values() for name in group}
        types = self._offer.compression.model.operators
        return tuple(name for name in self._offer.free if types[name] in _PRODUCTS and name not in gone)

    def _whole(self, names: Iterable[FormName]) -> tuple[FormChoice, ...]:
        offered = ((name, self._offer.forms[name]) for name in names if name in self._offer.forms)
        return tuple(sorted(FormChoice(name, (*form.always, *form.free)) for name, form in offered))

    @property
    def always_float(self) -> frozenset[str]:
        """Operators that the recipe keeps float."""
        return self._offer.always_float

    def neighbours(self, configuration: Configuration, kinds: Sequence[Kind] = KINDS) -> Iterator[Configuration]:
        """Yield the configurations that differ in one choice of these kinds, in their order; each when it is asked for.

        Raises:
            ValueError: the configuration is not in this space.
        """
        now = answers(self._offer, configuration)
        self.parameters(configuration)
        made = self._changes(configuration, now)
        seen = {configuration}
        for kind in kinds:
            for change in made.get(kind, ()):
                found = self._draw({**now, **change})
                if found not in seen:
                    seen.add(found)
                    yield found

    def fix(self, configuration: Configuration) -> recipe.Space:
        """Return the solved form of the recipe's space: this configuration only."""
        return fixed(configuration, self._offer.compression)

    def _draw(self, given: Mapping[str, Any]) -> Configuration:
        return draw(self._offer, Replay(given))

    def _changes(self, configuration: Configuration, now: Mapping[str, Any]) -> dict[Kind, Iterator[dict[str, Any]]]:
        offered = self._offer
        quantization = configuration.quantization
        forms = tuple(name for name in offered.forms if name != DIRECT)
        if quantization is None:
            return {
                "scheme": _each("scheme", schemes(offered)),
                "precision": _each("precision", offered.precisions),
                "form": form_changes(offered, configuration, REWRITTEN),
                "form-detail": form_details(offered, configuration, REWRITTEN),
                "bf16": self._bf16_changes(configuration),
                "compression": compression_changes(offered, configuration),
                "compression-detail": compression_details(offered, configuration),
                "threads": _each("threads", thread_choices(offered)),
            }
        return {
            "estimator": self._estimator_changes(now),
            "preset": _each("preset", offered.presets),
            "placement": _each("placement", offered.placements),
            "symmetry": self._symmetry_changes(),
            "form": form_changes(offered, configuration, forms),
            "form-detail": form_details(offered, configuration, forms),
            "operators": self._operator_changes(frozenset(quantization.float_operators) - offered.always_float),
            "weights": _each("weights", offered.weights),
            "bias-correction": _each("bias_correction", offered.bias_corrections),
            "overflow-fix": _each("overflow_fix", offered.overflow_fixes),
            "precision": _each("precision", offered.precisions),
            "bf16": self._bf16_changes(configuration),
            "compression": compression_changes(offered, configuration),
            "compression-of-all": compression_of_all(offered, configuration),
            "compression-detail": compression_details(offered, configuration),
            "threads": _each("threads", thread_choices(offered)),
        }

    def _symmetry_changes(self) -> Iterator[dict[str, Any]]:
        yield from _each("symmetry", self._offer.symmetries)
        for name, choices in self._offer.quantizers.items():
            yield from _each(f"quantizer:{name}:symmetry", choices.symmetries or ())

    def _bf16_changes(self, configuration: Configuration) -> Iterator[dict[str, Any]]:
        """All float operators in bf16, none, then single ones."""
        possible = bf16_possible(self._offer, configuration.precision, uncompressed(self._offer, configuration))
        now = frozenset(configuration.bf16_operators)
        always = now & self._offer.always_bf16
        for chosen in (frozenset(possible), frozenset[str](), *(now ^ {name} for name in possible)):
            yield bf16_answers(self._offer, replace(configuration, bf16_operators=tuple(chosen | always)))

    def _operator_changes(self, floats: frozenset[str]) -> Iterator[dict[str, Any]]:
        """Groups of operators, then single ones."""
        for group in (*self._offer.groups.values(), *((name,) for name in self._offer.free)):
            members = frozenset(group)
            yield operator_answers(self._offer, floats - members if members <= floats else floats | members)

    def _estimator_changes(self, now: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        named = [(f"quantizer:{name}:", q.estimators or ()) for name, q in self._offer.quantizers.items()]
        for prefix, choices in [("", self._offer.estimators), *named]:
            for choice in choices:
                yield {f"{prefix}estimator": choice.label}
                number = f"{prefix}{choice.label}"
                if isinstance(choice.parameter, Range) and now[f"{prefix}estimator"] == choice.label:
                    for step in steps(choice, now[number]):
                        yield {number: step}


def _each(name: str, choices: Iterable[object]) -> Iterator[dict[str, Any]]:
    for choice in choices:
        yield {name: choice}
