"""The one network of the testbed: a bridge inside the testbed's own (outer) network namespace."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence

from lab.testbed.hosts.addresses import BRIDGE, CLOUD, PREFIX, Place


class NetworkError(RuntimeError):
    """The testbed's network could not be made or changed."""


def command(argv: Sequence[str], *, stdin: str | None = None, timeout_s: float = 10.0) -> str:
    """Run a program to its end and return what it wrote; NetworkError with its own words when it fails."""
    try:
        done = subprocess.run(argv, input=stdin, text=True, capture_output=True, timeout=timeout_s, check=False)
    except FileNotFoundError as error:
        raise NetworkError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise NetworkError(f"{' '.join(argv)}: no end after {timeout_s:g} s") from error
    if done.returncode != 0:
        raise NetworkError(f"{' '.join(argv)}: {done.stderr.strip() or f'exit {done.returncode}'}")
    return done.stdout


def port_of(place: Place) -> str:
    """The bridge's end of the cable to a host."""
    return f"v-{place.name}"


class Network:
    """The bridge and the cables to the hosts. Lives and dies with the namespace it is in."""

    def up(self) -> None:
        """Make the bridge, with the cloud's address on it. Does nothing where it is there already.

        Raises NetworkError in a namespace that has interfaces of someone else's: the testbed never touches
        the machine's own network.
        """
        links = {link["ifname"] for link in json.loads(command(["ip", "-json", "link", "show"]))}
        strangers = {name for name in links if name not in {"lo", BRIDGE} and not name.startswith("v-")}
        if strangers:
            raise NetworkError(
                f"this network namespace is not the testbed's own, it has {', '.join(sorted(strangers))}; "
                "start the testbed with unshare --net"
            )
        if BRIDGE in links:
            return
        self._ip(
            "link set lo up",
            # An address of its own: otherwise it has its lowest port's, and when that host goes the others know a wrong
            # one for the cloud until they ask again, half a minute later.
            f"link add {BRIDGE} address {Place('cloud', CLOUD).mac} type bridge",
            f"addr add {CLOUD}/{PREFIX} dev {BRIDGE}",
            f"link set {BRIDGE} up",
        )

    def plug(self, place: Place, pid: int) -> None:
        """Lay a cable from the bridge to the network namespace of process `pid`; its end there is eth0."""
        port = port_of(place)
        self._ip(
            f"link add {port} type veth peer name eth0 address {place.mac} netns {pid}",
            f"link set {port} master {BRIDGE} up",
        )

    def unplug(self, place: Place) -> None:
        """Take the bridge's end down, at once: not a packet passes from here on. No cable is no error."""
        subprocess.run(["ip", "link", "set", port_of(place), "down"], capture_output=True, check=False, timeout=10)

    def remove(self, place: Place) -> None:
        """Remove the cable. No cable is no error."""
        subprocess.run(["ip", "link", "del", port_of(place)], capture_output=True, check=False, timeout=10)

    def cut(self, place: Place, only_except: Sequence[str]) -> None:
        """Drop every packet from and to a host but those of the addresses in `only_except`, silently and both ways.

        Done on the bridge, so that the host itself notices nothing but silence. Replaces an earlier cut.
        """
        port = port_of(place)
        kept = f"ip {{side}} {{{{ {', '.join(only_except)} }}}} accept" if only_except else ""
        out_kept, in_kept = kept.format(side="daddr"), kept.format(side="saddr")
        table = cut_table(place)
        self._nft(f"""
            table bridge {table}
            delete table bridge {table}
            table bridge {table} {{
                chain from_host {{ ether type arp accept; {out_kept}{";" if kept else ""} drop; }}
                chain to_host {{ ether type arp accept; {in_kept}{";" if kept else ""} drop; }}
                chain forward {{
                    type filter hook forward priority 0; policy accept;
                    iifname "{port}" jump from_host
                    oifname "{port}" jump to_host
                }}
                chain input {{ type filter hook input priority 0; policy accept; iifname "{port}" jump from_host; }}
                chain output {{ type filter hook output priority 0; policy accept; oifname "{port}" jump to_host; }}
            }}
        """)

    def reconnect(self, place: Place) -> None:
        """Undo a cut. Does nothing where there is none."""
        table = cut_table(place)
        self._nft(f"table bridge {table}\ndelete table bridge {table}\n")

    @staticmethod
    def _ip(*lines: str) -> None:
        command(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n")

    @staticmethod
    def _nft(rules: str) -> None:
        command(["nft", "-f", "-"], stdin=rules)


def cut_table(place: Place) -> str:
    """The name of the nftables table that holds a host's cut."""
    return f"cut_{place.name}"
