from framing.furniture import strip_furniture
from framing.letters import split_lines


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
