"""sshd on the pair's hosts: real, with keys of their own, for accounts of their own."""

from __future__ import annotations

import pytest

from lab.testbed.hosts.addresses import MS1
from tests.lab.testbed.hosts.conftest import Testbed


@pytest.mark.testbed
def test_a_key_lets_an_account_without_password_in_and_nothing_else_does(testbed: Testbed) -> None:
    ms1, ms2 = testbed.hosts.host("ms1"), testbed.hosts.host("ms2")
    assert ms1.run(["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]).stdout != (
        ms2.run(["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]).stdout
    )
    ms2.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/key"])
    key = ms2.run(["cat", "/root/key.pub"]).stdout
    ms1.run(["useradd", "--create-home", "--shell", "/bin/sh", "carrier"])
    ms1.run(["install", "-d", "-m", "0700", "-o", "carrier", "/home/carrier/.ssh"])
    ms1.run(["sh", "-c", "cat >/home/carrier/.ssh/authorized_keys"], stdin=key)
    known = f"{MS1} {ms1.run(['cat', '/etc/ssh/ssh_host_ed25519_key.pub']).stdout}"
    ms2.run(["sh", "-c", "mkdir -p /root/.ssh; cat >/root/.ssh/known_hosts"], stdin=known)
    ssh = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    inside = ms2.run([*ssh, "-i", "/root/key", f"carrier@{MS1}", "id -un; hostname"])
    assert inside.stdout == "carrier\nms1\n"
    refused = ms2.run([*ssh, "-i", "/root/key", f"root@{MS1}", "true"], check=False)
    assert refused.returncode == 255
    assert "Permission denied" in refused.stderr
