import pytest

from framing.errors import ConfigError
from framing.taxonomy import Taxonomy, default_taxonomy


def test_the_labels_of_the_codebook() -> None:
    taxonomy = default_taxonomy()
    assert taxonomy.topic_ids == ("diplomacy", "defense", "conflict")
    assert taxonomy.framing_ids == ("cooperation", "threat", "convenience", "neutral", "absent")
    assert [taxonomy.stance(label) for label in taxonomy.framing_ids] == [
        "favourable", "critical", "critical", "neutral", "none",
    ]  # fmt: skip


def test_every_label_has_a_name_in_four_languages() -> None:
    taxonomy = default_taxonomy()
    for label in taxonomy.topics + taxonomy.framings:
        assert set(label.names) == {"ar", "en", "fa", "ru"}


def test_it_survives_as_plain_data() -> None:
    taxonomy = default_taxonomy()
    assert Taxonomy.from_dict(taxonomy.to_dict()) == taxonomy


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"absent": "nothing"}, "taxonomy.absent"),
        ({"topics": [{"id": "a", "names": {}, "definition": ""}] * 2}, "distinct ids"),
        ({"framings": [{"id": "absent", "names": {}, "definition": ""}]}, "no stance"),
        ({"framings": [{"id": "absent"}]}, "names"),
    ],
)
def test_a_broken_taxonomy_says_what_is_wrong(change: dict[str, object], message: str) -> None:
    data = default_taxonomy().to_dict() | change
    with pytest.raises(ConfigError, match=message):
        Taxonomy.from_dict(data)
