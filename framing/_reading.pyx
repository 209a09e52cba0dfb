# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The compiled twin of what every article costs to be read: tokens.py's lines, text.py's sentences, fields.py's counts.

Each does what the function in Python of the same name does, over letters instead of objects; tests hold both to the same
answers. A token already met is found by its letters in a table of fixed size.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_GET_SIZE, PyTuple_SET_ITEM
from cpython.unicode cimport (
    Py_UNICODE_ISSPACE, PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ, PyUnicode_Substring
)
from libc.math cimport fmin, log1p
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

cdef extern from "Python.h":
    object PyType_GenericAlloc(PyTypeObject* kind, Py_ssize_t size)

import secrets

from framing import countries as _countries, marks as _marks

cdef int IRAN = _countries.IRAN, RUSSIA = _countries.RUSSIA, BOTH = _countries.BOTH
cdef Py_ssize_t NEAR_WORDS = _countries.NEAR_WORDS
cdef int ENDS = _marks.ENDS, ABBREVIATED = _marks.ABBREVIATED, COMPOUND = _marks.COMPOUND, VOID = _marks.VOID
cdef int STOPS = _marks.STOPS, WHOLE = _marks.WHOLE
cdef Py_ssize_t MAX_FURNITURE_WORDS = _marks.MAX_FURNITURE_WORDS, MAX_AGE_WORDS = _marks.MAX_AGE_WORDS

cdef enum:
    WAYS = 4  # places of a set: a token is held in one of its set, and which of them has to go is taken in turns
    LAST_NARROW_SPACE = 0xA0
    FIRST_WIDE_SPACE = 0x1680


cdef class LineFields:
    """As `tokens.LineFields`."""

    def __dealloc__(self):
        PyMem_Free(self.starts)

    def cut(self, Py_ssize_t begin, Py_ssize_t end):
        """As `tokens.LineFields.cut`."""
        if not 0 <= begin <= end <= len(self.tokens):
            raise IndexError(f"expected a part of {len(self.tokens)} tokens, got {begin} to {end}")
        cdef LineFields line = type(self)()
        cdef Py_ssize_t place
        cdef int flags
        line.tokens, line.marks, line.number, line.skipped = self.tokens[begin:end], [], self.number, self.skipped + begin
        for place, flags in self.marks:
            if begin <= place < end:
                line.marks.append((place - begin, flags))
                line.flags |= flags
        line.starts = copied(self.starts + begin, len(line.tokens))
        return line


cdef Py_ssize_t* copied(Py_ssize_t* places, Py_ssize_t count) except NULL:
    cdef Py_ssize_t* copy = <Py_ssize_t*> PyMem_Malloc((count + 1) * sizeof(Py_ssize_t))
    if not copy:
        raise MemoryError
    memcpy(copy, places, count * sizeof(Py_ssize_t))
    return copy


ctypedef fused Letter:
    uint8_t
    uint16_t
    uint32_t


cdef inline bint is_space(uint32_t letter) noexcept:
    if letter > LAST_NARROW_SPACE:
        return letter >= FIRST_WIDE_SPACE and Py_UNICODE_ISSPACE(letter)
    if letter > 32:
        return letter == 0x85 or letter == LAST_NARROW_SPACE
    return letter == 32 or 9 <= letter <= 13 or letter >= 28


cdef inline bint breaks_line(uint32_t letter) noexcept:
    return 10 <= letter <= 13 or 28 <= letter <= 30 or letter == 0x85 or letter == 0x2028 or letter == 0x2029


cdef struct Slot:
    PyObject* token
    uint32_t mixed
    int flags


cdef class TokenTable:
    """Remembers at least half of `most` tokens, of at most `longest` letters, with their flags, which `read` tells of others."""

    cdef Slot* _slots
    cdef uint64_t _seed, _sets
    cdef unsigned int _turn
    cdef Py_ssize_t _longest
    cdef object _read

    def __cinit__(self, read, Py_ssize_t most, Py_ssize_t longest):
        self._sets = 1
        while self._sets * 2 * WAYS <= <uint64_t> most:
            self._sets *= 2
        self._slots = <Slot*> PyMem_Calloc(self._sets * WAYS, sizeof(Slot))
        if not self._slots:
            raise MemoryError
        self._seed = secrets.randbits(64)  # who sends texts cannot know which tokens share a set
        self._longest = longest
        self._read = read

    def __dealloc__(self):
        cdef uint64_t place
        if self._slots:
            for place in range(self._sets * WAYS):
                Py_XDECREF(self._slots[place].token)
        PyMem_Free(self._slots)

    def split_lines(self, str source not None, make):
        """Return what `tokens.split_lines` returns of `source`; `make` is the class of lines."""
        cdef list lines = []
        cdef LineFields line = None
        cdef int kind = PyUnicode_KIND(source)
        cdef void* data = PyUnicode_DATA(source)
        cdef Py_ssize_t at = 0, number = 0, length = PyUnicode_GET_LENGTH(source)
        cdef Py_ssize_t* starts = <Py_ssize_t*> PyMem_Malloc((length // 2 + 2) * sizeof(Py_ssize_t))
        if not starts:
            raise MemoryError
        try:
            while at < length:
                if line is None:  # a line without tokens is used for the next one
                    line = make()
                    line.tokens, line.marks = [], []
                line.number = number
                if kind == 1:
                    at = self._read_line(line, source, <uint8_t*> data, at, length, starts)
                elif kind == 2:
                    at = self._read_line(line, source, <uint16_t*> data, at, length, starts)
                else:
                    at = self._read_line(line, source, <uint32_t*> data, at, length, starts)
                if line.tokens:
                    line.starts = copied(starts, len(line.tokens))
                    lines.append(line)
                    line = None
                number += 1
        finally:
            PyMem_Free(starts)
        return lines

    cdef Py_ssize_t _read_line(
        self, LineFields line, str source, Letter* letters, Py_ssize_t at, Py_ssize_t length, Py_ssize_t* starts
    ) except -1:
        """Fill `line` with what stands in `source` from `at`; write where each token begins; return where the next line does."""
        cdef Py_ssize_t begin, count = 0
        cdef uint64_t mixed
        cdef uint32_t letter
        cdef int flags = 0
        cdef str token
        while at < length:
            if is_space(letters[at]):
                at += 1
                if breaks_line(letters[at - 1]):
                    return at + (letters[at - 1] == 13 and at < length and letters[at] == 10)
                continue
            begin, mixed = at, self._seed
            while at < length:
                letter = letters[at]
                if (letter <= LAST_NARROW_SPACE or letter >= FIRST_WIDE_SPACE) and is_space(letter):
                    break
                mixed = (mixed ^ letter) * <uint64_t> 0x9E3779B97F4A7C15
                at += 1
            token = self._find(source, <char*> (letters + begin), sizeof(Letter), begin, at, mixed >> 32, &flags)
            if flags & VOID:
                continue
            starts[count] = begin << 1 | (flags & WHOLE != 0)
            flags &= ~WHOLE
            if flags:
                line.marks.append((count, flags))
                line.flags |= flags
            line.tokens.append(token)
            count += 1
        return at

    cdef str _find(
        self, str source, char* letters, int kind, Py_ssize_t begin, Py_ssize_t end, uint32_t mixed, int* flags
    ):
        """Return the token of `source` from `begin` to `end`, and what it is marked with in `flags`."""
        cdef Slot* slots = self._slots + ((mixed ^ mixed >> 15) & (self._sets - 1)) * WAYS
        cdef int way
        for way in range(WAYS):
            if slots[way].mixed == mixed and slots[way].token and is_same(
                <str> slots[way].token, letters, kind, end - begin
            ):
                flags[0] = slots[way].flags
                return <str> slots[way].token
        cdef str token = PyUnicode_Substring(source, begin, end)
        flags[0] = self._read(token)
        if end - begin <= self._longest:
            self._turn += 1
            slots += self._turn % WAYS
            Py_INCREF(token)
            Py_XDECREF(slots.token)
            slots.token, slots.mixed, slots.flags = <PyObject*> token, mixed, flags[0]
        return token


cdef inline bint is_same(str token, char* letters, int kind, Py_ssize_t length) noexcept:
    """Return whether `token` has the `letters`, of `kind` bytes each."""
    cdef int token_kind = PyUnicode_KIND(token)
    cdef void* others = PyUnicode_DATA(token)
    cdef Py_ssize_t at
    if PyUnicode_GET_LENGTH(token) != length:
        return False
    if token_kind == kind:
        return memcmp(others, letters, length * kind) == 0
    for at in range(length):
        if PyUnicode_READ(token_kind, others, at) != PyUnicode_READ(kind, letters, at):
            return False
    return True


def without_furniture(list lines not None, begins, is_marker, is_address, is_age):
    """Return what `furniture._without_furniture` returns of `lines`, by what else there tells of tokens and lines."""
    cdef list kept = []
    cdef LineFields line
    cdef Py_ssize_t place, size, end = len(lines)
    cdef char* heads = <char*> PyMem_Calloc(end + 1, 2)  # 1: a marker, an address or a bullet may begin so; 2: a marker does
    if not heads:
        raise MemoryError
    try:
        for place in range(end):
            line = lines[place]
            if len(line.tokens) <= MAX_FURNITURE_WORDS and begins[line.tokens[0]]:
                heads[place] = 2 if is_marker(line) else 1
        for place in range(tail_begin(lines, heads)):
            line = lines[place]
            size = len(line.tokens)
            if size > MAX_FURNITURE_WORDS or not (
                heads[place] == 2 or heads[place] and is_address(line) or kept and size <= MAX_AGE_WORDS and is_age(line)
            ):
                kept.append(line)
    finally:
        PyMem_Free(heads)
    return kept


cdef Py_ssize_t tail_begin(list lines, char* heads) except -1:
    """As `furniture._tail_begin`."""
    cdef LineFields line
    cdef Py_ssize_t place, begin = len(lines)
    for place in range(len(lines) - 1, -1, -1):
        line = lines[place]
        if heads[place] == 2:
            begin = place
        elif len(line.tokens) > MAX_FURNITURE_WORDS or last_flags(line) & STOPS:
            break
    return begin


cdef int last_flags(LineFields line) except -1:
    """Return what the last token of `line` is marked with."""
    cdef Py_ssize_t place
    cdef int flags
    if not line.flags & STOPS:
        return 0
    place, flags = line.marks[len(line.marks) - 1]
    return flags if place == len(line.tokens) - 1 else 0


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


cdef int span_of(
    SentenceFields sentence, Py_ssize_t first, Py_ssize_t begin, Py_ssize_t last, Py_ssize_t end, places,
    Py_ssize_t* opens_at, Py_ssize_t* closes_at,
) except -1:
    """Write where span `begin` of token `first` begins and where span `end` of token `last` ends."""
    cdef LineFields line = sentence.line
    if not sentence.begin <= first <= last < sentence.end:
        raise IndexError(f"expected tokens from {sentence.begin} to before {sentence.end}, got {first} to {last}")
    opens_at[0], closes_at[0] = line.starts[first] >> 1, line.starts[last] >> 1
    if not line.starts[first] & 1:
        opens_at[0] += <Py_ssize_t> places[line.tokens[first]][begin][0]
    if line.starts[last] & 1:
        closes_at[0] += len(<str> line.tokens[last])
    else:
        closes_at[0] += <Py_ssize_t> places[line.tokens[last]][end][1]
    return 0


cdef object new_tuple(type kind, tuple values):
    """Return a `kind` of tuple of `values`: a NamedTuple, which adds nothing to what a tuple is made of."""
    cdef Py_ssize_t place, size = PyTuple_GET_SIZE(values)
    cdef object made = PyType_GenericAlloc(<PyTypeObject*> kind, size)
    for place in range(size):
        value = values[place]
        Py_INCREF(value)
        PyTuple_SET_ITEM(made, place, value)
    return made


def spans(SentenceFields sentence not None, phrases, places, read, make):
    """Return what `PreparedText.spans` returns.

    `places` tells of a token where its words are in it, `read` what it is; `make` is the class of spans.
    """
    cdef Py_ssize_t first, last, place, word, end_place, end_word, opens, closes
    span_of(sentence, sentence.begin, 0, sentence.end - 1, 0, places, &opens, &closes)
    cdef list found = [make(opens, closes)]
    for first, last, _ in phrases:
        find_word(sentence, first, read, &place, &word)
        end_place, end_word = place, word
        if last != first:
            find_word(sentence, last, read, &end_place, &end_word)
        span_of(sentence, place, word, end_place, end_word, places, &opens, &closes)
        found.append(make(opens, closes))
    return found
