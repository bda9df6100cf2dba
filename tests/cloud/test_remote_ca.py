"""A lab's authorities over the network: certificates travel, private keys stay."""

from __future__ import annotations

import contextlib
import json
import socket
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from trustlab.cloud import CloudError, Station, World
from trustlab.cloud.authority import Authority
from trustlab.cloud.remote_ca import CaService, RemoteWorld
from trustlab.passage import DESIGNS
from trustlab.tpm import EnrolmentRefused
from trustlab.trace import Trace

DESIGN = DESIGNS["tls13-exporter"]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Serve a lab; give its world, its port and its root."""
    folder = tmp_path_factory.mktemp("ca")
    world = World(folder / "lab")
    root = folder / "root.pem"
    root.write_text(world.web_ca.root_pem)
    served = CaService(world)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        context = served.context(["localhost"])
        threading.Thread(target=served.run, args=(listener, context), daemon=True).start()
        yield world, listener.getsockname()[1], root
        listener.shutdown(socket.SHUT_RDWR)


def test_a_machine_of_another_host_is_enrolled_and_no_key_comes_along(service, tmp_path):
    world, port, root = service
    other = RemoteWorld(tmp_path / "other", "localhost", port, root)
    image = other.image("bank", "teller", "trustlab.scenarios.bank", DESIGN)
    assert image.digest == world.image("bank", "teller", "trustlab.scenarios.bank", DESIGN).digest
    with Station(other, DESIGN, image, other.references(image), Trace().party("bank")) as station:
        station.certify("bank.example")
        certificate = station.check_server().certificate_der
    assert certificate
    assert list((tmp_path / "other").iterdir()) == []
    for keeper in (other.endorsers.maker, other.endorsers.privacy_ca, other.endorsers.device_ca, other.web_ca):
        with pytest.raises(CloudError, match="on another host"):
            keeper.keep()
    with pytest.raises(CloudError, match="give his public key with --publisher"):
        _ = other.publisher


def test_another_root_and_another_name_are_refused(service, tmp_path):
    _, port, root = service
    strange = tmp_path / "strange.pem"
    strange.write_text(Authority("strange").root_pem)
    with pytest.raises(CloudError, match="not under the root"):
        RemoteWorld(tmp_path / "other", "localhost", port, strange)
    with pytest.raises(CloudError, match="not for this name"):
        RemoteWorld(tmp_path / "other", "127.0.0.1", port, root)
    strange.write_text("nothing")
    with pytest.raises(CloudError, match="does not hold the root certificate"):
        RemoteWorld(tmp_path / "other", "localhost", port, strange)


def test_nobody_there_is_said(service, tmp_path):
    _, _, root = service
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    with pytest.raises(CloudError, match="does not answer: is `trustlab ca` running there"):
        RemoteWorld(tmp_path / "other", "localhost", free, root)


def test_the_web_ca_certifies_names_of_the_lab_alone(service, tmp_path):
    _, port, root = service
    other = RemoteWorld(tmp_path / "other", "localhost", port, root)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert other.web_ca.issue(["bank.example"], key).public_key() == key
    for names in (["bank.example.org"], [], ["bank.example", "localhost"]):
        with pytest.raises(EnrolmentRefused, match="name"):
            other.web_ca.issue(names, key)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"ask": "nothing"}',
        b'{"ask": "ek"}',
        b'{"ask": "ek", "public": "00"}',
        b'{"ask": "ek", "public": 7}',
        b'{"ask": "issue", "number": "x", "answer": ""}',
        b'{"ask": "web", "names": ["a.example"], "key": "00"}',
        b'{"ask": "web", "names": 7, "key": ""}',
        b"[" * 60_000,
    ],
)
def test_any_line_gets_an_answer_and_no_exception(service, line):
    world, _, _ = service
    assert "error" in CaService(world).answer(line)


def test_a_refusal_names_the_check(service):
    world, _, _ = service
    asked = {"ask": "challenge", "ca": "privacy", "ek": "00", "ak": "00"}
    assert "refused" in CaService(world).answer(json.dumps(asked).encode())
    asked = {"ask": "issue", "number": "7", "answer": "00"}
    assert CaService(world).answer(json.dumps(asked).encode())["refused"] == "challenge"


def test_a_client_that_speaks_no_tls_does_not_stop_the_service(service, tmp_path):
    _, port, root = service
    for octets in (b"GET / HTTP/1.0\r\n\r\n", b""):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(octets)
    assert RemoteWorld(tmp_path / "other", "localhost", port, root).web_ca.root_pem
