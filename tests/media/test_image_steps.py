from __future__ import annotations

import numpy as np
from PIL import Image

from autotune.media.cells import Cell
from autotune.media.images import prepared, read_image, resized
from autotune.recipe import Preprocess


def steps(**given: object) -> Preprocess:
    return Preprocess.model_validate(given)


def test_values_and_layouts() -> None:
    image = Image.new("RGB", (4, 4), (255, 51, 0))
    np.testing.assert_allclose(prepared(image, steps(size=2))[:, 0, 0], [1, 0.2, 0], rtol=1e-6)
    assert prepared(image, steps(size=2, colour="bgr", layout="NHWC", scale=1))[1, 1].tolist() == [0, 51, 255]
    normal = prepared(image, steps(size=2, mean=[0.5, 0.2, 0], std=[0.5, 1, 2]))
    np.testing.assert_allclose(normal[:, 0, 0], [1, 0, 0], atol=1e-7)
    assert prepared(image, steps(size=[2, 3], colour="grey")).shape == (1, 2, 3)


def test_ways_to_resize() -> None:
    pixels = np.zeros((10, 20, 3), dtype=np.uint8)
    pixels[:, 5:15] = 200  # the middle
    image = Image.fromarray(pixels)
    stretched = np.asarray(resized(image, steps(size=10, resample="nearest")))
    assert stretched[0, :, 0].tolist() == [0] * 2 + [200] * 5 + [0] * 3
    assert (np.asarray(resized(image, steps(size=10, resize="cover", resample="nearest"))) == 200).all()
    whole = np.asarray(resized(image, steps(size=20, resize="contain")))
    assert not whole[:5].any()
    assert not whole[15:].any()
    assert (whole[5:15] == pixels).all()
    # 256 and then the middle 224 of it
    kept = steps(size=224, resize="cover", crop=0.875, resample="bicubic")
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8))
    outer = image.resize((341, 256), Image.Resampling.BICUBIC)
    assert (np.asarray(resized(image, kept)) == np.asarray(outer.crop((58, 16, 282, 240)))).all()


def test_deep_and_transparent_images_are_rgb() -> None:
    deep = Image.fromarray(np.full((2, 2), 65535, dtype=np.uint16))
    assert np.asarray(read_image(Cell(np.asarray(deep), "deep")))[0, 0].tolist() == [255, 255, 255]
    grey = read_image(Cell(np.full((2, 2), 7, dtype=np.uint8), "grey"))
    assert np.asarray(grey)[0, 0].tolist() == [7, 7, 7]
