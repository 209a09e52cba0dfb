# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled twin of what every article costs to be scored: `scorer.MatrixScores` without matrices, the model's evidence.

Tests hold both to the same answers.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject
from libc.math cimport INFINITY

from framing._reading cimport LineFields, SentenceFields, find_word, span_of

cdef enum:
    MOST_SIGNS = 64

new_tuple = tuple.__new__


def find_rows(lines, remembered):
    """Return the row of each token in `lines`, or None if one of them is not remembered."""
    cdef list rows = []
    cdef LineFields line
    cdef PyObject* row
    for line in lines:
        for token in line.tokens:
            row = PyDict_GetItem(remembered, token)
            if not row:
                return None
            rows.append(<object> row)
    return rows


cdef class Scores:
    """As `scorer.Scores`. `rows` has one for each token of `sentences`: the rows of its words, one after the other."""

    cdef readonly list total, unplaced, signs
    cdef readonly Py_ssize_t words, known
    cdef list _rows
    cdef Py_ssize_t* _ends  # (S + 1) tokens before each sentence
    cdef Py_ssize_t* _sizes  # (S) words
    cdef double* _sums  # (S, F * L + 1): of the rows of a sentence's words, last how many of those are known
    cdef double* _shares  # (F, S): what the words of a sentence are multiplied by in a field
    cdef Py_ssize_t _sentences, _labels, _fields, _width

    def __cinit__(
        self, sentences, members, list rows not None, list unplaced not None, double exponent, Py_ssize_t signs,
        Py_ssize_t sample,
    ):
        cdef Py_ssize_t number
        cdef SentenceFields sentence
        self._sentences, self._labels, self._fields = len(sentences), len(unplaced), len(members)
        self._width = self._fields * self._labels + 1 + signs
        self._rows, self.unplaced = rows, unplaced
        self._ends = <Py_ssize_t*> zeros(self._sentences + 1)
        self._sizes = <Py_ssize_t*> zeros(self._sentences)
        self._sums = zeros(self._sentences * (self._fields * self._labels + 1))
        self._shares = zeros(self._sentences * self._fields)
        for number, sentence in enumerate(sentences):
            self._ends[number + 1] = self._ends[number] + sentence.end - sentence.begin
            self._sizes[number] = sentence.size
        if self._ends[self._sentences] != len(rows) or signs > MOST_SIGNS:
            raise ValueError(f"expected {self._ends[self._sentences]} rows of at most {MOST_SIGNS} signs")
        for number, field in enumerate(members):
            self._share(number, field, exponent)
        self._add_up(signs, sample)
        self._sum_up()

    def __dealloc__(self):
        PyMem_Free(self._ends)
        PyMem_Free(self._sizes)
        PyMem_Free(self._sums)
        PyMem_Free(self._shares)

    cdef int _add_up(self, Py_ssize_t signs, Py_ssize_t sample) except -1:
        """Sum the rows of each sentence, in the fields it is in, and the signs of the first `sample` words."""
        cdef Py_ssize_t sentence, place, word, field, column, before, kept = self._width - signs
        cdef double* row
        cdef double* sums
        cdef double known = 0.0
        cdef double[MOST_SIGNS] speak
        for column in range(signs):
            speak[column] = 0.0
        for sentence in range(self._sentences):
            sums, before = self._sums + sentence * kept, self.words
            for place in range(self._ends[sentence], self._ends[sentence + 1]):
                row = self._row(place)
                for word in range(self._words_of(place)):
                    for field in range(self._fields):
                        if self._shares[field * self._sentences + sentence]:
                            for column in range(field * self._labels, (field + 1) * self._labels):
                                sums[column] += row[column]
                    sums[kept - 1] += row[kept - 1]
                    if self.words < sample:
                        for column in range(signs):
                            speak[column] += row[kept + column]
                    self.words += 1
                    row += self._width
            known += sums[kept - 1]
            if self.words - before != self._sizes[sentence]:
                raise ValueError(f"expected the rows of {self._sizes[sentence]} words, got {self.words - before}")
        self.known = <Py_ssize_t> (known + 0.5)
        self.signs = [speak[column] for column in range(signs)]
        return 0

    cdef inline double* _row(self, Py_ssize_t token) except NULL:
        return <double*> PyBytes_AS_STRING(<bytes?> self._rows[token])

    cdef inline Py_ssize_t _words_of(self, Py_ssize_t token) noexcept:
        return PyBytes_GET_SIZE(self._rows[token]) // (<Py_ssize_t> sizeof(double) * self._width)

    cdef int _share(self, Py_ssize_t field, members, double exponent) except -1:
        """Spread 1 / words ** exponent over the sentences of a field."""
        cdef Py_ssize_t words = 0, member
        cdef double share
        for member in members:
            self._check(member, 0)
            words += self._sizes[member]
        share = 1.0 / <double> max(1, words) ** exponent
        for member in members:
            self._shares[field * self._sentences + member] = share
        return 0

    cdef int _sum_up(self) except -1:
        cdef Py_ssize_t sentence, label
        cdef double total
        self.total = []
        for label in range(self._labels):
            total = self.unplaced[label]
            for sentence in range(self._sentences):
                total += self._added(sentence, label)
            self.total.append(total)
        return 0

    cdef double _added(self, Py_ssize_t sentence, Py_ssize_t label) noexcept:
        """Return what a sentence adds to a score."""
        return self._product(sentence, self._sums + sentence * (self._fields * self._labels + 1), label)

    cdef inline double _product(self, Py_ssize_t sentence, double* row, Py_ssize_t label) noexcept:
        """Return what a `row` in a sentence adds to a score."""
        cdef Py_ssize_t field
        cdef double added = 0.0
        for field in range(self._fields):
            added += self._shares[field * self._sentences + sentence] * row[field * self._labels + label]
        return added

    cdef double* _word_values(self, Py_ssize_t sentence, Py_ssize_t label) except NULL:
        """Return what each word of a sentence adds to a score. To be freed."""
        cdef double* values = zeros(self._sizes[sentence])
        cdef double* row
        cdef Py_ssize_t place, word, count = 0
        for place in range(self._ends[sentence], self._ends[sentence + 1]):
            row = self._row(place)
            for word in range(self._words_of(place)):
                values[count] = self._product(sentence, row, label)
                count += 1
                row += self._width
        return values

    cdef int _check(self, Py_ssize_t sentence, Py_ssize_t label) except -1:
        if not (0 <= sentence < self._sentences and 0 <= label < self._labels):
            raise IndexError(f"expected a sentence of {self._sentences} and a label of {self._labels}")
        return 0

    def by_sentence(self, Py_ssize_t label):
        """As `scorer.Scores.by_sentence`."""
        cdef Py_ssize_t sentence
        if self._sentences:
            self._check(0, label)
        return [self._added(sentence, label) for sentence in range(self._sentences)]

    def by_word(self, Py_ssize_t sentence, Py_ssize_t label):
        """As `scorer.Scores.by_word`."""
        self._check(sentence, label)
        cdef double* values = self._word_values(sentence, label)
        cdef Py_ssize_t word
        try:
            return [values[word] for word in range(self._sizes[sentence])]
        finally:
            PyMem_Free(values)


cdef double* zeros(Py_ssize_t count) except NULL:
    """Return `count` zeros, of numbers or sizes. To be freed."""
    cdef double* made = <double*> PyMem_Calloc(count + 1, sizeof(double))
    if not made:
        raise MemoryError
    return made


cdef class Evidence:
    """Makes the evidence of a model: `evidence`, `phrase` and `span` are the classes of article.py and letters.py.

    `places` tells of a token where its words are in it, `read` what it is, `phrases` is how many words of a sentence are
    told of at most.
    """

    cdef object _evidence, _phrase, _span, _places, _read
    cdef Py_ssize_t _phrases

    def __cinit__(self, evidence, phrase, span, places, read, Py_ssize_t phrases):
        self._evidence, self._phrase, self._span, self._places, self._read = evidence, phrase, span, places, read
        self._phrases = phrases

    def of(self, Scores scores not None, sentences, Py_ssize_t title, labels, Py_ssize_t most):
        """Return the evidence of `labels`, (number, name), for what `scores` were got of; `title` sentences stand in it."""
        cdef list found = []
        cdef Py_ssize_t label, sentence
        cdef double* values
        for label, name in labels:
            if not 0 <= label < scores._labels:
                raise IndexError(f"expected a label of {scores._labels}, got {label}")
            values = zeros(scores._sentences)
            try:
                for sentence in range(scores._sentences):
                    values[sentence] = scores._added(sentence, label)
                for sentence in strongest(values, scores._sentences, most):
                    part = "title" if sentence < title else "text"
                    found.append(self._tell(scores, sentences[sentence], sentence, label, name, part))
            finally:
                PyMem_Free(values)
        return tuple(found)

    cdef object _tell(
        self, Scores scores, SentenceFields place, Py_ssize_t sentence, Py_ssize_t label, str name, str part
    ):
        cdef object span = span_of(place, place.begin, 0, place.end - 1, 0, self._places, self._span)
        cdef double* values = scores._word_values(sentence, label)
        cdef list phrases = [], words
        cdef Py_ssize_t first = -1, last = -1, word
        cdef double added = 0.0
        try:
            words = strongest(values, scores._sizes[sentence], self._phrases)
            words.sort()
            for word in words:
                if first >= 0 and word != last + 1:
                    phrases.append(self._phrase_of(place, first, last, added))
                    first, added = -1, 0.0
                first, last, added = word if first < 0 else first, word, added + values[word]
            if first >= 0:
                phrases.append(self._phrase_of(place, first, last, added))
        finally:
            PyMem_Free(values)
        return new_tuple(self._evidence, (name, part, span, scores._added(sentence, label), tuple(phrases)))

    cdef object _phrase_of(self, SentenceFields sentence, Py_ssize_t first, Py_ssize_t last, double added):
        cdef Py_ssize_t place, word, end_place, end_word
        find_word(sentence, first, self._read, &place, &word)
        find_word(sentence, last, self._read, &end_place, &end_word)
        return new_tuple(self._phrase, (span_of(sentence, place, word, end_place, end_word, self._places, self._span), added))


cdef list strongest(double* values, Py_ssize_t count, Py_ssize_t most):
    """Return which of `values` are the greatest, and above 0, the greatest first, of equal ones the first."""
    cdef list found = []
    cdef Py_ssize_t place, best, last = -1
    cdef double highest, ceiling = INFINITY
    while len(found) < most:
        best, highest = -1, 0.0
        for place in range(count):
            if highest < values[place] < ceiling or (values[place] == ceiling and place > last):
                best, highest = place, values[place]
                if highest == ceiling:
                    break
        if best < 0:
            break
        last, ceiling = best, highest
        found.append(best)
    return found
