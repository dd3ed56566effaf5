"""What quantisers saw, recorded of a real model."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_graphs import convolutional, images

from autotune.configuration import ActivationChoice, Estimator, Quantization
from autotune.findings import QuantizerRecord
from autotune.quantize.calibration import BINS
from autotune.quantize.factory import CandidateFactory

CHOSEN = Quantization(activation=ActivationChoice(Estimator("mse")))


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> tuple[QuantizerRecord, ...]:
    folder: Path = tmp_path_factory.mktemp("cache")
    factory = CandidateFactory(convolutional(), images(24), folder, 2)
    factory.prepare()
    factory.observe()
    return factory.quantizers(CHOSEN)


def test_every_quantiser_has_a_histogram_of_all_it_saw(records: tuple[QuantizerRecord, ...]) -> None:
    assert records
    for record in records:
        assert len(record.histogram) == BINS
        assert sum(record.histogram) == pytest.approx(1, abs=0.01)
        assert record.lowest < record.highest


def test_each_estimator_has_its_range(records: tuple[QuantizerRecord, ...]) -> None:
    record = next(r for r in records if not r.per_channel)
    assert record.chosen.estimator == Estimator("mse")
    others = {str(r.estimator): r for r in record.others}
    assert set(others) == {
        "min-max", "mean-min-max", "moving-average(0.1)", "percentile(0.999)", "percentile(0.9999)", "entropy",
    }  # fmt: skip
    assert others["min-max"].clipped == 0
    assert others["percentile(0.999)"].high <= others["min-max"].high
    assert others["percentile(0.999)"].clipped >= others["percentile(0.9999)"].clipped


def test_ranges_per_channel_have_no_other_estimators(records: tuple[QuantizerRecord, ...]) -> None:
    assert all(not r.others for r in records if r.per_channel)
