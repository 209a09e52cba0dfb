# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled twin of `messages._write_evidence`: evidence as the bytes of its fields, for a message to be merged from.

Fifty small messages made from Python take longer than all of an article's scoring; made of bytes, a twelfth of it. What
is written is protocol buffers' wire format, https://protobuf.dev/programming-guides/encoding/.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memmove

cdef enum:
    VARINT = 0
    DOUBLE = 1
    BYTES = 2
    LONGEST_VARINT = 10
    ONE_BYTE = 16  # field numbers below it take one byte with their type


cdef class Buffer:
    """Bytes that grow."""

    cdef char* data
    cdef Py_ssize_t size, room

    def __dealloc__(self):
        PyMem_Free(self.data)

    cdef int make_room(self, Py_ssize_t more) except -1:
        cdef char* data
        if self.size + more > self.room:
            data = <char*> PyMem_Realloc(self.data, 2 * (self.size + more))
            if not data:
                raise MemoryError
            self.data, self.room = data, 2 * (self.size + more)
        return 0

    cdef int put_varint(self, uint64_t value) except -1:
        self.make_room(LONGEST_VARINT)
        while value > 127:
            self.data[self.size] = <char> (value & 127 | 128)
            self.size += 1
            value >>= 7
        self.data[self.size] = <char> value
        self.size += 1
        return 0

    cdef int put_number(self, int field, uint64_t value) except -1:
        self.put_varint(field << 3 | VARINT)
        return self.put_varint(value)

    cdef int put_double(self, int field, double value) except -1:
        """As the machine holds it: least byte first, as the format wants, on all that grpcio has wheels for."""
        self.put_varint(field << 3 | DOUBLE)
        self.make_room(sizeof(double))
        memcpy(self.data + self.size, &value, sizeof(double))
        self.size += sizeof(double)
        return 0

    cdef int put_text(self, int field, str text) except -1:
        cdef Py_ssize_t size
        cdef const char* letters = PyUnicode_AsUTF8AndSize(text, &size)
        self.put_varint(field << 3 | BYTES)
        self.put_varint(size)
        self.make_room(size)
        memcpy(self.data + self.size, letters, size)
        self.size += size
        return 0

    cdef Py_ssize_t open(self, int field) except -1:
        """Begin a message within the message; return where its content begins."""
        self.put_varint(field << 3 | BYTES)
        return self.size

    cdef int close(self, Py_ssize_t begin) except -1:
        """End the message whose content begins at `begin`: write its length before it."""
        cdef Py_ssize_t length = self.size - begin, width = 1
        while length >> 7 * width:
            width += 1
        self.make_room(width)
        memmove(self.data + begin + width, self.data + begin, length)
        self.size = begin
        self.put_varint(length)
        self.size += length
        return 0


cdef class EvidenceWriter:
    """Writes the evidence of a classification; `fields` are the numbers of the fields, `parts` those of the parts."""

    cdef dict _parts
    cdef int _evidence, _label, _part, _span, _contribution, _phrases, _phrase_span, _phrase_contribution, _begin, _end

    def __init__(self, fields, dict parts not None):
        if not all(0 < number < ONE_BYTE for number in fields.values()):
            raise ValueError(f"expected field numbers from 1 to {ONE_BYTE - 1}, got {fields}")
        self._parts = parts
        self._evidence, self._label, self._part = fields["evidence"], fields["label"], fields["part"]
        self._span, self._contribution, self._phrases = fields["span"], fields["contribution"], fields["phrases"]
        self._phrase_span, self._phrase_contribution = fields["phrase_span"], fields["phrase_contribution"]
        self._begin, self._end = fields["begin"], fields["end"]

    def write(self, items):
        """Return the bytes of `items`, evidence as article.py has it, as fields of a classification."""
        cdef Buffer buffer = Buffer()
        cdef Py_ssize_t message, phrase
        for label, part, span, contribution, phrases in items:
            message = buffer.open(self._evidence)
            buffer.put_text(self._label, label)
            buffer.put_number(self._part, self._parts[part])
            self._put_span(buffer, self._span, span)
            buffer.put_double(self._contribution, contribution)
            for place, added in phrases:
                phrase = buffer.open(self._phrases)
                self._put_span(buffer, self._phrase_span, place)
                buffer.put_double(self._phrase_contribution, added)
                buffer.close(phrase)
            buffer.close(message)
        return PyBytes_FromStringAndSize(buffer.data, buffer.size)

    cdef int _put_span(self, Buffer buffer, int field, span) except -1:
        cdef Py_ssize_t message = buffer.open(field)
        begin, end = span
        buffer.put_number(self._begin, begin)
        buffer.put_number(self._end, end)
        return buffer.close(message)
