"""Octets: one cursor that reads a structure and, if asked, names every octet of it; one writer.

Theory of operation
-------------------

A codec is a function that takes a reader and pulls fields from it, in the order of the standard, each by the
standard's name::

    def point(r: Reader) -> tuple[bytes, bytes]:
        with r.group("unique.ecc", "The public point."):
            return r.vector(2, "x", 0, 66), r.vector(2, "y", 0, 66)

A `Reader` is a buffer, a position and an end. Without more it parses, and ignores all that is said for people. Given a
list for `spans` it parses in the same way and also records a `Span` for each field: its full name, where it lies, its
value in words, a note and a clause. Since one function does both, what is shown cannot disagree with what is read.

No method reads past the reader's end. A field that does not fit, a length outside its bounds and octets left over are
reported through `fail`, which raises `OctetsError` with the field's name. A room that has its own error gives it as
`error` (attestation has a `CodecError`) or overrides `fail` (TLS has an alert), and sees no other.

Fields nest in three ways. `nested` and `inner` return a reader for octets whose number is known, and the fields must
end where those octets do. `group` is for fields that belong together but have no length of their own. `item` is one
element of a list; only a reader that records spans tells elements apart. All three add to `prefix`, the path of the
place where the reader stands. The path begins with the structure's own name (`ClientHello`, `TPMS_ATTEST`), which an
error shows and a span leaves out.

A `Writer` pushes the same fields onto a buffer, and puts a length in front of what is not yet written (`block`). For
structures of a few fields there are `u8` to `u64` and `sized`, which return octets.

What is shown to people is a tree: `SpanTree` builds one, and `nested` makes one of the spans that a reader recorded.

`der` stands beside them: the strict look at a certificate's encoding that TLS and attestation both take. So does
`files`, which reads a file that somebody named, up to a length.

This room knows octets, lengths and names. What they mean is known to the rooms that use it.
"""

from trustlab.octets.files import LONGEST_RECORDING, read_file
from trustlab.octets.reader import OctetsError, Order, Reader, SpanReader
from trustlab.octets.tree import SpanTree, leaves, nested
from trustlab.octets.writer import Writer, sized, u8, u16, u32, u64

__all__ = [
    "LONGEST_RECORDING",
    "OctetsError",
    "Order",
    "Reader",
    "SpanReader",
    "SpanTree",
    "Writer",
    "leaves",
    "nested",
    "read_file",
    "sized",
    "u8",
    "u16",
    "u32",
    "u64",
]
