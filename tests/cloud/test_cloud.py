"""A cloud owns what it starts, and says what it is."""

from __future__ import annotations

import threading
from hashlib import sha256
from types import SimpleNamespace

import pytest

from trustlab.attest import EVENT_LAUNCH_NONCE, Evidence, extend, parse_attest
from trustlab.cloud import Cloud, CloudError, HypercallRefusedError, HyperSafe, Image, ImageError, Ordinary
from trustlab.cloud.hypersafe import CODE, LAUNCH_POLICY
from trustlab.cloud.standing import StandingOrder
from trustlab.cloud.worker import Worker
from trustlab.tpm import launch_pcr
from trustlab.trace import Trace

IDLE = Image("idle", b"def start(guest): pass\n\ndef who(guest): return guest.name\n", {"design": "plain-tls"})


def test_a_hypersafe_machine_has_what_was_measured_in_its_pcrs():
    with Cloud("memory") as cloud:
        machine = cloud.rent("bank", IDLE, HyperSafe)
        values = machine.platform.client("root VM", locality=0).pcr_read((17, 18, 19, 20))
        log = machine.platform.event_log
    assert values[17] == launch_pcr(CODE)
    assert values[18] == extend(bytes(32), sha256(LAUNCH_POLICY).digest())
    assert values[19] == extend(bytes(32), IDLE.digest)
    (nonce,) = [event for event in log.events if event.pcr == 20]
    assert nonce.event_type == EVENT_LAUNCH_NONCE
    assert len(nonce.data) == 32
    assert values[20] == extend(bytes(32), sha256(nonce.data).digest())


def test_another_image_gives_another_pcr_19():
    other = Image("idle", IDLE.program + b"\n", IDLE.configuration)
    with Cloud("memory") as cloud:
        values = [
            cloud.rent(name, image, HyperSafe).platform.client("root VM", locality=0).pcr_read((17, 19))
            for name, image in (("a", IDLE), ("b", other))
        ]
    assert values[0][17] == values[1][17]
    assert values[0][19] != values[1][19]


READER = Image(
    "reader",
    b"def start(guest): pass\n\ndef read(guest, *, name): return guest.file(name)\n\n"
    b"def quote(guest, *, binder, pcrs): return guest.attest(binder, tuple(pcrs))\n",
    {"design": "trusted-passage"},
    {"rates.csv": b"EUR,1.08"},
)


@pytest.mark.parametrize("substrate", ["memory", pytest.param("uml", marks=pytest.mark.machines)])
def test_a_guest_reads_its_measured_files_and_has_any_pcrs_quoted(substrate):
    with Cloud(substrate) as cloud:
        machine = cloud.rent("reader", READER, HyperSafe)
        machine.start()
        assert machine.control("read", name="rates.csv") == b"EUR,1.08"
        with pytest.raises(ImageError, match="no file 'moon'"):
            machine.control("read", name="moon")
        evidence = Evidence.decode(machine.control("quote", binder=b"b" * 32, pcrs=[17, 19]))
    attested = parse_attest(evidence.quote)
    assert attested.extra_data == b"b" * 32
    assert [s.pcrs for s in attested.attested.selections] == [(17, 19)]
    assert sorted(evidence.pcr_values) == [17, 19]


def test_the_substrate_is_announced_in_the_trace():
    with Cloud("memory") as cloud:
        assert cloud.trace[0].data["substrate"] == "memory"
        assert "reconstructed" in str(cloud.trace[0].data["sentence"])


def test_an_unknown_substrate_is_refused_by_name():
    with pytest.raises(CloudError, match=r"'moon'.*'memory'"):
        Cloud("moon")


def test_two_machines_cannot_have_one_name():
    with Cloud("memory") as cloud:
        cloud.rent("bank", IDLE, Ordinary)
        with pytest.raises(CloudError, match="already a machine called 'bank'"):
            cloud.rent("bank", IDLE, Ordinary)


def test_guest_programs_run_on_the_clouds_own_thread():
    with Cloud("memory") as cloud:
        assert cloud.call(threading.current_thread) is not threading.current_thread()
        machine = cloud.rent("idle", IDLE, Ordinary)
        machine.start()
        assert machine.control("who") == "idle"


def test_an_ordinary_hypervisor_neither_makes_keys_nor_attests():
    with Cloud("memory") as cloud:
        machine = cloud.rent("idle", IDLE, Ordinary)
        with pytest.raises(HypercallRefusedError, match="HyperSafe"):
            machine.hypervisor.make_key("rsa-decrypt", origin="tcb", disk={})
        with pytest.raises(HypercallRefusedError, match="nothing to attest"):
            machine.hypervisor.attest(bytes(32), prove_key=False)


def test_hypersafe_refuses_memory_and_a_second_key():
    with Cloud("memory") as cloud:
        hypersafe = cloud.rent("idle", IDLE, HyperSafe).hypervisor
        assert isinstance(hypersafe, HyperSafe)
        cloud.call(hypersafe.make_key, "rsa-decrypt", origin="tcb", disk={})
        with pytest.raises(HypercallRefusedError, match="each launch allows one"):
            cloud.call(hypersafe.make_key, "rsa-decrypt", origin="tcb", disk={})
        with pytest.raises(HypercallRefusedError, match="emulated"):
            hypersafe.read_memory()


def test_a_closed_cloud_says_so_and_closing_twice_is_harmless():
    cloud = Cloud("memory")
    cloud.close()
    cloud.close()
    with pytest.raises(CloudError, match="closed"):
        cloud.run()


def test_the_worker_raises_where_the_result_is_awaited():
    worker = Worker("test")
    try:
        with pytest.raises(ZeroDivisionError):
            worker.call(lambda: 1 // 0)
        assert worker.call(worker.call, lambda: 42) == 42
    finally:
        worker.close()


@pytest.mark.parametrize(("in_a_row", "sent"), [(2, [1, 2, 2, 2, 2, 2, 2, 3]), (None, [1, 2, 3, 3, 3, 4, 4, 5])])
def test_a_standing_order_acts_so_often_in_a_row_until_something_else_than_a_policy_succeeds(in_a_row, sent):
    trace, octets, ended = Trace(), [], []
    traffic = SimpleNamespace(interleave=lambda: lambda: ended.append(True))
    platform = SimpleNamespace(name="bank", router=traffic)
    tpm = SimpleNamespace(name="root VM", transmit=octets.append)
    end = StandingOrder("TPM2_PolicyLocality", b"extend", in_a_row).carry_out(trace, platform, tpm)
    responses = [("PolicyLocality", 0)] * 3
    responses += [("PolicyPCR", 0), ("Quote", 0x128), ("PolicyLocality", 0), ("Quote", 0), ("PolicyLocality", 0)]
    counted = []
    for name, rc in responses:
        for party, client in (("teller", "HyperSafe"), ("bank", "root VM"), ("bank", "HyperSafe")):
            trace.party(party).emit("tpm.response", f"TPM2_{name}", client=client, rc=rc)
        counted.append(len(octets))
    assert counted == sent
    end()
    trace.party("bank").emit("tpm.response", "TPM2_PolicyLocality", client="HyperSafe", rc=0)
    assert len(octets) == sent[-1]
    assert ended == [True]
