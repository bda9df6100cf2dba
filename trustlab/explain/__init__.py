"""Everything in a trace explained: for each event its fields, each with a sentence and a clause, to the last byte.

Theory of operation
-------------------

The rooms above name what they know: `tls` the messages, `tpm` the commands, `attest` the structures that a TPM signs,
`x509` the certificates. None of them knows all the others, so each leaves octets that are somebody else's: to TLS a
certificate is opaque, to the TPM's command log a parameter is a number with a name. Here they are put together.

`fields_of(event)` returns the whole tree of an event's octets. It begins with the spans that the event already has,
looks into every leaf that another room can name, and gives each field that has none its sentence. A tree keeps three
promises: a name occurs once; a field lies inside the field that its name lies in; the fields cover all octets.

What stays in one piece over 64 bytes is a signature, a modulus, a ciphertext, a random number or padding, and its
sentence says so. Damaged octets never raise: they are a field called `unreadable`, which says why.

Trees are remembered by their octets, since the reader of a message sees what its writer wrote, and both legs of a man
in the middle carry the same certificate.

This room draws nothing and knows no clouds: inspector, tamper map and `trustlab inspect` take the trees from here.
"""

from trustlab.explain.application import plaintext_fields
from trustlab.explain.event import fields_of
from trustlab.explain.frame import frame_fields
from trustlab.explain.secrets import secret_words

__all__ = ["fields_of", "frame_fields", "plaintext_fields", "secret_words"]
