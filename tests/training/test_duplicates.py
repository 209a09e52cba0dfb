"""Near-duplicates: the threshold on written examples. Nothing in them happened."""

import pytest

from framing.article import Article
from training.duplicates import THRESHOLD, article_words, duplicate_clusters, shingles

AGENCY = """Tehran and Moscow signed an agreement on Tuesday to double the number of freight trains on the western
branch of the corridor. The ministers of transport of both countries put their names to the paper in Astara after
two days of talks. Under the agreement forty trains a month will run from the first of October. The Iranian side
will build two loading yards near the border, and the Russian side will lend the money for the rails. Traders in
Rasht said that the wait at the customs post had been eleven days this summer. The deputy head of the railways said
that the first trains would carry grain and paper. A second meeting is planned for December in Baku. Neither side
gave the price of the works."""
FIRST_HALF = """Minister hails new era on the rails

Tehran and Moscow signed an agreement on Tuesday to double the number of freight trains on the western branch of the
corridor. The ministers of transport of both countries put their names to the paper in Astara after two days of
talks. Under the agreement forty trains a month will run from the first of October."""
EVERY_OTHER_REWRITTEN = """Iran and Russia agreed this week that twice as many goods trains should use the corridor's
western line. The ministers of transport of both countries put their names to the paper in Astara after two days of
talks. From October there are to be forty of them every month. The Iranian side will build two loading yards near the
border, and the Russian side will lend the money for the rails. Merchants complain of queues of more than a week and a
half. The deputy head of the railways said that the first trains would carry grain and paper. In December the two will
sit down again. Neither side gave the price of the works."""
WITH_FURNITURE = f"(Reuters) - {AGENCY}\n\nRead more:\n@channel\n2 hours ago"
OTHER_DIGITS = AGENCY.replace("forty", "40").replace("eleven", "11")
WRITTEN_APART = """Forty freight trains a month are to cross the border at Astara from October, twice as many as now,
under a paper that the transport ministers of Iran and Russia signed there on Tuesday. Iran undertakes to build
loading yards, Russia to lend money for rails. Businessmen of Rasht, who waited for eleven days at customs in the
summer, are not sure that it will help. What the works will cost was not said."""
SAME_PHRASES = """The ministers of transport of both countries met in Baku to open a ferry line. Under the agreement the
Russian side will provide two ships. The first sailing is planned for December, the port said, and a second meeting is
planned for the spring. Neither side gave the price of tickets."""

COPIES = [FIRST_HALF, EVERY_OTHER_REWRITTEN, WITH_FURNITURE, OTHER_DIGITS]
OTHERS = [WRITTEN_APART, SAME_PHRASES]


def jaccard(one: str, other: str) -> float:
    left, right = (shingles(article_words(Article(text=text))) for text in (one, other))
    return len(left & right) / len(left | right)


def clusters(*texts: str) -> list[int]:
    return duplicate_clusters(article_words(Article(text=text)) for text in texts)


@pytest.mark.parametrize("copy", COPIES)
def test_copies_lie_above_the_threshold(copy: str) -> None:
    assert jaccard(AGENCY, copy) > THRESHOLD + 0.04


@pytest.mark.parametrize("other", OTHERS)
def test_reports_written_apart_lie_far_below_it(other: str) -> None:
    assert jaccard(AGENCY, other) < THRESHOLD / 2


def test_copies_are_one_cluster_and_other_reports_are_not() -> None:
    assert clusters(AGENCY, *COPIES, *OTHERS) == [0, 0, 0, 0, 0, 1, 2]


def test_a_chain_of_copies_is_one_cluster() -> None:
    """The rewritten report and the first half have little in common but the agency's text."""
    assert jaccard(FIRST_HALF, EVERY_OTHER_REWRITTEN) < THRESHOLD
    assert clusters(FIRST_HALF, EVERY_OTHER_REWRITTEN, AGENCY) == [0, 0, 0]


def test_short_and_empty_texts() -> None:
    assert clusters("Ports open", "😅", "ports open!", "Ports shut", "🙂", "") == [0, 1, 0, 2, 3, 4]
    assert shingles([]) == set()


def test_nothing_gives_nothing() -> None:
    assert duplicate_clusters([]) == []


@pytest.mark.parametrize("part", [0.2, 0.4, 0.6])
def test_the_index_finds_what_shares_enough(part: float) -> None:
    """Of pairs that share more than half of one text nearly all are found, of those that share a fifth nearly none."""
    pairs = 60
    texts = []
    for pair in range(pairs):
        body = [f"w{pair}x{word}" for word in range(200)]
        kept = int(200 * part * 2 / (1 + part))
        texts += [body, [*body[:kept], *(f"v{pair}x{word}" for word in range(200 - kept))]]
    numbers = duplicate_clusters(texts)
    found = sum(numbers[2 * pair] == numbers[2 * pair + 1] for pair in range(pairs)) / pairs
    assert len(set(numbers)) >= pairs
    assert found == pytest.approx({0.2: 0.03, 0.4: 0.97, 0.6: 1.0}[part], abs=0.07)
