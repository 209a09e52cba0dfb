# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled twin of what every article costs to be read: tokens.py's lines, text.py's sentences, fields.py's counts.

Each does what the function in Python of the same name does, over letters instead of objects; tests hold both to the same
answers. A token already met is found by its letters in a table of fixed size.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.unicode cimport (
    Py_UNICODE_ISSPACE, PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ, PyUnicode_Substring
)
from libc.math cimport fmin, log1p
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

import secrets

from framing import countries as _countries, marks as _marks

cdef int IRAN = _countries.IRAN, RUSSIA = _countries.RUSSIA, BOTH = _countries.BOTH
cdef Py_ssize_t NEAR_WORDS = _countries.NEAR_WORDS
cdef int ENDS = _marks.ENDS, ABBREVIATED = _marks.ABBREVIATED, COMPOUND = _marks.COMPOUND, VOID = _marks.VOID

cdef enum:
    WAYS = 8  # places of a set: a token is held in one of its set, and which of them has to go is taken in turns
    LAST_NARROW_SPACE = 0xA0
    FIRST_WIDE_SPACE = 0x1680


cdef class LineFields:
    """As `tokens.LineFields`."""

    def __dealloc__(self):
        PyMem_Free(self.starts)

    cdef LineFields part(self, make, Py_ssize_t begin, Py_ssize_t end):
        """Return the line from token `begin` to before `end`."""
        cdef LineFields line = make()
        cdef Py_ssize_t place
        cdef int flags
        line.tokens, line.marks, line.number, line.skipped = self.tokens[begin:end], [], self.number, self.skipped + begin
        for place, flags in self.marks:
            if begin <= place < end:
                line.marks.append((place - begin, flags))
                line.flags |= flags
        line.starts = copied(self.starts + begin, len(line.tokens))
        return line

    def cut(self, Py_ssize_t begin, Py_ssize_t end):
        """As `tokens.LineFields.cut`."""
        if not 0 <= begin <= end <= len(self.tokens):
            raise IndexError(f"expected a part of {len(self.tokens)} tokens, got {begin} to {end}")
        return self.part(type(self), begin, end)


cdef Py_ssize_t* copied(Py_ssize_t* places, Py_ssize_t count) except NULL:
    cdef Py_ssize_t* copy = <Py_ssize_t*> PyMem_Malloc((count + 1) * sizeof(Py_ssize_t))
    if not copy:
        raise MemoryError
    memcpy(copy, places, count * sizeof(Py_ssize_t))
    return copy


cdef inline bint is_space(Py_UCS4 letter) noexcept:
    if letter > LAST_NARROW_SPACE:
        return letter >= FIRST_WIDE_SPACE and Py_UNICODE_ISSPACE(letter)
    return letter == 32 or 9 <= letter <= 13 or 28 <= letter <= 31 or letter == 0x85 or letter == 0xA0


cdef inline bint breaks_line(Py_UCS4 letter) noexcept:
    return 10 <= letter <= 13 or 28 <= letter <= 30 or letter == 0x85 or letter == 0x2028 or letter == 0x2029


cdef class TokenTable:
    """Remembers at least half of `most` tokens, of at most `longest` letters, with their flags, which `read` tells of others."""

    cdef PyObject** _tokens
    cdef uint32_t* _hashes
    cdef int* _flags
    cdef uint64_t _seed, _sets
    cdef unsigned int _turn
    cdef Py_ssize_t _longest
    cdef object _read

    def __cinit__(self, read, Py_ssize_t most, Py_ssize_t longest):
        self._sets = 1
        while self._sets * 2 * WAYS <= <uint64_t> most:
            self._sets *= 2
        self._tokens = <PyObject**> PyMem_Calloc(self._sets * WAYS, sizeof(PyObject*))
        self._hashes = <uint32_t*> PyMem_Calloc(self._sets * WAYS, sizeof(uint32_t))
        self._flags = <int*> PyMem_Calloc(self._sets * WAYS, sizeof(int))
        if not (self._tokens and self._hashes and self._flags):
            raise MemoryError
        self._seed = secrets.randbits(64)  # who sends texts cannot know which tokens share a set
        self._longest = longest
        self._read = read

    def __dealloc__(self):
        cdef uint64_t place
        if self._tokens:
            for place in range(self._sets * WAYS):
                Py_XDECREF(self._tokens[place])
        PyMem_Free(self._tokens)
        PyMem_Free(self._hashes)
        PyMem_Free(self._flags)

    def split_lines(self, str source not None, make):
        """Return what `tokens.split_lines` returns of `source`; `make` is the class of lines."""
        cdef list lines = []
        cdef LineFields line
        cdef int kind = PyUnicode_KIND(source)
        cdef void* data = PyUnicode_DATA(source)
        cdef Py_ssize_t at = 0, number = 0, length = PyUnicode_GET_LENGTH(source)
        cdef Py_ssize_t* starts = <Py_ssize_t*> PyMem_Malloc((length // 2 + 2) * sizeof(Py_ssize_t))
        if not starts:
            raise MemoryError
        try:
            while at < length:
                line = make()
                line.tokens, line.marks, line.number = [], [], number
                at = self._read_line(line, source, kind, data, at, length, starts)
                if line.tokens:
                    line.starts = copied(starts, len(line.tokens))
                    lines.append(line)
                number += 1
        finally:
            PyMem_Free(starts)
        return lines

    cdef Py_ssize_t _read_line(
        self, LineFields line, str source, int kind, void* data, Py_ssize_t at, Py_ssize_t length, Py_ssize_t* starts
    ) except -1:
        """Fill `line` with what stands in `source` from `at`; write where each token begins; return where the next line does."""
        cdef Py_ssize_t begin, count = 0
        cdef uint64_t mixed
        cdef int flags
        cdef Py_UCS4 letter
        cdef str token
        while at < length:
            letter = PyUnicode_READ(kind, data, at)
            if is_space(letter):
                at += 1
                if breaks_line(letter):
                    is_pair = letter == 13 and at < length and PyUnicode_READ(kind, data, at) == 10
                    return at + is_pair
                continue
            begin, mixed = at, self._seed
            while not is_space(letter):
                mixed = (mixed ^ <uint64_t> <uint32_t> letter) * <uint64_t> 0x9E3779B97F4A7C15
                at += 1
                if at == length:
                    break
                letter = PyUnicode_READ(kind, data, at)
            token = self._find(source, kind, data, begin, at, mixed, &flags)
            if flags & VOID:
                continue
            if flags:
                line.marks.append((count, flags))
                line.flags |= flags
            line.tokens.append(token)
            starts[count] = begin
            count += 1
        return at

    cdef str _find(
        self, str source, int kind, void* data, Py_ssize_t begin, Py_ssize_t end, uint64_t mixed, int* flags
    ):
        """Return the token of `source` from `begin` to `end`, and what it is marked with in `flags`."""
        cdef uint32_t rest = <uint32_t> (mixed >> 32)
        cdef uint64_t first = ((rest ^ rest >> 15) & (self._sets - 1)) * WAYS, place
        for place in range(first, first + WAYS):
            if self._hashes[place] == rest and self._tokens[place] and is_same(
                <str> self._tokens[place], kind, data, begin, end
            ):
                flags[0] = self._flags[place]
                return <str> self._tokens[place]
        cdef str token = PyUnicode_Substring(source, begin, end)
        flags[0] = self._read(token)
        if end - begin <= self._longest:
            self._turn += 1
            place = first + self._turn % WAYS
            Py_INCREF(token)
            Py_XDECREF(self._tokens[place])
            self._tokens[place], self._hashes[place], self._flags[place] = <PyObject*> token, rest, flags[0]
        return token


cdef inline bint is_same(str token, int kind, void* data, Py_ssize_t begin, Py_ssize_t end) noexcept:
    """Return whether `token` has the letters from `begin` to `end`."""
    cdef int token_kind = PyUnicode_KIND(token)
    cdef void* letters = PyUnicode_DATA(token)
    cdef Py_ssize_t at
    if PyUnicode_GET_LENGTH(token) != end - begin:
        return False
    if token_kind == kind:
        return memcmp(letters, <char*> data + begin * kind, (end - begin) * kind) == 0
    for at in range(end - begin):
        if PyUnicode_READ(token_kind, letters, at) != PyUnicode_READ(kind, data, begin + at):
            return False
    return True


cdef class SentenceFields:
    """As `text.SentenceFields`."""


cdef SentenceFields sentence_of(
    make, LineFields line, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t extra, int countries, bint near
):
    cdef SentenceFields sentence = make()
    sentence.line, sentence.begin, sentence.end = line, begin, end
    sentence.size, sentence.countries, sentence.near = end - begin + extra, countries, near
    return sentence


cdef bint is_near(list named) except -1:
    """As `text._near`."""
    cdef Py_ssize_t place, before = 0
    cdef int country, other = 0
    for place, country in named:
        if country == BOTH or (country | other == BOTH and place - before <= NEAR_WORDS):
            return True
        before, other = place, country
    return False


def sentences(lines, make, read, words_named):
    """Return what `text.sentences` returns of `lines`: `make` is the class, `read` tells of tokens, the rest is text.py's."""
    cdef list found = [], named
    cdef LineFields line
    cdef int flags, countries
    cdef Py_ssize_t begin, extra, place
    cdef bint is_first = True, near
    for line in lines:
        begin = extra = countries = 0
        named = []
        for place, flags in line.marks:
            if flags & COMPOUND:
                words = read[line.tokens[place]].words
                if flags & BOTH:
                    countries |= flags & BOTH
                    named += words_named(words, place + extra)
                extra += len(words) - 1
            elif flags & BOTH:
                countries |= flags & BOTH
                named.append((place + extra, flags & BOTH))
            if flags & ENDS or (flags & ABBREVIATED and place == begin and (place or not is_first)):
                near = countries == BOTH and is_near(named)
                found.append(sentence_of(make, line, begin, place + 1, extra, countries, near))
                begin, extra, countries, named = place + 1, 0, 0, []
        if begin < len(line.tokens):
            near = countries == BOTH and is_near(named)
            found.append(sentence_of(make, line, begin, len(line.tokens), extra, countries, near))
        is_first = False
    return found


def shape_of(sentences, Py_ssize_t head, double long_item):
    """Return what `fields.shape_of` returns; `long_item` is how many words fill the last count."""
    cdef SentenceFields sentence
    cdef Py_ssize_t place = 0, words = 0, both = 0, iran = 0, russia = 0, near = 0
    cdef bint in_headline = False, in_head = False, near_in_head = False
    for sentence in sentences:
        both += sentence.countries == BOTH
        iran += sentence.countries == IRAN
        russia += sentence.countries == RUSSIA
        near += sentence.near
        words += sentence.size
        if place < head:
            in_headline |= place == 0 and sentence.countries == BOTH
            in_head |= sentence.countries == BOTH
            near_in_head |= sentence.near
        place += 1
    cdef double count = place if place else 1
    return (
        <double> in_headline,
        <double> in_head,
        <double> (both > 0 or (iran > 0 and russia > 0)),
        both / count,
        iran / count,
        russia / count,
        <double> (both > 0 or iran > 0),
        <double> (both > 0 or russia > 0),
        near / count,
        <double> near_in_head,
        fmin(1.0, log1p(words) / log1p(long_item)),
    )


cdef bint find_word(SentenceFields sentence, Py_ssize_t number, read, Py_ssize_t* place, Py_ssize_t* word) except -1:
    """As `text._find_word`: write in which token of its line the word of that `number` is, and which of its spans."""
    cdef Py_ssize_t at, words
    cdef int flags
    place[0], word[0] = sentence.begin + number, 1
    if not sentence.line.flags & COMPOUND:
        return True
    for at, flags in sentence.line.marks:
        if at > place[0]:
            break
        if at >= sentence.begin and flags & COMPOUND:
            words = len(read[sentence.line.tokens[at]].words)
            if place[0] - at < words:
                place[0], word[0] = at, place[0] - at + 1
                return True
            place[0] -= words - 1
    return True


cdef object span_of(
    SentenceFields sentence, Py_ssize_t first, Py_ssize_t begin, Py_ssize_t last, Py_ssize_t end, places, make
):
    """Return from where span `begin` of token `first` begins to where span `end` of token `last` ends."""
    cdef LineFields line = sentence.line
    if not sentence.begin <= first <= last < sentence.end:
        raise IndexError(f"expected tokens from {sentence.begin} to before {sentence.end}, got {first} to {last}")
    opens, closes = places[line.tokens[first]][begin], places[line.tokens[last]][end]
    return new_tuple(make, (line.starts[first] + <Py_ssize_t> opens[0], line.starts[last] + <Py_ssize_t> closes[1]))


new_tuple = tuple.__new__


def spans(SentenceFields sentence not None, phrases, places, read, make):
    """Return what `PreparedText.spans` returns.

    `places` tells of a token where its words are in it, `read` what it is; `make` is the class of spans.
    """
    cdef Py_ssize_t first, last, place, word, end_place, end_word
    cdef list found = [span_of(sentence, sentence.begin, 0, sentence.end - 1, 0, places, make)]
    for first, last, _ in phrases:
        find_word(sentence, first, read, &place, &word)
        end_place, end_word = place, word
        if last != first:
            find_word(sentence, last, read, &end_place, &end_word)
        found.append(span_of(sentence, place, word, end_place, end_word, places, make))
    return found
