from pathlib import Path

from framing.article import Article
from framing.bundle import load_bundle
from serving.model_loader import open_model


def test_a_model_to_serve_answers_alike_without_its_vocabulary(bundle: Path, sample: str) -> None:
    loaded, served = load_bundle(bundle), open_model(bundle)
    assert loaded.weights.vocabulary
    assert not served.weights.vocabulary
    assert served.classify(Article(text=sample)) == loaded.classify(Article(text=sample))
