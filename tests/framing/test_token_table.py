import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framing.letters import fold
from framing.token_table import LONGEST, Tokeniser, Tokens

SPACES = [chr(code) for code in range(0x110000) if chr(code).isspace()]
TEXTS = st.text(st.characters() | st.sampled_from(SPACES))
SHARED, SMALL = Tokeniser(), Tokeniser(most=64)


def raw(tokens: Tokens) -> list[str]:
    return [token.raw for token in tokens.between(0, len(tokens.flags))]


def expected(source: str) -> list[list[str]]:
    lines = [[token for token in line.split() if fold(token)] for line in source.splitlines()]
    return [line for line in lines if line]


@given(TEXTS)
def test_tokens_and_lines_are_those_of_split_and_splitlines(source: str) -> None:
    for tokeniser in (SHARED, SMALL):
        tokens = tokeniser.split(source)
        lines = expected(source)
        assert raw(tokens) == [token for line in lines for token in line]
        assert np.diff([*tokens.line_begins, len(tokens.flags)]).tolist() == list(map(len, lines))
        for token, begin in zip(raw(tokens), tokens.begins, strict=True):
            assert source.startswith(token, begin)


def test_every_white_space_parts_tokens_and_every_break_parts_lines() -> None:
    source = "".join(f"a{space}" for space in SPACES)
    tokens = Tokeniser().split(source)
    assert raw(tokens) == source.split()
    assert len(tokens.line_begins) == len(source.splitlines())


@given(st.lists(TEXTS, max_size=5))
def test_words_are_counted_and_found_by_token(sources: list[str]) -> None:
    for source in sources:
        tokens = SHARED.split(source)
        words = [word for token in tokens.between(0, len(tokens.flags)) for word in token.words]
        assert [tokens.table.words[word] for word in tokens.table.words_of(tokens.numbers)] == words
        assert tokens.words_before[-1] == len(words)


def test_a_full_table_is_renewed_and_what_was_read_from_the_old_one_stays() -> None:
    tokeniser = Tokeniser(most=50)
    read = [
        tokeniser.split(" ".join(f"w{number}" for number in range(begin, begin + 30))) for begin in range(0, 300, 30)
    ]
    assert len({id(tokens.table) for tokens in read}) > 1
    for begin, tokens in enumerate(read):
        assert raw(tokens) == [f"w{number}" for number in range(begin * 30, begin * 30 + 30)]
        assert len(tokens.table.tokens) <= 50


@pytest.mark.parametrize("source", ["x" * (LONGEST + 1), " ".join(map(str, range(100))), "-a" * 120])
def test_what_is_too_long_or_too_much_is_not_remembered(source: str) -> None:
    tokeniser = Tokeniser(most=50)
    assert raw(tokeniser.split(source)) == source.split()
    assert not tokeniser.table.tokens


def test_a_long_text_and_letters_beyond_the_first_plane() -> None:
    source = " ".join(["𐎧𐏁𐎠", "😀", "a" * 5000, *map(str, range(3000))] * 2)
    assert raw(Tokeniser().split(source)) == source.split()


def test_threads_that_fill_the_table_disturb_no_text() -> None:
    tokeniser, wrong = Tokeniser(most=300), []

    def work(offset: int) -> None:
        for number in range(200):
            source = " ".join(f"w{(number * 13 + offset * 7 + word * word) % 900}" for word in range(100))
            if raw(tokeniser.split(source)) != source.split():
                wrong.append(source)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
