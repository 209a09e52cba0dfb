from pathlib import Path

import pytest

from framing.errors import ConfigError
from training.config import load_config
from training.config_files import flatten


def test_the_shipped_configuration_is_read() -> None:
    config = load_config()
    assert set(config.framing.prior) == {"cooperation", "threat", "convenience", "neutral", "absent"}
    assert sum(config.framing.prior.values()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("framing.c=3", "framing.c", 3.0),
        ("framing.class_weight=balanced", "framing.class_weight", "balanced"),
        ("features.bigrams=false", "features.bigrams", False),
        ('data.paths=["a.jsonl"]', "data.paths", ["a.jsonl"]),
        ("framing.prior.absent=0.5", "framing.prior.absent", 0.5),
    ],
)
def test_overrides_are_toml_values_or_words(override: str, path: str, value: object) -> None:
    assert flatten(load_config("default", [override]).model_dump(mode="json"))[path] == value


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("framing.x=1", r"framing\.x: unknown setting"),
        ("nothing=1", "nothing: unknown setting"),
        ("framing.vectors.share=0.1", r"framing\.vectors: unknown setting"),
        ("framing.c=-1", r"framing\.c: .*greater than 0.*-1"),
        ("framing.c=much", r"framing\.c"),
        ("seed", "expected key=value"),
        ("=1", "expected key=value"),
        ("seed.deep=1", "seed is a value, not a table"),
        ("framing.class_weight=heavy", r"framing\.class_weight"),
    ],
)
def test_bad_overrides_name_their_path(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config("default", [override])


def test_a_file_is_read_and_a_bad_one_is_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("seed = 3\n")
    bad.write_text("seed = \n")
    assert load_config(str(good)).seed == 3
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        load_config(str(bad))
    with pytest.raises(ConfigError, match="missing"):
        load_config(str(tmp_path / "missing.toml"))
