"""What the small authorities say of themselves in their certificates."""

from __future__ import annotations

import pytest
from cryptography import x509

from trustlab.tpm import PrivacyCa, TpmMaker

MAKER = TpmMaker()


@pytest.mark.parametrize(
    "root", [MAKER.root, PrivacyCa([MAKER.root], ak_policies=None).root], ids=["maker", "privacy CA"]
)
def test_an_authority_signs_certificates_and_lists_and_nothing_else(root):
    usage = root.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.key_cert_sign, usage.value.crl_sign) == (True, True)
    assert not any((usage.value.digital_signature, usage.value.key_encipherment, usage.value.key_agreement))
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value) == (True, x509.BasicConstraints(ca=True, path_length=0))
