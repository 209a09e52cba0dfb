# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The compiled twin of what every article costs to be scored: `scorer.MatrixScores` without matrices.

Tests hold both to the same answers.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.math cimport INFINITY, exp, fmax, fmin
from libc.stdint cimport uint64_t
from libc.string cimport memset

from framing._reading cimport LineFields, SentenceFields, new_tuple

cdef enum:
    MOST_SIGNS = 64


def probabilities(list scores not None, Py_ssize_t topics):
    """Return what `model._article_probabilities` returns."""
    cdef Py_ssize_t label
    cdef double highest = -INFINITY, total = 0.0
    cdef list values = [1.0 / (1.0 + exp(-fmin(500.0, fmax(-500.0, score)))) for score in scores[:topics]]
    for label in range(topics, len(scores)):
        highest = fmax(highest, scores[label])
    for label in range(topics, len(scores)):
        values.append(exp(<double> scores[label] - highest))
        total += <double> values[label]
    for label in range(topics, len(scores)):
        values[label] = <double> values[label] / total
    return values


def label_scores(type make, tuple labels not None, list values not None, list given not None):
    """Return what `model._label_scores` returns: `make` of each of `labels`, its value, whether it is given."""
    cdef Py_ssize_t label
    if not len(labels) == len(values) == len(given):
        raise ValueError(f"expected values of {len(labels)} labels, got {len(values)} and {len(given)}")
    return tuple([new_tuple(make, (labels[label], values[label], given[label])) for label in range(len(labels))])


cdef struct Known:
    PyObject* token
    PyObject* row


cdef class Scorer:
    """What `scorer.Scorer` needs for an article whose tokens have all been met.

    It remembers the rows of `most` tokens at most, that the dictionary `remembered` had, by which objects the tokens are:
    they come from a TokenTable, and one that is met again is the same object, as long as it is remembered there. `shape`
    (S, L) and `base` (L) are what the counts of an article are multiplied by, and what every score begins with.
    """

    cdef Known* _known
    cdef uint64_t _size
    cdef object _remembered
    cdef double* _shape
    cdef double* _base
    cdef Py_ssize_t _counts, _labels, _signs, _sample
    cdef double _exponent

    def __cinit__(
        self, remembered, Py_ssize_t most, double[:, :] shape, double[:] base, double exponent, Py_ssize_t signs,
        Py_ssize_t sample,
    ):
        cdef Py_ssize_t count, label
        self._counts, self._labels, self._signs, self._sample = shape.shape[0], base.shape[0], signs, sample
        self._exponent = exponent
        self._shape, self._base = zeros(self._counts * self._labels), zeros(self._labels)
        for label in range(self._labels):
            self._base[label] = base[label]
            for count in range(self._counts):
                self._shape[count * self._labels + label] = shape[count, label]
        self._size = 1
        while self._size * 2 <= <uint64_t> most:
            self._size *= 2
        self._known = <Known*> PyMem_Calloc(self._size, sizeof(Known))
        if not self._known:
            raise MemoryError
        self._remembered = remembered

    def __dealloc__(self):
        cdef uint64_t place
        if self._known:
            for place in range(self._size):
                Py_XDECREF(self._known[place].token)
                Py_XDECREF(self._known[place].row)
        PyMem_Free(self._known)
        PyMem_Free(self._shape)
        PyMem_Free(self._base)

    def score(self, sentences, members, tuple shape not None, list rows not None):
        """Return the scores of an article: its sentences, those in each field, its counts, the row of each token."""
        cdef list unplaced = []
        cdef Py_ssize_t count, label
        cdef double total
        if len(shape) != self._counts:
            raise ValueError(f"expected {self._counts} counts, got {len(shape)}")
        for label in range(self._labels):
            total = self._base[label]
            for count in range(self._counts):
                total += <double> shape[count] * self._shape[count * self._labels + label]
            unplaced.append(total)
        return Scores(sentences, members, rows, unplaced, self._exponent, self._signs, self._sample)

    def find(self, lines):
        """Return the row of each token in `lines`, or None if one of them is not remembered."""
        cdef list rows = []
        cdef LineFields line
        cdef Known* known
        for line in lines:
            for token in line.tokens:
                known = self._known + ((<uint64_t> <PyObject*> token >> 4) * <uint64_t> 0x9E3779B97F4A7C15 >> 32 & (self._size - 1))
                if known.token != <PyObject*> token and not self._recall(known, token):
                    return None
                rows.append(<object> known.row)
        return rows

    cdef bint _recall(self, Known* known, token) except -1:
        """Write into `known` what the dictionary remembers of `token`; return whether it does."""
        cdef PyObject* row = PyDict_GetItem(self._remembered, token)
        if not row:
            return False
        Py_INCREF(token)
        Py_INCREF(<object> row)
        Py_XDECREF(known.token)
        Py_XDECREF(known.row)
        known.token, known.row = <PyObject*> token, row
        return True


cdef class Scores:
    """As `scorer.Scores`. `rows` has one for each token of `sentences`: the rows of its words, one after the other."""

    def __cinit__(
        self, sentences, members, list rows not None, list unplaced not None, double exponent, Py_ssize_t signs,
        Py_ssize_t sample,
    ):
        cdef Py_ssize_t number
        cdef SentenceFields sentence
        self.sentences, self._labels, self._fields = len(sentences), len(unplaced), len(members)
        self._width = self._fields * self._labels + 1 + signs
        self._rows, self.unplaced = rows, unplaced
        self._ends = <Py_ssize_t*> zeros(self.sentences + 1)
        self.sizes = <Py_ssize_t*> zeros(self.sentences)
        self._sums = zeros(self.sentences * self._fields * self._labels)
        self._shares = zeros(self.sentences * self._fields)
        for number, sentence in enumerate(sentences):
            self._ends[number + 1] = self._ends[number] + sentence.end - sentence.begin
            self.sizes[number] = sentence.size
        if self._ends[self.sentences] != len(rows) or signs > MOST_SIGNS:
            raise ValueError(f"expected {self._ends[self.sentences]} rows of at most {MOST_SIGNS} signs")
        for number, field in enumerate(members):
            self._share(number, field, exponent)
        self._add_up(signs, sample)
        self._sum_up()

    def __dealloc__(self):
        PyMem_Free(self._ends)
        PyMem_Free(self.sizes)
        PyMem_Free(self._sums)
        PyMem_Free(self._shares)

    cdef int _add_up(self, Py_ssize_t signs, Py_ssize_t sample) except -1:
        """Sum the rows of each sentence, in the fields it is in, and the signs of the first `sample` words."""
        cdef Py_ssize_t sentence, place, field, before, kept = self._fields * self._labels
        cdef double* row
        cdef double* stop
        cdef double* sums
        cdef double known = 0.0
        cdef double[MOST_SIGNS] speak
        memset(speak, 0, sizeof(speak))
        for sentence in range(self.sentences):
            sums, before = self._sums + sentence * kept, self.words
            for place in range(self._ends[sentence], self._ends[sentence + 1]):
                row = self._row(place)
                stop = row + PyBytes_GET_SIZE(self._rows[place]) // sizeof(double)
                while row + self._width <= stop:
                    for field in range(self._fields):
                        if self._shares[field * self.sentences + sentence]:
                            add(sums + field * self._labels, row + field * self._labels, self._labels)
                    known += row[kept]
                    if self.words < sample:
                        add(speak, row + kept + 1, signs)
                    self.words += 1
                    row += self._width
            if self.words - before != self.sizes[sentence]:
                raise ValueError(f"expected the rows of {self.sizes[sentence]} words, got {self.words - before}")
        self.known = <Py_ssize_t> (known + 0.5)
        self.signs = [speak[place] for place in range(signs)]
        return 0

    cdef double* _row(self, Py_ssize_t token) except NULL:
        return <double*> PyBytes_AS_STRING(<bytes?> self._rows[token])

    cdef Py_ssize_t _words_of(self, Py_ssize_t token) noexcept:
        return PyBytes_GET_SIZE(self._rows[token]) // (<Py_ssize_t> sizeof(double) * self._width)

    cdef int _share(self, Py_ssize_t field, members, double exponent) except -1:
        """Spread 1 / words ** exponent over the sentences of a field."""
        cdef Py_ssize_t words = 0, member
        cdef double share
        for member in members:
            self._check(member)
            words += self.sizes[member]
        share = 1.0 / <double> max(1, words) ** exponent
        for member in members:
            self._shares[field * self.sentences + member] = share
        return 0

    cdef int _sum_up(self) except -1:
        cdef Py_ssize_t sentence, label
        cdef double total
        self.total = []
        for label in range(self._labels):
            total = self.unplaced[label]
            for sentence in range(self.sentences):
                total += self.added(sentence, label)
            self.total.append(total)
        return 0

    cdef double added(self, Py_ssize_t sentence, Py_ssize_t label) noexcept:
        """Return what a sentence adds to a score."""
        return self._product(sentence, self._sums + sentence * self._fields * self._labels, label)

    cdef double _product(self, Py_ssize_t sentence, double* row, Py_ssize_t label) noexcept:
        """Return what a `row` in a sentence adds to a score."""
        cdef Py_ssize_t field
        cdef double share, added = 0.0
        for field in range(self._fields):
            share = self._shares[field * self.sentences + sentence]
            if share:
                added += share * row[field * self._labels + label]
        return added

    cdef int word_values(self, Py_ssize_t sentence, Py_ssize_t label, double* values, Place* places) except -1:
        """Write what each word of a sentence adds to a score, and where the words are, unless that is NULL."""
        cdef double* row
        cdef Py_ssize_t token, word, count = 0
        for token in range(self._ends[sentence], self._ends[sentence + 1]):
            row = self._row(token)
            for word in range(self._words_of(token)):
                values[count] = self._product(sentence, row, label)
                if places:
                    places[count].token, places[count].word = token - self._ends[sentence], word
                count += 1
                row += self._width
        return 0

    cdef Py_ssize_t longest(self) noexcept:
        """Return how many words the longest sentence has."""
        cdef Py_ssize_t sentence, longest = 0
        for sentence in range(self.sentences):
            longest = max(longest, self.sizes[sentence])
        return longest

    cdef int _check(self, Py_ssize_t sentence) except -1:
        if not 0 <= sentence < self.sentences:
            raise IndexError(f"expected one of {self.sentences} sentences, got {sentence}")
        return 0

    cdef int check_label(self, Py_ssize_t label) except -1:
        if not 0 <= label < self._labels:
            raise IndexError(f"expected one of {self._labels} labels, got {label}")
        return 0

    def by_sentence(self, Py_ssize_t label):
        """As `scorer.Scores.by_sentence`."""
        cdef Py_ssize_t sentence
        self.check_label(label)
        return [self.added(sentence, label) for sentence in range(self.sentences)]

    def by_word(self, Py_ssize_t sentence, Py_ssize_t label):
        """As `scorer.Scores.by_word`."""
        self._check(sentence)
        self.check_label(label)
        cdef double* values = zeros(self.sizes[sentence])
        cdef Py_ssize_t word
        try:
            self.word_values(sentence, label, values, NULL)
            return [values[word] for word in range(self.sizes[sentence])]
        finally:
            PyMem_Free(values)


cdef inline void add(double* sums, double* row, Py_ssize_t count) noexcept:
    """Add four by four what is in `row` to `sums`: they never overlap, which a compiler cannot know."""
    cdef Py_ssize_t place = 0
    cdef double first, second, third, fourth
    while place + 4 <= count:
        first, second, third, fourth = row[place], row[place + 1], row[place + 2], row[place + 3]
        sums[place] += first
        sums[place + 1] += second
        sums[place + 2] += third
        sums[place + 3] += fourth
        place += 4
    while place < count:
        sums[place] += row[place]
        place += 1


cdef double* zeros(Py_ssize_t count) except NULL:
    """Return `count` zeros, of numbers or sizes. To be freed."""
    cdef double* made = <double*> PyMem_Calloc(count + 1, sizeof(double))
    if not made:
        raise MemoryError
    return made
