"""Runs a command to which the kernel refuses user namespaces, by the kind of filter that containers have.

A script of its own, because the filter can't be taken off again.
"""

import ctypes
import errno
import os
import platform
import sys

_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_MODE_FILTER = 2
_UNSHARE = {"x86_64": 272, "aarch64": 97}

_LOAD_SYSCALL_NUMBER = 0x20
_RETURN = 0x06
_JUMP_IF_EQUAL = 0x15
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def refuse_unshare() -> None:
    """Let every `unshare` of this process and its children fail with EPERM."""
    instructions = (_Instruction * 4)(
        _Instruction(_LOAD_SYSCALL_NUMBER),
        _Instruction(_JUMP_IF_EQUAL, 0, 1, _UNSHARE[platform.machine()]),
        _Instruction(_RETURN, 0, 0, _REFUSE),
        _Instruction(_RETURN, 0, 0, _ALLOW),
    )
    program = _Program(len(instructions), instructions)
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program)),
    ):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "no filter")


if __name__ == "__main__":
    refuse_unshare()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  # no shell is what we want
