"""Tokens found by their hashes, all those of a text at once.

A text becomes an array of numbers of tokens without a string for any of them. Each token's hash is the difference of
two sums over its letters, each letter a number drawn anew in every process. The hash leads to a place in a table and so
to the token's number there; only tokens never met before are cut out and read. A hash has 64 bits: that one token is
taken for another has a chance of one in 10**14.
"""

import random
import threading

import numpy as np
import numpy.typing as npt

from framing.tokens import VOID, Token

Integers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

MOST = 1 << 14  # tokens of a table
LONGEST = 256  # letters: a longer token, an address or a broken text, is read anew each time
_MOST_LETTERS = 1 << 20
_WORDS_BY_TOKENS = 4
_PROBES = 8  # places where a hash may be
_SLOT_BITS = 16
_PLANE = 1 << 16  # letters beyond it, which are rare, have no place in the tables of letters
_SPACE, _BREAK = 0, 1
_LAST_SPACE = 0x3000
_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


class TokenTable:
    """Tokens by number, and what they tell as arrays by that number: `flags`, `counts` of words, `lengths` folded.

    The words of token n are `words[firsts[n]]` and those that follow. Tokens are only ever added, under a lock; who
    holds a table may read it without one.
    """

    def __init__(self, capacity: int, most_words: int, older: "TokenTable | None" = None) -> None:
        self.most_words = most_words
        self.tokens: list[Token] = []
        self.words: list[str] = []
        self.flags, self.counts, self.lengths, self.firsts = np.zeros((4, capacity), np.int64)
        self._numbers: dict[str, int] = {}
        self._older = older
        self._letters = 0
        self._hashes = np.zeros((1 << _SLOT_BITS) + _PROBES, np.uint64)
        self._held = np.zeros(len(self._hashes), np.int64)

    def has_room(self, tokens: int, letters: int) -> bool:
        """Return whether so many more tokens, of so many letters together, surely fit in."""
        return (
            len(self.tokens) + tokens <= len(self.flags)
            and len(self.words) + (tokens + letters) // 2 <= self.most_words
            and self._letters + letters <= _MOST_LETTERS
        )

    def renewed(self) -> "TokenTable":
        """Return an empty table that reads no token that this one knows again."""
        self._older = None
        return TokenTable(len(self.flags), self.most_words, self)

    def find(self, hashes: Hashes) -> tuple[Integers, Integers]:
        """Return the numbers of the tokens with these hashes, and the places of those that are not found."""
        slots = (hashes >> np.uint64(64 - _SLOT_BITS)).view(np.int64)
        numbers = self._held.take(slots)
        wrong = (self._hashes.take(slots) != hashes).nonzero()[0]
        for step in range(1, _PROBES):
            if not len(wrong):
                break
            other = slots[wrong] + step
            right = self._hashes[other] == hashes[wrong]
            numbers[wrong[right]] = self._held[other[right]]
            wrong = wrong[~right]
        return numbers, wrong

    def words_of(self, numbers: Integers) -> Integers:
        """Return the numbers of the words of the tokens `numbers`, one after the other."""
        counts, firsts = self.counts.take(numbers), self.firsts.take(numbers)
        ends = counts.cumsum()
        total = int(ends[-1]) if len(ends) else 0
        if total == len(counts) and counts.all():
            return firsts  # one word each
        words: Integers = np.arange(total) + (firsts - ends + counts).repeat(counts)
        return words

    def add(self, raw: str, hashed: int) -> int:
        """Return the number of the token `raw`, which `find` did not find by its hash; under a lock."""
        number = self._numbers.get(raw)
        if number is None:
            number = self._append(self._known(raw) or Token(raw))
        slot = hashed >> (64 - _SLOT_BITS)
        for place in range(slot, slot + _PROBES):
            if not self._hashes[place]:
                self._held[place] = number
                self._hashes[place] = hashed  # last: who finds the hash finds the number
                break
        return number

    def _known(self, raw: str) -> Token | None:
        number = self._older._numbers.get(raw) if self._older else None
        return self._older.tokens[number] if self._older and number is not None else None

    def _append(self, token: Token) -> int:
        number = len(self.tokens)
        self.flags[number], self.counts[number] = token.flags, len(token.words)
        self.lengths[number], self.firsts[number] = len(token.folded), len(self.words)
        self.words.extend(token.words)
        self.tokens.append(token)
        self._letters += len(token.raw)
        self._numbers[token.raw] = number
        return number


class Tokens:
    """The tokens of a source that do not fold to nothing, in order: `numbers` in `table`, `flags`, where each `begins`.

    Lines begin at the tokens in `line_begins`; before token n there are `words_before[n]` words.
    """

    __slots__ = ("begins", "flags", "line_begins", "listed", "numbers", "table", "words_before")

    def __init__(self, table: TokenTable, numbers: Integers, begins: Integers, breaks: Integers) -> None:
        flags = table.flags.take(numbers)
        if len(flags) and int(flags.max()) >= VOID:
            kept = (flags & VOID == 0).nonzero()[0]
            numbers, begins, flags = numbers[kept], begins[kept], flags[kept]
        lines = breaks.searchsorted(begins)
        self.table = table
        self.numbers = numbers
        self.begins = begins
        self.flags = flags
        self.listed: list[int] = numbers.tolist()
        self.words_before: list[int] = [0, *table.counts.take(numbers).cumsum().tolist()]
        self.line_begins: list[int] = [0, *((lines[1:] != lines[:-1]).nonzero()[0] + 1).tolist()] if len(lines) else []

    def token(self, place: int) -> Token:
        """Return the token at that place."""
        return self.table.tokens[self.listed[place]]

    def between(self, begin: int, end: int) -> list[Token]:
        """Return the tokens from `begin` to before `end`."""
        return list(map(self.table.tokens.__getitem__, self.listed[begin:end]))

    def text_between(self, begin: int, end: int) -> str:
        """Return the folded tokens from `begin` to before `end` with one space between them."""
        return " ".join([token.folded for token in self.between(begin, end)])


class _Letters:
    """What the letters count, and the powers that tell their places apart: odd, so that each has an inverse.

    White space counts _SPACE, what also breaks a line _BREAK, and a letter more.
    """

    def __init__(self) -> None:
        draw = random.SystemRandom()
        self._key = np.uint64(draw.getrandbits(64) | 1)
        self._factor = draw.getrandbits(64) | 5
        self._values = self._mixed(np.arange(_PLANE, dtype=np.uint64))
        self._values[[code for code in range(_LAST_SPACE + 1) if chr(code).isspace()]] = _SPACE
        self._values[[ord(letter) for letter in _BREAKS]] = _BREAK
        self.powers = self.inverses = np.ones(1, np.uint64)
        self.grow(1 << 12)

    def values(self, source: str) -> Hashes:
        """Return what each of the letters counts."""
        codes = np.frombuffer(source.encode("utf-32-le", "surrogatepass"), np.uint32)
        values = self._values.take(codes, mode="clip")
        if len(codes) and int(codes.max()) >= _PLANE:
            rare = np.flatnonzero(codes >= _PLANE)
            values[rare] = self._mixed(codes[rare].astype(np.uint64))
        return values

    def grow(self, length: int) -> None:
        """Have powers for texts of `length` letters."""
        inverse = pow(self._factor, -1, 1 << 64)
        self.inverses = _powers(inverse, length)
        self.powers = _powers(self._factor, length)  # last: who finds them long enough finds both

    def _mixed(self, codes: Hashes) -> Hashes:
        """splitmix64 (Steele, Lea, Flood 2014) of the codes, keyed; more than _BREAK but for one chance in 10**19."""
        mixed = (codes + np.uint64(1)) * self._key
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        return mixed ^ (mixed >> np.uint64(31))


def _powers(factor: int, length: int) -> Hashes:
    factors = np.full(length, np.uint64(factor))
    factors[0] = 1
    return np.multiply.accumulate(factors)


class Tokeniser:
    """Splits texts into tokens that it remembers in `table`, a bounded number of them. Thread-safe."""

    def __init__(self, most: int = MOST) -> None:
        self._letters = _Letters()
        self._lock = threading.Lock()
        self.table = TokenTable(most, most * _WORDS_BY_TOKENS)

    def split(self, source: str) -> Tokens:
        """Return the tokens of `source`, as `str.split` has them, and the lines of `str.splitlines` they stand in."""
        values = self._letters.values(source)
        inside = np.zeros(len(values) + 2, np.bool_)
        np.greater(values, _BREAK, out=inside[1:-1])
        edges = (inside[1:] != inside[:-1]).nonzero()[0]
        begins, ends = edges[::2], edges[1::2]
        table, numbers = self._look_up(source, self._hashes(values, begins, ends), begins, ends)
        return Tokens(table, numbers, begins, (values == _BREAK).nonzero()[0])

    def _hashes(self, values: Hashes, begins: Integers, ends: Integers) -> Hashes:
        letters = self._letters
        if len(values) > len(letters.powers):
            letters.grow(2 * len(values))
        sums = np.zeros(len(values) + 1, np.uint64)
        (values * letters.powers[: len(values)]).cumsum(out=sums[1:])
        hashes = (sums.take(ends) - sums.take(begins)) * letters.inverses.take(begins)
        return hashes | np.uint64(1)  # 0 is no hash: a place is free

    def _look_up(self, source: str, hashes: Hashes, begins: Integers, ends: Integers) -> tuple[TokenTable, Integers]:
        table = self.table
        numbers, missing = table.find(hashes)
        if not len(missing):
            return table, numbers
        with self._lock:
            table = self._table_for(ends - begins, (ends - begins)[missing])
            numbers, missing = table.find(hashes)
            for place in missing.tolist():
                numbers[place] = table.add(source[begins[place] : ends[place]], int(hashes[place]))
        return table, numbers

    def _table_for(self, lengths: Integers, missing: Integers) -> TokenTable:
        """Return a table with room for the missing tokens of these `lengths`: that of all texts, renewed if it is full.

        A text that has a token too long, or more of them than a table, gets a table of its own.
        """
        letters, most = int(lengths.sum()), len(self.table.flags)
        if lengths.max() > LONGEST or max(len(lengths), letters // _WORDS_BY_TOKENS) > most:
            return TokenTable(len(lengths), (len(lengths) + letters) // 2, self.table)
        if not self.table.has_room(len(missing), int(missing.sum())):
            self.table = self.table.renewed()
        return self.table


TOKENISER = Tokeniser()
