"""The view behind the plot of ranges: what the winner's quantisers saw. A pure function of a run."""

from __future__ import annotations

from autotune.decide import digits
from autotune.findings import EstimatedRange, QuantizerRecord
from autotune.report import words
from autotune.report.lookup import Lookup
from autotune.report.pictures import Calibration, QuantizerView, RangeLine


def calibration(found: Lookup) -> Calibration:
    """The activation quantisers of the winner, or of the fastest that has some, in the order of the graph."""
    records, number = found.run.quantizers, found.run.quantizers_of
    trial = None if number is None else found.trials.get(number)
    if not records or trial is None:
        if any(t.configuration.quantization is not None and t.state == "complete" for t in found.run.trials):
            return Calibration("", (), "What quantisers saw was not recorded in this run.")
        return Calibration("", (), "Nothing was calibrated: no candidate quantises activations in advance.")
    notes = []
    if number != found.run.winner:
        notes.append(f"The winner has none that calibration gave a range; these are of trial {number}.")
    if any(r.per_channel for r in records):
        notes.append("Quantisers with a range per channel take each channel's extremes, whatever the estimator.")
    of = "the winner" if number == found.run.winner else f"trial {number} ({trial.configuration.label})"
    return Calibration(of, tuple(_quantizer(r) for r in records), " ".join(notes))


def _quantizer(record: QuantizerRecord) -> QuantizerView:
    chosen = _line(record.chosen, chosen=True, per_channel=record.per_channel)
    return QuantizerView(
        name=record.name,
        lowest=record.lowest,
        highest=record.highest,
        histogram=record.histogram,
        ranges=(*(_line(r, chosen=False, per_channel=False) for r in record.others), chosen),
        facts=f"values from {_number(record.lowest)} to {_number(record.highest)}; "
        f"{chosen.details[1]}; {chosen.details[2]}",
    )


def _line(estimated: EstimatedRange, *, chosen: bool, per_channel: bool) -> RangeLine:
    name = "per channel" if per_channel else str(estimated.estimator)
    return RangeLine(
        estimator=name,
        low=estimated.low,
        high=estimated.high,
        chosen=chosen,
        details=(
            f"{name}{' (chosen)' if chosen else ''}",
            f"range {_number(estimated.low)} to {_number(estimated.high)}",
            f"{_clipped(estimated.clipped)} of the values outside",
        ),
    )


def _number(value: float) -> str:
    return digits(value, 4).replace("-", words.MINUS)


def _clipped(share: float) -> str:
    if not share:
        return "none"
    return words.share(share)
