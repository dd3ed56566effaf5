"""Files that are no model, or not one that is read: what to do with each kind. Imports no framework."""

from __future__ import annotations

import difflib
from pathlib import Path

MODELS = (".xml", ".onnx", ".tflite")
_MODULE = "weights do not say what the network is: write a FILE.py with a function that returns the module, and name it"
_ADVICE = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".safetensors"), f"{_MODULE} as FILE.py:function"),
    **dict.fromkeys(
        (".keras", ".h5", ".hdf5"), "write it as TFLite, or export it as a SavedModel and convert that with 'ovc'"
    ),
    **dict.fromkeys((".pkl", ".joblib"), "write it as ONNX first (scikit-learn: skl2onnx)"),
}


def refusal(path: Path) -> str:
    """Return why a file cannot be read as a model, and what to do, as a sentence without its end."""
    if path.suffix == ".py":
        return f"{path} is code; name the function in it that returns the module, as {path}:function"
    if path.suffix == ".bin" and path.with_suffix(".xml").is_file():
        return f"{path} holds an IR's constants; name the .xml beside it"
    advice = _ADVICE.get(path.suffix, "convert it with 'ovc' first")
    return f"{path} is not one of {', '.join(MODELS)}; {advice}"


def similar(path: Path) -> str:
    """Return a question for the one of a similar name that is there, to end a sentence with; else ``""``."""
    names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.8)
    return f" Did you mean {path.parent / close[0]}?" if close else ""


def unreadable(path: Path, said: str) -> str:
    """Return why OpenVINO cannot read a model file, and what to do, as a sentence without its end.

    Args:
        said: the telling end of OpenVINO's message.
    """
    begun = f"OpenVINO cannot read {path}: {said.removeprefix('-- ')}"
    if "ai.onnx.ml" in said or "Unsupported value_info type" in said:
        return (
            f"{begun}. It looks like one of scikit-learn: trees and look-ups of labels are no networks; export the "
            "network alone, up to its scores, and give scaled samples (docs/how-to/models-that-are-not-read.md)"
        )
    if "No conversion rule" in said or "not supported" in said.lower():
        return f"{begun}. OpenVINO has no such operators; export the model without them"
    return f"{begun}; {'it or its .bin' if path.suffix == '.xml' else 'it'} may be cut or damaged"
