"""A server that says when it cannot decrypt: only to show what its silence is good for."""

from __future__ import annotations

from trustlab import tls
from trustlab.passage.endpoint import TlsEndpoint, operate

DECRYPT_ERROR = bytes.fromhex("15 0303 0002 02 33")
"""A record with a fatal alert 51, in clear (RFC 5246, 7.2)."""
PRE_MASTER_SECRET = 48
"""Octets (RFC 5246, 7.4.7.1)."""


class BleichenbacherOracle(TlsEndpoint):
    """Without "one answer": ends with alert 51 if what decrypts is not a pre-master secret, against RFC 5246, 7.4.7.1.

    A pre-master secret has 48 octets. A TPM may also hand out noise for what does not decrypt at all (implicit
    rejection, in emulators on OpenSSL 3.2 or later): noise has another length nearly always.
    """

    _complaint = b""

    def respond(self, request: tls.Request) -> None:
        """Complain about what is no pre-master secret; all else as usual."""
        if isinstance(request, tls.KeyOperationWanted) and request.operation == "rsa-decrypt":
            result = operate(request)
            if isinstance(result, Exception) or len(result) != PRE_MASTER_SECRET:
                self._complaint = DECRYPT_ERROR
            self.connection.answer(request, result)
        else:
            super().respond(request)

    def data_to_send(self) -> bytes:
        """Return the complaint in place of whatever else there was to say."""
        said = super().data_to_send()
        if self._complaint:
            said, self._complaint, self._over = self._complaint, b"", True
        return said
