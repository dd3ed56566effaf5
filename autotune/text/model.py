"""What a transformers folder says of itself, without loading it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotune import chatter
from autotune.errors import UserError

CONFIG = "config.json"
CAUSAL = "ForCausalLM"
WEIGHTS = (".safetensors", ".bin")
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
# A tokenizer without a limit of its own says 1e30.
_NO_LIMIT = 10**7
# These count positions from behind the padding token's, as fairseq did.
_OFFSET = ("roberta", "xlm-roberta", "camembert", "longformer", "mpnet", "xlm-roberta-xl", "data2vec-text")


@dataclass(frozen=True)
class TextModel:
    """A transformers folder.

    Attributes:
        name: what messages call it: its package, or the folder's name.
        config: its config.json.
    """

    path: Path
    name: str
    config: Mapping[str, Any]

    @classmethod
    def of(cls, path: Path, name: str = "") -> TextModel:
        """Read a folder's config.

        Raises:
            UserError: no such folder, or it holds no config or no weights.
        """
        if not path.is_dir():
            raise UserError(f"model: {path} is not a transformers folder, and a task needs one: config.json, weights.")
        try:
            config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"model: {path} has no {CONFIG}; it is not a transformers folder.") from None
        except ValueError as error:
            raise UserError(f"model: {path / CONFIG} is not JSON ({error}); it may be cut or damaged.") from None
        if not isinstance(config, dict):
            raise UserError(f"model: {path / CONFIG} is not a mapping; it is not a transformers config.")
        if not any(file.suffix in WEIGHTS for file in path.iterdir()):
            raise UserError(f"model: {path} has no weights (.safetensors or .bin); put them beside its {CONFIG}.")
        return cls(path, name or path.name, config)

    @property
    def architecture(self) -> str:
        """The class it was saved from, such as ``BertForSequenceClassification``; empty if it does not say.

        What GPT-2 and a few of its age call ``LMHeadModel`` is ``ForCausalLM`` here.
        """
        named = self.config.get("architectures") or [""]
        return str(named[0]).replace("LMHeadModel", CAUSAL)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its classes, in order; ``LABEL_0`` ... where nobody named them."""
        names = self.config.get("id2label")
        if isinstance(names, Mapping):
            return tuple(str(names[key]) for key in sorted(names, key=int))
        return tuple(f"LABEL_{i}" for i in range(int(self.config.get("num_labels", 2))))

    @property
    def takes_token_types(self) -> bool:
        """Whether ``token_type_ids`` mean anything to it."""
        return int(self.config.get("type_vocab_size") or 0) > 0 or "xlnet" in str(self.config.get("model_type"))

    @property
    def own_code(self) -> tuple[str, ...]:
        """The Python files of its own that it asks to run."""
        return tuple(sorted({str(v).split(".")[0] + ".py" for v in self.config.get("auto_map", {}).values() if v}))

    def limit(self, tokenizer: Any) -> int | None:
        """Return the most tokens that model and tokenizer take; None where there is no limit."""
        positions = int(self.config.get("max_position_embeddings") or self.config.get("n_positions") or _NO_LIMIT)
        if self.config.get("model_type") in _OFFSET:
            positions -= int(self.config.get("pad_token_id") or 1) + 1
        most = min(positions, int(min(tokenizer.model_max_length, _NO_LIMIT)))
        return most if most < _NO_LIMIT else None

    def tokenizer(self, trust_code: bool) -> Any:
        """Load the folder's tokenizer, offline.

        Args:
            trust_code: whether Python code in the folder may run.

        Raises:
            UserError: there is none, it cannot be loaded, or it has no padding token.
        """
        if not any(True for pattern in _VOCABULARIES for _ in self.path.glob(pattern)):
            raise UserError(
                f"model: {self.path} has no tokenizer (tokenizer.json, vocab.txt ...); save it beside the model with "
                "tokenizer.save_pretrained."
            )
        try:
            with chatter.caught():
                from transformers import AutoTokenizer

                tokenizer = AutoTokenizer.from_pretrained(
                    self.path, local_files_only=True, trust_remote_code=trust_code
                )
        except Exception as error:  # libraries behind it raise anything
            said = " ".join(str(error).split())[:200].rstrip(".")
            raise UserError(
                f"model: the tokenizer of {self.path} cannot be loaded: {said}; check its files."
            ) from error
        if tokenizer.pad_token is None and self.architecture.endswith(CAUSAL):
            tokenizer.pad_token = tokenizer.eos_token  # any will do: nothing looks at what stands behind it
        if tokenizer.pad_token is None:
            raise UserError(
                f"model: the tokenizer of {self.path} has no padding token, and all samples need one length; set "
                "pad_token and save it."
            )
        return tokenizer
