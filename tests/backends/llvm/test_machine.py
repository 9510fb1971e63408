"""The host, the host with less, and machines that are only written for."""

import re

import pytest

from graphc.backends.llvm.code import assembly
from graphc.backends.llvm.machine import NAMED, host, restricted

SUM = """
define void @sum(ptr %x, ptr %y) {
  %a = load <WIDTH x float>, ptr %x, align 4
  %b = load <WIDTH x float>, ptr %y, align 4
  %c = fadd <WIDTH x float> %a, %b
  store <WIDTH x float> %c, ptr %y, align 4
  ret void
}
"""
REGISTERS = {64: "zmm", 32: "ymm", 16: "xmm"}


def test_the_host_is_a_machine() -> None:
    assert host().vector_bytes in (16, 32, 64)
    assert host() == host()
    assert hash(host()) == hash(host())


@pytest.mark.parametrize("name", NAMED)
def test_code_is_written_for_machines_that_are_not_here(name: str) -> None:
    machine = NAMED[name]
    text = assembly(SUM.replace("WIDTH", str(machine.lanes(4))), machine)
    adds = re.findall(r"^\s*(v?addps|fadd)\b.*$", text, re.MULTILINE)
    assert len(adds) == 1  # one instruction for the whole vector
    if machine.is_x86:
        assert REGISTERS[machine.vector_bytes] in text


@pytest.mark.parametrize("vector_bytes", [64, 32, 16])
def test_a_restricted_host_uses_no_wider_register(vector_bytes: int) -> None:
    machine = restricted(vector_bytes)
    assert machine.vector_bytes <= vector_bytes
    if machine.is_x86:
        text = assembly(SUM.replace("WIDTH", "16"), machine)
        assert not any(name in text for width, name in REGISTERS.items() if width > vector_bytes)


def test_machines_that_differ_have_keys_that_differ() -> None:
    assert len({machine.key for machine in NAMED.values()}) == len(NAMED)
