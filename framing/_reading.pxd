"""What _scoring.pyx and _evidence.pyx need to know of _reading.pyx."""

cdef class LineFields:
    cdef readonly list tokens, marks
    cdef readonly Py_ssize_t number, skipped
    cdef readonly int flags
    cdef Py_ssize_t* starts  # where in the source each token begins, twice, and one more if it is WHOLE


cdef class SentenceFields:
    cdef readonly LineFields line
    cdef readonly Py_ssize_t begin, end, size
    cdef readonly int countries
    cdef readonly bint near


cdef object new_tuple(type kind, tuple values)
cdef int span_of(
    SentenceFields sentence, Py_ssize_t first, Py_ssize_t begin, Py_ssize_t last, Py_ssize_t end, places,
    Py_ssize_t* opens_at, Py_ssize_t* closes_at,
) except -1
