"""What travels with the model of a transformers folder: config, tokenizer or processor, and what optimum-intel asks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotune.files import write_text

if TYPE_CHECKING:
    from autotune.data import Lengths
    from autotune.protocol import Companions

OPTIMUM_CONFIG = "openvino_config.json"

# Of a transformers folder: config and tokenizer, not weights, code and notes.
_PATTERNS = ("*.json", "*.txt", "*.model", "*.jinja")
_WEIGHTS_INDEX = ".index.json"
_DTYPES = {"f32": "fp32", "bf16": "bf16", "f16": "fp16"}
_QUANTIZED = "int8"
_STATIC = "Without `dynamic_shapes=False` it makes the shapes dynamic, and they were judged static:"
_STATIC_ASKED = ", dynamic_shapes=False"

# What a tokenizer is called with, as it was for the data: of a question and its text only the text is cut.
_TEXTS = {
    "AutoModelForQuestionAnswering": 'question, text, truncation="only_second"',
    "AutoModelForTokenClassification": "words, is_split_into_words=True, truncation=True",
}
_TEXT = "text, truncation=True"

# A causal model is judged on whole texts: there is no cache of what came before. Its tokenizer may know no padding.
_CAUSAL = "AutoModelForCausalLM"
_DYNAMIC = (
    "It makes the shapes of such models dynamic, whatever is asked; the speed that was measured is of static ones:"
)
_DYNAMIC_ASKED = ", use_cache=False, stateful=False"
_PADDING = """
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    tokenizer.padding_side = "right\""""

_OWN = """
Python, with optimum-intel; every text has its own length. Without `ov_config` it takes OpenVINO's defaults, which
may be another precision.{remark}

    import json
    from optimum.intel import {name}
    from transformers import AutoTokenizer
    properties = json.load(open("{folder}/deploy.json"))["CPU"]
    model = {name}.from_pretrained("{folder}", ov_config=properties{asked})
    tokenizer = AutoTokenizer.from_pretrained("{folder}"){padding}
    outputs = model(**tokenizer({texts}{most}, return_tensors="pt"))
"""
_NOT_BUCKETS = " It knows no buckets: the speed that was measured is that of `autotune.load`."

_README = """
Python, with optimum-intel; every text is padded or cut to {length} tokens. Without `ov_config` it takes OpenVINO's
defaults, which may be another precision. {shapes}

    import json
    from optimum.intel import {name}
    from transformers import AutoTokenizer
    properties = json.load(open("{folder}/deploy.json"))["CPU"]
    model = {name}.from_pretrained("{folder}", ov_config=properties{asked})
    tokenizer = AutoTokenizer.from_pretrained("{folder}"){padding}
    outputs = model(**tokenizer({texts}, padding="max_length", max_length={length}, return_tensors="pt"))
"""


_README_FILES = """
Python, with optimum-intel. Without `ov_config` it takes OpenVINO's defaults, which may be another precision. {shapes}

    import json
    from optimum.intel import {name}
    from transformers import {processor}
    properties = json.load(open("{folder}/deploy.json"))["CPU"]
    model = {name}.from_pretrained("{folder}", ov_config=properties{asked})
    processor = {processor}.from_pretrained("{folder}")
    outputs = model(**processor({given}, return_tensors="pt"))
"""
# What prepares the samples of models that read no texts, and what it is called with.
_PROCESSORS = {
    "AutoModelForAudioClassification": ("AutoFeatureExtractor", "samples, sampling_rate=processor.sampling_rate"),
    "AutoModelForImageClassification": ("AutoImageProcessor", "image"),
    "AutoModelForObjectDetection": ("AutoImageProcessor", "image"),
    "AutoModelForSemanticSegmentation": ("AutoImageProcessor", "image"),
}
# Pooled vectors, boxes and masks: optimum-intel has one class for whatever a model gives.
_CUSTOM = ("AutoModel", "AutoModelForObjectDetection", "AutoModelForSemanticSegmentation")


def accompany(companions: Companions, model: Any, judged_with: Mapping[str, str], target: Path) -> None:
    """Put config and tokenizer, and ``openvino_config.json`` as optimum-intel writes it, into ``target``.

    Args:
        model: the ``openvino.Model`` that is written there. judged_with: its compile properties.
    """
    for path in sorted(file for pattern in _PATTERNS for file in companions.folder.glob(pattern)):
        if not path.name.endswith(_WEIGHTS_INDEX):
            shutil.copyfile(path, target / path.name)
    quantized = any(_is_quantized(node) for node in model.get_ops())
    described = {
        "dtype": _QUANTIZED if quantized else _DTYPES[judged_with["INFERENCE_PRECISION_HINT"]],
        "input_info": [_input(port) for port in model.inputs],
        "quantization_config": None,
        "save_onnx_model": False,
    }
    write_text(target / OPTIMUM_CONFIG, json.dumps(described, indent=2) + "\n")


def about_optimum(auto: str, model: Any, folder: str, lengths: Lengths | None = None) -> str:
    """Return how optimum-intel loads a model with a head."""
    name = "OVModelForCustomTasks" if auto in _CUSTOM else f"OV{auto.removeprefix('Auto')}"
    if auto in _PROCESSORS:
        processor, given = _PROCESSORS[auto]
        return _README_FILES.format(
            name=name, processor=processor, given=given, folder=folder, shapes=_STATIC, asked=_STATIC_ASKED
        )
    if lengths is not None:
        return _OWN.format(
            name=name,
            folder=folder,
            remark=_NOT_BUCKETS if lengths.buckets else "",
            asked=_DYNAMIC_ASKED if auto == _CAUSAL else "",
            padding=_PADDING if auto == _CAUSAL else "",
            texts=_TEXTS.get(auto, _TEXT),
            most="" if lengths.most is None else f", max_length={lengths.most}",
        )
    return _README.format(
        name=name,
        length=model.inputs[0].shape[-1],
        texts=_TEXTS.get(auto, _TEXT),
        folder=folder,
        shapes=_DYNAMIC if auto == _CAUSAL else _STATIC,
        asked=_DYNAMIC_ASKED if auto == _CAUSAL else _STATIC_ASKED,
        padding=_PADDING if auto == _CAUSAL else "",
    )


def _is_quantized(node: Any) -> bool:
    kind = node.get_type_name()
    return kind == "FakeQuantize" or (kind == "Constant" and node.get_element_type().get_type_name() in ("i8", "u8"))


def _input(port: Any) -> dict[str, Any]:
    kind = "long" if port.get_element_type().get_type_name() == "i64" else "float"
    return {"keyword": port.get_any_name(), "sample_size": _sizes(port), "type": kind}


def _sizes(port: Any) -> list[int]:
    """An axis without a fixed extent is -1."""
    return [-1 if extent.is_dynamic else extent.get_length() for extent in port.get_partial_shape()]
