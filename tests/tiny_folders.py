"""Transformers folders small enough to be made in a test: real tokenizers, real models with random weights."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

WORDS = [f"w{i}" for i in range(60)]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LIMIT = 32

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed (autotune[torch])"
)


def save_tokenizer(folder: Path, limit: int = LIMIT) -> None:
    """One token per word, pairs as BERT has them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = dict(zip(("pad", "unk", "cls", "sep", "mask"), SPECIAL, strict=True))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=limit,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **{f"{key}_token": token for key, token in names.items()},
    ).save_pretrained(folder)


def config(**more: object):
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(SPECIAL) + len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=LIMIT,
        initializer_range=0.3,
        **more,
    )


def save_config(folder: Path, architecture: str = "BertForSequenceClassification", **more: object) -> Path:
    """A folder that can be read but not loaded: its weights are empty. Needs no PyTorch."""
    made = config(**more)
    made.architectures = [architecture]
    made.save_pretrained(folder)
    (folder / "model.safetensors").write_bytes(b"")
    save_tokenizer(folder)
    return folder


def save_model(folder: Path, head: str, **more: object) -> Path:
    """A whole folder of a model with a head, such as ``ForSequenceClassification``; needs PyTorch."""
    import torch
    import transformers

    torch.manual_seed(0)
    getattr(transformers, f"Bert{head}")(config(**more)).eval().save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def sentences(count: int, seed: int = 0, most: int = 20) -> list[str]:
    """Different texts of 3 to ``most`` words."""
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, int(random.integers(3, most)))) for _ in range(count)]


def save_causal(folder: Path, kind: str = "gpt2") -> Path:
    """A whole folder of a small causal model, and a tokenizer that has no padding token, as GPT-2's; needs PyTorch."""
    import torch
    import transformers

    torch.manual_seed(0)
    size = {"vocab_size": len(SPECIAL) + len(WORDS), "bos_token_id": 2, "eos_token_id": 3, "initializer_range": 0.3}
    if kind == "gpt2":
        made = transformers.GPT2Config(n_positions=LIMIT, n_embd=32, n_layer=2, n_head=2, **size)
    else:
        made = transformers.LlamaConfig(
            max_position_embeddings=LIMIT, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, **size,
        )  # fmt: skip
    transformers.AutoModelForCausalLM.from_config(made).eval().save_pretrained(folder)
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=LIMIT, unk_token="[UNK]", eos_token="[SEP]", padding_side="left",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)  # fmt: skip
    return folder
