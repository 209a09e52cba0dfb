"""What serving/_messages.pyx needs to know of _evidence.pyx."""

cdef struct TellingPhrase:
    Py_ssize_t begin, end
    double contribution


cdef struct TellingSentence:
    Py_ssize_t label, begin, end, phrases, size  # which label, where it stands, its first phrase, how many it has
    bint in_title
    double contribution


cdef class EvidenceList:
    cdef readonly tuple names
    cdef object _maker
    cdef TellingSentence* sentences
    cdef TellingPhrase* phrases
    cdef Py_ssize_t size
    cdef tuple _made(self)
