"""What the name resolves to, asked of name servers and not of a cache of ours."""

from __future__ import annotations

import dns.exception
import dns.resolver

from msfailover.verdict import Verdict, unknown, yes


def resolve(name: str, record_type: str, resolvers: tuple[str, ...], timeout_s: float) -> Verdict:
    """What addresses a name has now, as the first of the name servers says that answers.

    Args:
        name: the name.
        record_type: "A" or "AAAA".
        resolvers: servers to ask; none means the VPC's own resolver.
        timeout_s: seconds for all of it. They are shared: a server that does not answer costs its share of them.

    Returns:
        yes with `addresses` in its evidence, or unknown. That a name does not exist is an answer: no addresses.
    """
    resolver = dns.resolver.Resolver(configure=not resolvers)
    resolver.cache = None
    if resolvers:
        resolver.nameservers = list(resolvers)
    resolver.timeout = timeout_s / max(1, len(resolver.nameservers))
    try:
        answer = resolver.resolve(name, record_type, lifetime=timeout_s, search=False)
        found = sorted(str(each) for each in answer)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        found = []
    except dns.exception.DNSException as error:
        return unknown(f"The name servers do not say where {name} points: {type(error).__name__}")
    return yes(f"{name} points to {', '.join(found) or 'nothing'}.", addresses=found)
