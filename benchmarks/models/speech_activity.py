"""silero-vad on speech in noise: a sample is 32 frames, its label whether the last one holds speech."""

from __future__ import annotations

import io
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autotune.sources.package import fetch
from benchmarks.models.common import unpack

PACKAGE = "silero-vad==6.2.3"
FILE = "silero_vad/data/silero_vad_16k_sequence.onnx"
SHA256 = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
PROMPTS = "asterisk-core-sounds-en-wav=1.6.1-1"
PROMPTS_SHA256 = "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d"
FRAMES, HOP, CONTEXT = 32, 512, 64
PER_PROMPT = 6
SAMPLES = 1200
# The level of clean speech, against its loudest, above which a frame is speech and below which it is not; what lies
# between is nobody's fault and left out.
SPEECH, SILENCE = 0.05, 0.002

Audio = NDArray[np.float32]


def make(folder: Path) -> None:
    """Write model.onnx and data.npz."""
    write_model(fetch(PACKAGE, FILE, SHA256), folder / "model.onnx")
    random = np.random.default_rng(0)
    rows, labels, groups = [], [], []
    for number, speech in enumerate(prompts()):
        noisy, clean = mix(speech, random)
        for frames, label in windows(noisy, clean, random):
            rows.append(frames)
            labels.append(label)
            groups.append(number)
    chosen = random.permutation(len(rows))[:SAMPLES]
    np.savez(
        folder / "data.npz",
        frames=np.stack([rows[i] for i in chosen]),
        labels=np.asarray(labels)[chosen],
        groups=np.asarray(groups)[chosen],
    )


def write_model(source: Path, target: Path) -> None:
    """Give the model one input, frames [1, 32, 576], and one output, the probability of the last; the state is zero."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(source)
    graph = model.graph
    del graph.input[:], graph.output[:]
    zero = np.zeros((1, 1, 128), dtype=np.float32)
    constants = {
        "h": zero,
        "c": zero,
        "frames_shape": np.array([FRAMES, HOP + CONTEXT], dtype=np.int64),
        "last": np.array([FRAMES - 1], dtype=np.int64),
        "speech_shape": np.array([1, 1], dtype=np.int64),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    graph.node.insert(0, helper.make_node("Reshape", ["frames", "frames_shape"], ["input"]))
    graph.node.append(helper.make_node("Gather", ["speech_probs", "last"], ["last_prob"]))
    graph.node.append(helper.make_node("Reshape", ["last_prob", "speech_shape"], ["speech"]))
    graph.input.append(helper.make_tensor_value_info("frames", TensorProto.FLOAT, [1, FRAMES, HOP + CONTEXT]))
    graph.output.append(helper.make_tensor_value_info("speech", TensorProto.FLOAT, [1, 1]))
    del graph.value_info[:]
    onnx.checker.check_model(model)
    onnx.save(model, target)


def prompts() -> list[Audio]:
    """Return the spoken prompts, 16 kHz, loudest value 1, in order of their names."""
    with tempfile.TemporaryDirectory() as scratch:
        unpack(PROMPTS, PROMPTS_SHA256, Path(scratch))
        # Not the digits, letters and beeps: too short to hold a window.
        files = sorted(p for p in Path(scratch).rglob("*.wav") if p.stat().st_size > 32000)
        return [read(path.read_bytes()) for path in files]


def read(content: bytes) -> Audio:
    """Return 16 kHz samples of an 8 kHz, 16-bit wav."""
    from scipy.signal import resample_poly

    with wave.open(io.BytesIO(content)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)
    doubled = resample_poly(raw, 16000, file.getframerate())
    return (doubled / np.abs(doubled).max()).astype(np.float32)


def mix(speech: Audio, random: np.random.Generator) -> tuple[Audio, Audio]:
    """Return the prompt after and before a pause, with noise of some colour and level, and without."""
    before, after = (np.zeros(int(random.integers(8000, 24000)), dtype=np.float32) for _ in range(2))
    clean = np.concatenate([before, speech, after]) * np.float32(random.uniform(0.1, 0.8))
    spectrum = np.fft.rfft(random.standard_normal(len(clean)))
    colour = np.arange(1, len(spectrum) + 1) ** -random.uniform(0, 1)
    noise = np.fft.irfft(spectrum * colour, len(clean))
    if random.random() < 0.5:  # something that hums, or is played
        pitch, time = random.uniform(50, 800), np.arange(len(clean)) / 16000
        hum = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 6))
        noise = noise / noise.std() + hum * random.uniform(0.2, 1)
    ratio = 10 ** (random.uniform(-5, 15) / 20)
    level = clean[np.abs(clean) > 0.05 * np.abs(clean).max()].std() / ratio
    return (clean + noise / noise.std() * level).clip(-1, 1).astype(np.float32), clean


def windows(noisy: Audio, clean: Audio, random: np.random.Generator) -> list[tuple[Audio, int]]:
    """Return some windows of 32 frames, each with its 64 samples of context, and whether the last frame is speech."""
    found = []
    loudest = np.abs(clean).max()
    starts = np.arange(CONTEXT, len(noisy) - FRAMES * HOP, HOP)
    for start in random.permutation(starts):
        end = start + FRAMES * HOP
        level = np.sqrt((clean[end - HOP : end] ** 2).mean()) / loudest
        if level > SPEECH or level < SILENCE:
            frames = [noisy[s - CONTEXT : s + HOP] for s in range(start, end, HOP)]
            found.append((np.stack(frames), int(level > SPEECH)))
        if len(found) == PER_PROMPT:
            break
    return found
