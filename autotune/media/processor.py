"""The processor that a transformers folder brings along, for images or recordings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from autotune.data import Array
from autotune.errors import UserError
from autotune.media.audio import Samples, fitted

CONFIGS = ("preprocessor_config.json", "processor_config.json")


class Processor:
    """A loaded image processor or feature extractor; some need PyTorch, so it lives where that may be imported."""

    def __init__(self, folder: Path, kind: str, trust_code: bool) -> None:
        """Load it, offline.

        Raises:
            UserError: it cannot be loaded.
        """
        import transformers

        auto = transformers.AutoImageProcessor if kind == "image" else transformers.AutoFeatureExtractor
        self._folder = folder
        try:
            self._loaded = auto.from_pretrained(folder, local_files_only=True, trust_remote_code=trust_code)
        except Exception as error:  # libraries behind it raise anything
            raise UserError(
                f"model: the processor of {folder} cannot be loaded: {_said(error)}; check its {CONFIGS[0]}."
            ) from error

    @property
    def name(self) -> str:
        """Its class."""
        return type(self._loaded).__name__

    @property
    def rate(self) -> int:
        """Samples per second of the recordings that it takes."""
        return int(self._loaded.sampling_rate)

    def image(self, image: Image.Image, mask: Image.Image | None) -> dict[str, Array]:
        """Return the model's inputs of an image, without a batch axis, and ``labels`` of its mask."""
        maps = {} if mask is None else {"segmentation_maps": [mask]}
        found = self._called(images=[image], **maps)
        # Says which pixels are the image: all of them, which models assume anyway, and some do not take it.
        if not np.all(found.pop("pixel_mask", 1)):
            raise UserError(
                f"data: {self.name} of {self._folder} puts images into larger ones; give one size with 'preprocess' in "
                "the task, or in its preprocessor_config.json."
            )
        return found

    def audio(self, recording: Samples, length: int) -> dict[str, Array]:
        """Return the model's inputs of a recording of ``length`` samples, without a batch axis."""
        if hasattr(self._loaded, "feature_size") and self._loaded.feature_size == 1:
            how = {"padding": "max_length", "max_length": length, "truncation": True}
            return self._called(raw_speech=recording, sampling_rate=self.rate, **how)
        # What makes spectrograms has a length of its own, in frames.
        return self._called(raw_speech=fitted(recording, length), sampling_rate=self.rate)

    def _called(self, **given: Any) -> dict[str, Array]:
        try:
            found: Mapping[str, Any] = self._loaded(**given, return_tensors="np")
        except Exception as error:  # what processors raise is not known
            raise UserError(f"data: {self.name} of {self._folder} cannot take a sample: {_said(error)}.") from error
        names = [*self._loaded.model_input_names, "labels"]
        return {name: np.asarray(found[name])[0] for name in names if name in found}


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
