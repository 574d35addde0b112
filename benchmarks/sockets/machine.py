"""Owns the shape of the machine that a crowd was held on, with the bounds that its system sets."""

import os
import platform
from typing import Any, Final

from benchmarks.machine import load_average
from benchmarks.sockets.limits import sysctl
from benchmarks.sockets.settings import files_a_process

SETTINGS: Final = (
    "net.core.somaxconn",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_max_tw_buckets",
    "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_count",
    "fs.file-max",
)


def describe() -> dict[str, Any]:
    """Say on what, and beside what load, the figures were taken."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory GiB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "files a process": files_a_process(),
        "sysctl": {name: sysctl(name) for name in SETTINGS},
        "load average": load_average(),
    }
