import pytest

from framing.errors import ConfigError
from serving.settings import load_settings


def test_flags_come_before_variables_and_variables_before_defaults() -> None:
    environment = {"FRAMING_ADDRESS": "127.0.0.1:1", "FRAMING_MAX_BATCH": "7", "HOME": "/"}
    settings = load_settings(["--address", "127.0.0.1:2"], environment)
    assert (settings.address, settings.max_batch, settings.max_text) == ("127.0.0.1:2", 7, 100_000)


def test_the_default_address_is_loopback() -> None:
    assert load_settings([], {}).address == "127.0.0.1:50051"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"FRAMING_MAX_BATCH": "0"}, "FRAMING_MAX_BATCH: expected a number of at least 1, got 0"),
        ({"FRAMING_MAX_TEXT": "many"}, "FRAMING_MAX_TEXT"),
        ({"FRAMING_REFLECTION": "perhaps"}, "FRAMING_REFLECTION: expected true or false, got 'perhaps'"),
        ({"FRAMING_ADRESS": "x"}, "FRAMING_ADRESS: unknown setting"),
    ],
)
def test_bad_settings_are_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings([], environment)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("no", False)])
def test_truth_is_read_in_many_words(text: str, value: bool) -> None:
    assert load_settings([], {"FRAMING_REFLECTION": text}).reflection is value
