"""Without the rule `one answer`: a server that tells its peer when it cannot decrypt."""

from __future__ import annotations

from trustlab import tls
from trustlab.passage.endpoint import TlsEndpoint, operate

DECRYPT_ERROR = bytes.fromhex("15 0303 0002 02 33")
"""An unencrypted record with a fatal alert 51 (RFC 5246, 7.2)."""
PRE_MASTER_SECRET = 48
"""Octets (RFC 5246, 7.4.7.1)."""


class BleichenbacherOracle(TlsEndpoint):
    """Sends alert 51 if the decrypted octets are not a pre-master secret, which RFC 5246, 7.4.7.1, forbids.

    A pre-master secret has 48 octets. For a block that does not decrypt, a TPM may return random octets (implicit
    rejection, in emulators on OpenSSL 3.2 or later); their length is almost always another.
    """

    _complaint = b""

    def respond(self, request: tls.Request) -> None:
        """Complain if the result is not a pre-master secret; answer everything else as usual."""
        if isinstance(request, tls.KeyOperationWanted) and request.operation == "rsa-decrypt":
            result = operate(request)
            if isinstance(result, Exception) or len(result) != PRE_MASTER_SECRET:
                self._complaint = DECRYPT_ERROR
            self.connection.answer(request, result)
        else:
            super().respond(request)

    def data_to_send(self) -> bytes:
        """Return the complaint instead of whatever else was to be sent."""
        said = super().data_to_send()
        if self._complaint:
            said, self._complaint, self._over = self._complaint, b"", True
        return said
