"""Audio classification: one class per recording."""

from __future__ import annotations

from autotune.media.image_classification import ImageClassification


class AudioClassification(ImageClassification):
    """Logits of classes; a label is the name or the number of one."""

    auto = "AutoModelForAudioClassification"
    head = "ForAudioClassification"
    columns = ("audio",)
    input = "input_values"
