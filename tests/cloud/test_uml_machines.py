"""Virtual machines with real kernels: what was measured runs, what is asked is answered, and every end is a clear one."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import threading
import time

import pytest
from uml_cases import IDLE

from trustlab.cloud import Cloud, CloudError, HypercallRefusedError, HyperSafe, Image, ImageError, Ordinary, choose
from trustlab.cloud.uml import machine as machine_module
from trustlab.cloud.uml.messages import PROVIDERS
from trustlab.wire import ConnectionRefusedOnWireError, EndpointError, Match

pytestmark = pytest.mark.machines
BOOTS = 50 if os.environ.get("TRUSTLAB_SOAK") else 2
GET_RANDOM = bytes.fromhex("8001 0000000c 0000017b 0008")


@pytest.fixture(scope="module")
def cloud():
    with Cloud("uml") as cloud:
        for name, hypervisor in (("bank", HyperSafe), ("shop", Ordinary)):
            cloud.rent(name, IDLE, hypervisor, wait=False)
        for machine in cloud._machines.values():
            machine.start()
        yield cloud


@pytest.fixture(scope="module")
def bank(cloud):
    return cloud._machines["bank"]


@pytest.fixture(scope="module")
def shop(cloud):
    return cloud._machines["shop"]


def test_the_guests_kernel_is_its_own(bank):
    system, _, release, _, _ = bank.control("kernel")
    assert system == "Linux"
    assert release != platform.release()


def test_the_boot_is_told_step_by_step(cloud):
    steps = [event.name for event in cloud.trace.select("machine", party="bank")]
    wanted = ["power on", "DRTM launch", "guest kernel", "agent ready", "ready"]
    assert [step for step in steps if step in wanted] == wanted
    assert cloud.trace[0].data["substrate"] == "uml"
    assert "back door" in cloud.trace.select("machine", party="bank", name="ready")[0].data["emulated"]


def test_the_programs_words_come_home_into_the_trace(cloud, bank):
    assert bank.control("who") == "bank"
    assert cloud.trace.select("app", party="bank", name="started")


def test_large_messages_cross_the_serial_line_both_ways(bank):
    data = os.urandom(200_000)
    assert bank.control("echo", data=data) == data


def test_what_a_program_raises_is_raised_where_it_was_called(bank):
    with pytest.raises(ValueError, match="as it was told"):
        bank.control("fail")
    with pytest.raises(ImageError, match="'nonsense'"):
        bank.control("nonsense")


def test_a_machine_knows_the_verbs_of_its_program(bank):
    assert bank.understands("who")
    assert not bank.understands("afterwards")


def test_the_root_is_read_only_and_tmp_is_the_vms_own(bank):
    with pytest.raises(OSError, match="Read-only file system"):
        bank.control("write_to_root")
    assert bank.control("write_to_tmp") == "kept in the VM's own memory"


def test_a_claim_is_extended_into_pcr_20_by_hypercall(bank):
    client = bank.platform.client("root VM", locality=0)
    launched = client.pcr_read((20,))[20]
    assert launched != bytes(32), "the launch nonce is its first event"
    bank.control("claim")
    assert client.pcr_read((20,))[20] != launched


def test_an_ordinary_vm_has_its_tpm_raw_and_a_secure_one_has_not(bank, shop):
    answer = shop.control("tpm", command=GET_RANDOM)
    assert len(answer) == 20
    assert answer[6:10] == bytes(4)
    with pytest.raises(HypercallRefusedError, match="does not share the TPM"):
        bank.control("tpm", command=GET_RANDOM)


def test_an_ordinary_vms_memory_is_the_owners_to_read_and_a_secure_ones_is_refused(bank, shop):
    for machine in (bank, shop):
        machine.control("remember", text=f"a secret of the machine {machine.name}")
    assert shop.search_memory(rb"a secret of the machine [a-z]+") != []
    with pytest.raises(HypercallRefusedError, match="emulated"):
        bank.search_memory(rb"a secret of the machine [a-z]+")
    with pytest.raises(CloudError, match="not a regular expression"):
        shop.search_memory(rb"(")


def shout(cloud, shop, text: bytes) -> None:
    shop.control("shout", to="bank", text=text)
    cloud.run()


def test_octets_cross_the_switch_both_ways_in_real_frames(cloud, bank, shop):
    bank.control("serve")
    with cloud.sniff(count=3, timeout=20, match=lambda event: event.name == "TCP") as packets:
        shout(cloud, shop, b"hello, bank")
        flags = [str(packet["TCP"].flags) for packet in packets]
    assert shop.control("heard") == b"HELLO, BANK"
    assert flags == ["S", "SA", "A"]


def test_alice_edits_a_payload_and_the_kernel_takes_it_for_genuine(cloud, bank, shop):
    bank.control("serve")
    match = Match(payload=True, source="shop")
    order = cloud.order(lambda switch: switch.edit(match, lambda data: data[:5] + b"alice", times=1))
    shout(cloud, shop, b"from  bob ")
    order.undo()
    assert shop.control("heard") == b"FROM ALICE"


def test_alice_holds_a_frame_until_it_is_released(cloud, bank, shop):
    bank.control("serve")
    order = cloud.order(lambda switch: switch.hold(Match(payload=True, source="shop")))
    shout(cloud, shop, b"wait")
    assert shop.control("heard") == b""
    assert len(order.held) >= 1
    cloud.order(lambda _switch: order.undo())
    cloud.run()
    assert shop.control("heard") == b"WAIT"


def test_a_dropped_frame_is_sent_again_by_the_kernel(cloud, bank, shop):
    bank.control("serve")
    order = cloud.order(lambda switch: switch.drop(Match(payload=True, source="shop"), times=1))
    shop.control("shout", to="bank", text=b"again")
    until = time.monotonic() + 20
    while not shop.control("heard") and time.monotonic() < until:
        cloud.run()
    assert shop.control("heard") == b"AGAIN"
    assert order.hits == 1


def test_an_endpoint_that_fails_is_named_with_its_connection(cloud, bank, shop):
    bank.control("serve_badly")
    shop.control("shout_at", to="bank", port=9)
    with pytest.raises(EndpointError, match=r"shop-bank-\d+: bank failed: RuntimeError: a bug in the program"):
        cloud.run()


def test_where_nobody_listens_the_kernel_refuses(shop):
    with pytest.raises(ConnectionRefusedOnWireError, match="nobody listens on bank:4242"):
        shop.control("shout_at", to="bank", port=4242)


@pytest.mark.parametrize("verb", PROVIDERS)
def test_a_machine_of_bobs_has_none_of_the_providers_powers(shop, verb):
    with pytest.raises(CloudError, match=f"'{verb}' is for the provider only"):
        shop.control("ask", what=verb, arguments={})


def test_what_no_guest_may_ask_is_said(shop):
    with pytest.raises(CloudError, match="no verb 'platform'"):
        shop.control("ask", what="platform", arguments={})


def test_a_disk_is_written_by_its_guest_and_by_who_owns_the_machine(shop):
    shop.control("write", name="note", data=b"from the guest")
    assert shop.disk["note"] == b"from the guest"
    shop.disk["note"] = b"from the owner"
    assert shop.control("files")["note"] == b"from the owner"
    shop.control("remove", name="note")
    assert "note" not in shop.disk


def test_four_machines_stay_under_900_megabytes_together(cloud):
    names = [name for name in ("alice", "evil") if name not in cloud._machines]
    for name in names:
        cloud.rent(name, IDLE, Ordinary, wait=False)
    machines = [cloud._machines[name] for name in ("bank", "shop", "alice", "evil")]
    for machine in machines:
        machine.wait()
    assert sum(machine.proportional_size() for machine in machines) < 900_000_000


def test_the_clouds_own_thread_refuses_to_wait_for_a_vm(cloud, bank):
    with pytest.raises(CloudError, match="own thread"):
        cloud.call(bank.wait)


def test_a_guest_cannot_write_what_only_the_cloud_can_know(cloud, shop):
    before = len(cloud.trace.select("ground-truth"))
    shop.control("forge")
    assert len(cloud.trace.select("ground-truth")) == before
    assert cloud.trace.select("note", party="shop", name="connection")


def test_a_guest_that_babbles_on_its_hypercall_line_loses_it_and_nothing_else(cloud, bank):
    machine = cloud.rent("babbler", IDLE, Ordinary)
    machine.start()
    machine.control("babble")
    with pytest.raises(CloudError):
        machine.control("tpm", command=GET_RANDOM)
    machine.close()
    assert bank.control("who") == "bank"


def test_a_program_that_does_not_load_is_an_error_with_the_consoles_last_lines():
    with Cloud("uml") as cloud, pytest.raises(CloudError, match=r"(?s)its console.*does not compile"):
        cloud.rent("bank", Image("broken", b"def start(guest", {"design": "plain-tls"}), Ordinary)


def test_a_guest_that_dies_is_an_error_with_the_consoles_last_lines():
    with Cloud("uml") as cloud:
        machine = cloud.rent("bank", IDLE, Ordinary)
        machine.start()
        with pytest.raises(CloudError, match="bank"):
            machine.control("die")
        with pytest.raises(CloudError):
            machine.control("who")


def test_a_guest_that_hangs_is_an_error_after_its_time(monkeypatch):
    monkeypatch.setattr(machine_module, "CALL_TIMEOUT", 1.0)
    monkeypatch.setattr(machine_module, "POLITE", 0.2)
    with Cloud("uml") as cloud:
        machine = cloud.rent("bank", IDLE, Ordinary)
        with contextlib.suppress(CloudError):
            machine.start()
        with pytest.raises(CloudError, match="did not answer 'control' within 1 s"):
            machine.control("hang")


def test_auto_takes_virtual_machines_where_they_work():
    assert choose("auto") == "uml"


@pytest.mark.timeout(600)
def test_boots_in_a_row_are_all_ready():
    threads = threading.active_count()
    for _ in range(BOOTS):
        with Cloud("uml") as cloud:
            assert cloud.rent("bank", IDLE, Ordinary).wait().seconds > 0
    assert threading.active_count() <= threads


def test_a_kernel_that_was_killed_says_so_and_that_memory_is_the_usual_reason():
    told = r"signal 9 .* memory runs out: .* about 270 MB.* the memory substrate .* its console"
    with Cloud("uml") as cloud:
        machine = cloud.rent("bank", IDLE, Ordinary)
        machine.wait()
        os.kill(machine.pid, signal.SIGKILL)
        with pytest.raises(CloudError, match=told):
            machine.state()


def test_a_machine_that_we_ended_does_not_blame_the_memory():
    with Cloud("uml") as cloud:
        machine = cloud.rent("bank", IDLE, Ordinary)
        machine.close()
        with pytest.raises(CloudError) as error:
            machine.state()
    assert "memory" not in str(error.value)
