"""Questions and answers: a configuration is what a sequence of suggestions answers.

``draw`` asks (define by run) and is the only place that builds configurations; ``answers`` is its inverse.
A choice of one is never asked, so it is no parameter of the study. All questions are categorical over names that
depend on recipe and model only, which Optuna demands: a parameter keeps its choices over all trials.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from dataclasses import replace
from typing import Any

from autotune.configuration import (
    DIRECT,
    ActivationChoice,
    Configuration,
    FormChoice,
    FormName,
    Precision,
    Quantization,
)
from autotune.space.asking import Suggest, pick, prefer
from autotune.space.compression import (
    ALL,
    LISTED,
    OFF,
    compression_answers,
    default_answers,
    draw_compression,
)
from autotune.space.estimators import draw_estimator, estimator_answers, middles
from autotune.space.offer import FormOffer, Offer

FLOAT_F32 = Configuration("f32", None)
# Float f32 is the reference of every run; where the recipe does not allow it, it is a scheme of its own.
REFERENCE = "reference"
ALL_INT8 = "all-int8"
# Forms whose graphs run as something else; those that seldom cost time come first.
REWRITTEN: tuple[FormName, ...] = (
    "one-hot-as-lookup",
    "fused-activation",
    "convolution-borders",
    "outputs-as-channels",
    "linear-as-convolution",
)
# Forms that change what a float model runs as; the others only change what quantising loses.
FLOAT_FORMS: tuple[FormName, ...] = (*REWRITTEN, DIRECT)


def draw(offer: Offer, suggest: Suggest) -> Configuration:
    """Return the configuration that the answers of ``suggest`` describe."""
    scheme = pick(suggest, "scheme", schemes(offer))
    if scheme == REFERENCE:
        return FLOAT_F32
    counts = dict(zip(thread_choices(offer), offer.threads, strict=True))
    threads = counts[pick(suggest, "threads", tuple(counts))]
    return replace(_model(offer, suggest, scheme), threads=threads, float_weights=offer.float_weights)


def _model(offer: Offer, suggest: Suggest, scheme: str) -> Configuration:
    precision = pick(suggest, "precision", offer.precisions)
    if scheme == "float":
        return _float(offer, suggest, precision, _forms(offer, suggest, FLOAT_FORMS))
    forms = _forms(offer, suggest, tuple(offer.forms))
    floats, compression = draw_compression(
        offer.compression, suggest, _float_operators(offer, suggest), forms, alone=False
    )
    typed = floats.difference(compression.operators if compression else ())
    if len(floats) == len(offer.operators):
        plain = tuple(form for form in forms if form.name in FLOAT_FORMS)
        return Configuration(precision, None, plain, _bf16(offer, suggest, precision, typed), compression)
    activation = ActivationChoice(
        draw_estimator(suggest, "", offer.estimators), pick(suggest, "symmetry", offer.symmetries)
    )
    overrides = {name: _override(offer, suggest, name, activation) for name in offer.quantizers}
    quantization = Quantization(
        placement=pick(suggest, "placement", offer.placements),
        preset=pick(suggest, "preset", offer.presets),
        float_operators=tuple(floats),
        activation=activation,
        overrides=tuple((name, choice) for name, choice in overrides.items() if choice != activation),
        weights=pick(suggest, "weights", offer.weights),
        bias_correction=pick(suggest, "bias_correction", offer.bias_corrections),
        overflow_fix=pick(suggest, "overflow_fix", offer.overflow_fixes),
    )
    return Configuration(precision, quantization, forms, _bf16(offer, suggest, precision, typed), compression)


def answers(offer: Offer, configuration: Configuration) -> dict[str, Any]:
    """Return answers that make :func:`draw` return ``configuration``, and defaults for what it does not ask then."""
    found = plain_answers(offer)
    if configuration == FLOAT_F32 and REFERENCE in schemes(offer):
        return {**found, "scheme": REFERENCE}
    found["precision"] = configuration.precision
    found["threads"] = _thread_choice(configuration.threads)
    found |= form_answers(offer, configuration.forms)
    found |= bf16_answers(offer, configuration)
    quantization = configuration.quantization
    floats = offer.operators if quantization is None else quantization.float_operators
    found |= compression_answers(offer.compression, configuration, floats)
    if quantization is None:
        return {**found, "scheme": "float"}
    found |= {
        "scheme": "int8-static",
        "placement": quantization.placement,
        "preset": quantization.preset,
        "symmetry": quantization.activation.symmetry,
        "weights": quantization.weights,
        "bias_correction": quantization.bias_correction,
        "overflow_fix": quantization.overflow_fix,
        **estimator_answers("", offer.estimators, quantization.activation.estimator),
        **operator_answers(offer, frozenset(quantization.float_operators) - offer.always_float),
    }
    chosen = dict(quantization.overrides)
    for name, choices in offer.quantizers.items():
        choice = chosen.get(name, quantization.activation)
        found[f"quantizer:{name}:symmetry"] = choice.symmetry
        found |= estimator_answers(f"quantizer:{name}:", choices.estimators or (), choice.estimator)
    return found


def plain_answers(offer: Offer) -> dict[str, Any]:
    """Return what NNCF does when asked for nothing, or else the first choice, for every question."""
    found = {
        "scheme": "int8-static" if offer.int8_model else "float",
        "precision": offer.precisions[0],
        "threads": thread_choices(offer)[0],
        "placement": prefer("plain", offer.placements),
        "preset": prefer("performance", offer.presets),
        "symmetry": prefer("as-preset", offer.symmetries),
        "weights": prefer("per-channel", offer.weights),
        "bias_correction": prefer(True, offer.bias_corrections),
        "overflow_fix": prefer("first-layer", offer.overflow_fixes),
        **middles("", offer.estimators),
        **operator_answers(offer, frozenset()),
        **form_answers(offer, ()),
        **bf16_answers(offer, FLOAT_F32),
        **default_answers(offer.compression),
    }
    for name, choices in offer.quantizers.items():
        found[f"quantizer:{name}:symmetry"] = prefer("as-preset", choices.symmetries or ("as-preset",))
        found |= middles(f"quantizer:{name}:", choices.estimators or ())
    return found


def schemes(offer: Offer) -> tuple[str, ...]:
    """Return the schemes that the model as a whole may have."""
    found = [s for s, allowed in (("float", offer.float_model), ("int8-static", offer.int8_model)) if allowed]
    rewritten = offer.always_bf16 or any(offer.forms[name].always for name in FLOAT_FORMS if name in offer.forms)
    is_f32 = (
        offer.float_model
        and None in offer.threads
        and offer.float_weights == "f32"
        and "f32" in offer.precisions
        and OFF in offer.compression.modes_alone
    )
    if rewritten or not is_f32:
        found.append(REFERENCE)
    return tuple(found)


def thread_choices(offer: Offer) -> tuple[str, ...]:
    """Return what the question ``threads`` offers."""
    return tuple(map(_thread_choice, offer.threads))


def _thread_choice(count: int | None) -> str:
    return "all" if count is None else str(count)


def operator_choices(offer: Offer) -> tuple[str, ...]:
    """Return what the question ``operators`` offers."""
    return (ALL_INT8, *offer.groups, LISTED) if offer.free else (ALL_INT8,)


def operator_answers(offer: Offer, floats: frozenset[str]) -> dict[str, str]:
    """Return answers that keep ``floats`` of the free operators float: a group's name if it is one."""
    named = {ALL_INT8: frozenset[str](), **{label: frozenset(members) for label, members in offer.groups.items()}}
    label = next((label for label, members in named.items() if members == floats), LISTED)
    return {
        "operators": label,
        **{f"operator:{name}": "float" if name in floats else "int8-static" for name in offer.free},
    }


def form_choices(form: FormOffer) -> tuple[str, ...]:
    """Return what the question ``form:<name>`` offers."""
    return (OFF, ALL, LISTED) if len(form.free) > 1 else (OFF, ALL) if form.free else (OFF,)


def form_answers(offer: Offer, forms: Iterable[FormChoice]) -> dict[str, Any]:
    """Return answers that choose exactly these forms; those that the recipe always uses keep their first strength."""
    chosen = {form.name: form for form in forms}
    found: dict[str, Any] = {}
    for name, offered in offer.forms.items():
        form = chosen.get(name)
        groups = frozenset(form.groups) - offered.always if form else frozenset()
        found[f"form:{name}"] = OFF if not groups else ALL if groups == frozenset(offered.free) else LISTED
        found |= {f"form:{name}:{group}": group in groups for group in offered.free}
        if offered.alphas:
            found[f"form:{name}:alpha"] = form.alpha if form else offered.alphas[0]
    return found


def bf16_possible(offer: Offer, precision: Precision, floats: Container[str]) -> tuple[str, ...]:
    """Return the operators that may be asked to compute in bf16: float ones, where the rest stays f32."""
    return tuple(name for name in offer.bf16 if name in floats) if precision == "f32" else ()


def uncompressed(offer: Offer, configuration: Configuration) -> frozenset[str]:
    """Return the operators that are float: neither ``int8-static`` nor with int8 weights."""
    q, compression = configuration.quantization, configuration.compression
    floats = frozenset(offer.operators if q is None else q.float_operators)
    return floats.difference(compression.operators if compression else ())


def bf16_answers(offer: Offer, configuration: Configuration) -> dict[str, Any]:
    """Return answers that choose exactly these operators."""
    possible = bf16_possible(offer, configuration.precision, uncompressed(offer, configuration))
    chosen = frozenset(configuration.bf16_operators) - offer.always_bf16
    return {
        "bf16_operators": OFF if not chosen else ALL if chosen == frozenset(possible) else LISTED,
        "bf16_operator": ALL if chosen else OFF,
        **{f"bf16_operator:{name}": name in chosen for name in offer.bf16},
    }


def _float_operators(offer: Offer, suggest: Suggest) -> frozenset[str]:
    label = pick(suggest, "operators", operator_choices(offer))
    if label != LISTED:
        return offer.always_float | frozenset(offer.groups.get(label, ()))
    listed = (n for n in offer.free if suggest.categorical(f"operator:{n}", ("int8-static", "float")) == "float")
    return offer.always_float | frozenset(listed)


def _float(offer: Offer, suggest: Suggest, precision: Precision, forms: tuple[FormChoice, ...]) -> Configuration:
    floats, compression = draw_compression(offer.compression, suggest, frozenset(offer.operators), forms, alone=True)
    typed = floats.difference(compression.operators if compression else ())
    return Configuration(precision, None, forms, _bf16(offer, suggest, precision, typed), compression)


def _bf16(offer: Offer, suggest: Suggest, precision: Precision, floats: Collection[str]) -> tuple[str, ...]:
    if precision != "f32":
        return ()
    possible = bf16_possible(offer, precision, floats)
    choices = (OFF, ALL, LISTED) if len(possible) > 1 else (OFF, ALL) if possible else (OFF,)
    # A name of its own for every number of choices: a parameter of the study keeps its choices over all trials.
    which = pick(suggest, "bf16_operators" if len(choices) > 2 else "bf16_operator", choices)
    chosen = [name for name in offer.always_bf16 if name in floats]
    if which == ALL:
        chosen += possible
    elif which == LISTED:
        chosen += [name for name in possible if suggest.categorical(f"bf16_operator:{name}", (False, True))]
    return tuple(chosen)


def _forms(offer: Offer, suggest: Suggest, names: Iterable[FormName]) -> tuple[FormChoice, ...]:
    found = []
    for name in names:
        offered = offer.forms.get(name)
        if offered is None:
            continue
        which = pick(suggest, f"form:{name}", form_choices(offered))
        groups = offered.always
        if which == ALL:
            groups |= frozenset(offered.free)
        elif which == LISTED:
            groups |= {g for g in offered.free if suggest.categorical(f"form:{name}:{g}", (False, True))}
        if groups:
            alpha = pick(suggest, f"form:{name}:alpha", offered.alphas) if offered.alphas else None
            found.append(FormChoice(name, tuple(groups), alpha))
    return tuple(found)


def _override(offer: Offer, suggest: Suggest, name: str, activation: ActivationChoice) -> ActivationChoice:
    choices, prefix = offer.quantizers[name], f"quantizer:{name}:"
    estimator, symmetry = activation.estimator, activation.symmetry
    if choices.estimators is not None:
        estimator = draw_estimator(suggest, prefix, choices.estimators)
    if choices.symmetries is not None:
        symmetry = pick(suggest, f"{prefix}symmetry", choices.symmetries)
    return ActivationChoice(estimator, symmetry)
