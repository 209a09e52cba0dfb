# cython: language_level=3, boundscheck=False, wraparound=False
"""The compiled twin of `messages.write_answer`: an answer as the bytes of its message.

Fifty small messages made from Python take longer than all of an article's scoring; made of bytes, a twelfth of it. What
is written is protocol buffers' wire format, https://protobuf.dev/programming-guides/encoding/.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memmove

from framing._evidence cimport EvidenceList, TellingPhrase, TellingSentence

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
        if not size:
            return 0
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


cdef class AnswerWriter:
    """Writes answers. `fields` are the numbers of the fields of messages, `parts` those of title and text."""

    cdef int _answer, _topics, _framings, _stance, _abstention, _evidence, _language, _credit, _model, _taxonomy
    cdef int _label, _probability, _selected, _reason, _told_label, _part, _span, _contribution, _phrases
    cdef int _phrase_span, _phrase_contribution, _begin, _end, _title, _text

    def __init__(self, dict fields not None, dict parts not None):
        if not all(0 < number < ONE_BYTE for number in fields.values()):
            raise ValueError(f"expected field numbers from 1 to {ONE_BYTE - 1}, got {fields}")
        self._answer = fields["ClassifyArticleResponse.classification"]
        self._topics, self._framings = fields["Classification.topics"], fields["Classification.framings"]
        self._stance, self._abstention = fields["Classification.stance"], fields["Classification.abstention"]
        self._evidence, self._language = fields["Classification.evidence"], fields["Classification.language"]
        self._credit = fields["Classification.credit"]
        self._model, self._taxonomy = fields["Classification.model_version"], fields["Classification.taxonomy_version"]
        self._label, self._probability = fields["LabelScore.label"], fields["LabelScore.probability"]
        self._selected, self._reason = fields["LabelScore.selected"], fields["Abstention.reason"]
        self._told_label, self._part, self._span = fields["Evidence.label"], fields["Evidence.part"], fields["Evidence.span"]
        self._contribution, self._phrases = fields["Evidence.contribution"], fields["Evidence.phrases"]
        self._phrase_span, self._phrase_contribution = fields["EvidencePhrase.span"], fields["EvidencePhrase.contribution"]
        self._begin, self._end = fields["Span.begin"], fields["Span.end"]
        self._title, self._text = parts["title"], parts["text"]

    def write(self, answer, int stance, int abstention, str model, str taxonomy):
        """Return a ClassifyArticleResponse with `answer`, of the `model` and the `taxonomy` of those versions.

        `stance` and `abstention` are numbers as the API has them, 0 for none.
        """
        cdef Buffer buffer = Buffer()
        cdef Py_ssize_t message = buffer.open(self._answer)
        self._put_scores(buffer, self._topics, answer.topics)
        self._put_scores(buffer, self._framings, answer.framings)
        if stance:
            buffer.put_number(self._stance, stance)
        if abstention:
            reason = buffer.open(self._abstention)
            buffer.put_number(self._reason, abstention)
            buffer.close(reason)
        if answer.evidence:
            self._put_evidence(buffer, answer.evidence)
        buffer.put_text(self._language, answer.language)
        buffer.put_text(self._credit, answer.credit)
        buffer.put_text(self._model, model)
        buffer.put_text(self._taxonomy, taxonomy)
        buffer.close(message)
        return PyBytes_FromStringAndSize(buffer.data, buffer.size)

    cdef int _put_scores(self, Buffer buffer, int field, tuple scores) except -1:
        cdef Py_ssize_t message
        cdef double probability
        for label, probability, selected in scores:
            message = buffer.open(field)
            buffer.put_text(self._label, label)
            buffer.put_double(self._probability, probability)
            if selected:
                buffer.put_number(self._selected, 1)
            buffer.close(message)
        return 0

    cdef int _put_evidence(self, Buffer buffer, EvidenceList evidence) except -1:
        cdef Py_ssize_t place, part, message, phrase
        cdef TellingSentence told
        cdef TellingPhrase found
        for place in range(evidence.size):
            told, message = evidence.sentences[place], buffer.open(self._evidence)
            buffer.put_text(self._told_label, evidence.names[told.label])
            buffer.put_number(self._part, self._title if told.in_title else self._text)
            self._put_span(buffer, self._span, told.begin, told.end)
            buffer.put_double(self._contribution, told.contribution)
            for part in range(told.phrases, told.phrases + told.size):
                found, phrase = evidence.phrases[part], buffer.open(self._phrases)
                self._put_span(buffer, self._phrase_span, found.begin, found.end)
                buffer.put_double(self._phrase_contribution, found.contribution)
                buffer.close(phrase)
            buffer.close(message)
        return 0

    cdef int _put_span(self, Buffer buffer, int field, Py_ssize_t begin, Py_ssize_t end) except -1:
        cdef Py_ssize_t message = buffer.open(field)
        if begin:
            buffer.put_number(self._begin, begin)
        if end:
            buffer.put_number(self._end, end)
        return buffer.close(message)
