"""What _evidence.pyx needs to know of _scoring.pyx."""

cimport cython

cdef struct Place:  # of a word in a sentence: its token, and which of the token's words it is
    Py_ssize_t token
    Py_ssize_t word


@cython.final
cdef class Scores:
    cdef readonly list total, unplaced, signs
    cdef readonly Py_ssize_t words, known
    cdef Py_ssize_t sentences
    cdef Py_ssize_t* sizes  # (S) words
    cdef list _rows
    cdef Py_ssize_t* _ends  # (S + 1) tokens before each sentence
    cdef double* _sums  # (S, F * L): of the rows of a sentence's words, in the fields it is in
    cdef double* _shares  # (F, S): what the words of a sentence are multiplied by in a field
    cdef Py_ssize_t _labels, _fields, _width

    cdef double added(self, Py_ssize_t sentence, Py_ssize_t label) noexcept
    cdef int word_values(self, Py_ssize_t sentence, Py_ssize_t label, double* values, Place* places) except -1
    cdef Py_ssize_t longest(self) noexcept
    cdef int check_label(self, Py_ssize_t label) except -1
    cdef int _add_up(self, Py_ssize_t signs, Py_ssize_t sample) except -1
    cdef double* _row(self, Py_ssize_t token) except NULL
    cdef Py_ssize_t _words_of(self, Py_ssize_t token) noexcept
    cdef int _share(self, Py_ssize_t field, members, double exponent) except -1
    cdef int _sum_up(self) except -1
    cdef double _product(self, Py_ssize_t sentence, double* row, Py_ssize_t label) noexcept
    cdef int _check(self, Py_ssize_t sentence) except -1


cdef double* zeros(Py_ssize_t count) except NULL
