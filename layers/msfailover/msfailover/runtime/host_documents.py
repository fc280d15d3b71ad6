"""What the SSM documents of a server's host are given: to say how its service is, to stop it and to start it.

Every order carries its epoch, and until when (seconds since 1970) it may be carried out.
"""

from __future__ import annotations

from msfailover.runtime.settings import ServerSettings


def for_status(settings: ServerSettings, **more: str) -> dict[str, str]:
    """The parameters of a question; `more` is what else the host is to say."""
    return {
        **more,
        "Service": settings.service,
        "StatusCommand": settings.status_command,
        "Package": settings.package,
    }


def for_stop(settings: ServerSettings, epoch: int, not_after: float, *, keep_role: bool) -> dict[str, str]:
    """The parameters of an order to stop; the host may stay the source of the replication."""
    return {
        **_common(settings, epoch, not_after),
        "KeepRole": "yes" if keep_role else "no",
        "StopCommand": settings.stop_command,
        "GraceSeconds": str(settings.stop_grace_s),
    }


def for_start(settings: ServerSettings, epoch: int, not_after: float) -> dict[str, str]:
    """The parameters of an order to start."""
    return {
        **_common(settings, epoch, not_after),
        "StartCommand": settings.start_command,
        "LimitSeconds": str(settings.start_limit_s),
    }


def _common(settings: ServerSettings, epoch: int, not_after: float) -> dict[str, str]:
    return {
        "Service": settings.service,
        "StatusCommand": settings.status_command,
        "Epoch": str(epoch),
        "NotAfter": str(int(not_after)),
    }
