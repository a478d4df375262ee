"""Calls of the kernel that Python does not offer: ptrace, a seccomp filter, and advice to another process's memory.

Assumes Linux. Numbers are those of its headers; a function raises OSError where the kernel refuses.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Sequence
from dataclasses import dataclass

PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SEIZE, PTRACE_LISTEN = 7, 24, 0x4206, 0x4208
EVENT_FORK, EVENT_VFORK, EVENT_CLONE, EVENT_EXEC, EVENT_EXIT, EVENT_SECCOMP, EVENT_STOP = 1, 2, 3, 4, 6, 7, 128
WALL = 0x40000000
_GETEVENTMSG, _GET_SYSCALL_INFO = 0x4201, 0x420E
_SYSGOOD, _EXITKILL = 1, 1 << 20
OPTIONS = _SYSGOOD | _EXITKILL | sum(1 << event for event in range(1, 8) if event != 5)
"""Every event but the end of a vfork; and nobody lives on if the observer dies."""
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_RET_TRACE, _RET_ALLOW = 0x7FF00000, 0x7FFF0000
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_PROCESS_MADVISE = 440
MADV_PAGEOUT = 21

READS = ("read", "readv", "pread64", "preadv", "preadv2", "sendfile", "splice", "copy_file_range")
"""Calls that take bytes of a file past any mapping; the descriptor is their first argument, of sendfile the second."""
LOSSES = ("munmap", "mremap", "madvise", "execve", "execveat", "mprotect")
"""Calls after which a mapping may not be there any more, or not as it was."""
_CALLS = {
    "x86_64": (0xC000003E, {
        "read": 0, "mmap": 9, "mprotect": 10, "munmap": 11, "pread64": 17, "readv": 19, "mremap": 25, "madvise": 28,
        "sendfile": 40, "execve": 59, "splice": 275, "preadv": 295, "execveat": 322, "copy_file_range": 326,
        "preadv2": 327,
    }),
    "aarch64": (0xC00000B7, {
        "read": 63, "readv": 65, "pread64": 67, "preadv": 69, "sendfile": 71, "splice": 76, "munmap": 215,
        "mremap": 216, "execve": 221, "mmap": 222, "mprotect": 226, "madvise": 233, "execveat": 281,
        "copy_file_range": 285, "preadv2": 286,
    }),
}  # fmt: skip

_NAMES = {number: name for name, number in _CALLS.get(platform.machine(), (0, {}))[1].items()}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long
_libc.syscall.restype = ctypes.c_long


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that is about to be made."""

    name: str
    arguments: tuple[int, ...]


def _check(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def ptrace(request: int, pid: int, data: int = 0) -> None:
    """One request of ptrace that only takes a number."""
    _check(_libc.ptrace(request, pid, 0, data))


def event_message(pid: int) -> int:
    """What an event says beside its kind: the new process, or the former one."""
    value = ctypes.c_ulong()
    _check(_libc.ptrace(_GETEVENTMSG, pid, 0, ctypes.addressof(value)))
    return value.value


def _call_info(pid: int) -> bytes:
    buffer = ctypes.create_string_buffer(88)
    _check(_libc.ptrace(_GET_SYSCALL_INFO, pid, len(buffer), ctypes.addressof(buffer)))
    return buffer.raw


def stopped_call(pid: int) -> Call:
    """The call before which the filter stopped a process."""
    number, *arguments = struct.unpack_from("=7Q", _call_info(pid), 24)
    return Call(_NAMES[number], tuple(arguments))


def call_result(pid: int) -> int:
    """What the call returned after which a process stopped; below zero for an error."""
    return int(struct.unpack_from("=q", _call_info(pid), 24)[0])


def filter_program() -> bytes | None:
    """A filter that stops before the calls that matter; None for a machine whose numbers are not known here."""
    if platform.machine() not in _CALLS:
        return None
    arch, numbers = _CALLS[platform.machine()]
    # In a compatibility mode the numbers mean other calls: let them pass, the look at exit comes anyway.
    code = [(_LOAD, 0, 0, 4), (_JUMP_EQUAL, 1, 0, arch), (_RETURN, 0, 0, _RET_ALLOW), (_LOAD, 0, 0, 0)]
    for name, number in numbers.items():
        if name != "mmap":
            code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _RET_TRACE)]
    # mmap without a descriptor is how memory is had, and no concern.
    code += [(_JUMP_EQUAL, 1, 0, numbers["mmap"]), (_RETURN, 0, 0, _RET_ALLOW), (_LOAD, 0, 0, 16 + 8 * 4)]
    code += [(_JUMP_EQUAL, 0, 1, 0xFFFFFFFF), (_RETURN, 0, 0, _RET_ALLOW), (_RETURN, 0, 0, _RET_TRACE)]
    return b"".join(struct.pack("=HBBI", *row) for row in code)


def install_filter(program: bytes) -> None:
    """Makes the filter that of this process and of all that descend from it."""
    kept = ctypes.create_string_buffer(program, len(program))
    value = _Program(len(program) // 8, ctypes.cast(kept, ctypes.c_char_p))
    arguments = (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(value), 0, 0)
    if _libc.prctl(*arguments) == -1:
        # Only the superuser may go without this; a traced program gains no privileges by exec anyway.
        _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _check(_libc.prctl(*arguments))


def adopt_orphans() -> None:
    """Makes this process the parent of what descends from it and loses its own, so that none is left unreaped."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def page_out(pid: int, ranges: Sequence[tuple[int, int]]) -> None:
    """Asks the kernel to drop the pages of another process's ranges of addresses, as it would under pressure."""
    descriptor = os.pidfd_open(pid)
    try:
        for start, end in ranges:
            # The kernel may do part of it and say how much.
            at = start
            while at < end:
                vector = _Vector(at, end - at)
                done = _check(
                    _libc.syscall(
                        _PROCESS_MADVISE, descriptor, ctypes.byref(vector), ctypes.c_ulong(1), MADV_PAGEOUT, 0
                    )
                )
                if done == 0:
                    break
                at += done
    finally:
        os.close(descriptor)
