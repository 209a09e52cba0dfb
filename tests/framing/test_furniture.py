import tomllib
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framing.furniture import strip_furniture
from framing.tokens import split_lines


def body(text: str) -> list[str]:
    return [line.text for line in strip_furniture(split_lines(text)).lines]


def test_an_age_on_the_first_line_is_a_headline() -> None:
    assert body("Blast heard 2 hours ago\nText.") == ["blast heard 2 hours ago", "text."]


def test_short_lines_after_a_marker_go_only_if_all_of_them_are_short() -> None:
    assert body("Text.\nMost read\nRates rise\nRain tomorrow") == ["text."]
    assert body("Text.\nRead more: rates rise\nThe second half of the story follows here.") == [
        "text.",
        "the second half of the story follows here.",
    ]


def test_addresses_alone_on_a_line_go_and_within_a_sentence_stay() -> None:
    assert body("Text @desk here.\n🔹 @channel\nhttps://example.org") == ["text @desk here."]


def test_all_furniture_leaves_nothing() -> None:
    assert body("Share this\n2 hours ago\n@channel") == []


def test_several_credits_are_all_found() -> None:
    stripped = strip_furniture(split_lines("MOSCOW (Reuters) - Text here. (AFP)\n(Agencies)"))
    assert [line.text for line in stripped.lines] == ["text here."]
    assert stripped.credit == "reuters, afp, agencies"


MARKERS = tomllib.loads(resources.files("framing").joinpath("furniture.toml").read_text("utf-8"))["markers"]


@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize("marker", MARKERS)
@given(data=st.data())
def test_no_marker_is_ruled_out_by_how_its_line_begins(marker: str, data: st.DataObject) -> None:
    line = data.draw(st.from_regex(rf"\A(?:{marker})", fullmatch=True))
    bullet = data.draw(st.sampled_from(["", "- ", "•", "🔹 "]))
    assert body(f"Text.\n{bullet}{line}{'us' * line.endswith(' ')}") == ["text."]
