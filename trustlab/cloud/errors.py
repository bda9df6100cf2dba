"""What can go wrong in a cloud, by name."""

from __future__ import annotations


class CloudError(Exception):
    """Something about the cloud is not as it must be; the message names the fix."""


class CloudClosedError(CloudError):
    """The cloud was closed before it could do what it was asked."""


class ImageError(CloudError):
    """An image cannot be made or started: its manifest or its program is not what it should be."""


class NameNotValidatedError(CloudError):
    """The certificate authority asked at the name and did not get the answer it wanted."""


class HypercallRefusedError(CloudError):
    """The hypervisor refused what its guest, or Alice, asked for."""
