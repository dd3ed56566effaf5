"""Reading images, and the explicit steps from an image to a model's input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from autotune.errors import UserError
from autotune.media.cells import Cell
from autotune.recipe import Preprocess

# Of a mask: a pixel that is not asked, as most data sets have it.
IGNORED_PIXEL = 255
_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def read_image(cell: Cell) -> Image.Image:
    """Return an image as RGB, turned as its EXIF data say.

    Raises:
        UserError: it cannot be read; names the file.
    """
    opened = _opened(cell)
    if opened.mode.startswith("I"):  # 16 bits per pixel, which Pillow's conversion would cut off at 255
        opened = Image.fromarray((np.asarray(opened).astype(np.float32) / 257).clip(0, 255).astype(np.uint8))
    return opened.convert("RGB")


def read_mask(cell: Cell) -> Image.Image:
    """Return a mask: one class number per pixel, of a palette or of a grey image.

    Raises:
        UserError: it cannot be read, or is an image of colours.
    """
    opened = _opened(cell)
    if opened.mode not in ("P", "L", "1", "I", "I;16"):
        raise UserError(f"{cell.name}: is an image of colours ({opened.mode}); a mask has one class number per pixel.")
    return Image.fromarray(np.asarray(opened).astype(np.uint8)) if opened.mode == "1" else opened


def _opened(cell: Cell) -> Image.Image:
    if isinstance(cell.held, np.ndarray):
        try:
            return Image.fromarray(cell.held)
        except (TypeError, ValueError) as error:
            kind = f"{cell.held.dtype} of shape {list(cell.held.shape)}"
            raise UserError(
                f"{cell.name}: {kind} is no image; give uint8, (height, width, 3) or (height, width)."
            ) from error
    try:
        with Image.open(cell.opened()) as image:
            image.load()
            return ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        said = " ".join(str(error).split())[:120].rstrip(".")
        raise UserError(
            f"{cell.name}: cannot be read as an image ({said}); it may be cut or of another kind."
        ) from error


def prepared(image: Image.Image, steps: Preprocess) -> NDArray[np.float32]:
    """Return a model's input of an RGB image: (channels, height, width), or the channels last."""
    sized = resized(image, steps)
    if steps.colour == "grey":
        values = np.asarray(sized.convert("L"), dtype=np.float32)[:, :, np.newaxis]
    else:
        values = np.asarray(sized, dtype=np.float32)[:, :, :: -1 if steps.colour == "bgr" else 1]
    mean, deviation = (np.array(given, dtype=np.float32) for given in (steps.mean, steps.std))
    values = (values * np.float32(steps.scale) - mean) / deviation
    return np.ascontiguousarray(values if steps.layout == "NHWC" else values.transpose(2, 0, 1))


def mask_of(mask: Image.Image, steps: Preprocess) -> NDArray[np.int64]:
    """Return the class numbers, (height, width), of a mask that goes the way of its image."""
    nearest = steps.model_copy(update={"resample": "nearest"})
    return np.asarray(resized(mask, nearest, IGNORED_PIXEL), dtype=np.int64)


def resized(image: Image.Image, steps: Preprocess, around: int | None = None) -> Image.Image:
    """Return an image of the size of the model's input, resized and cut as the steps say.

    Args:
        around: instead of the steps' grey around an image that keeps its proportions.
    """
    assert steps.size is not None
    (height, width), resample = steps.size, _FILTERS[steps.resample]
    (wide, high), (left, top) = frame(image.size, steps)
    outer = image.resize((wide, high), resample)
    if steps.resize != "contain":
        return outer.crop((-left, -top, width - left, height - top))
    grey = steps.around if around is None else around
    whole = Image.new(image.mode, (width, height), grey if image.mode != "RGB" else (grey,) * 3)
    whole.paste(outer, (left, top))
    return whole


def frame(size: tuple[int, int], steps: Preprocess) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return what an image of this (width, height) is resized to, and where its corner then is in the input, (x, y)."""
    assert steps.size is not None
    height, width = steps.size
    if steps.resize == "contain":
        scale = min(width / size[0], height / size[1])
        inner = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
        corner = (0, 0) if steps.place == "corner" else ((width - inner[0]) // 2, (height - inner[1]) // 2)
        return inner, corner
    if steps.resize == "stretch":
        outer = (round(width / steps.crop), round(height / steps.crop))
    else:
        scale = max(width / size[0], height / size[1]) / steps.crop
        outer = (max(width, round(size[0] * scale)), max(height, round(size[1] * scale)))
    return outer, (-((outer[0] - width) // 2), -((outer[1] - height) // 2))
