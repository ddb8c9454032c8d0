"""Lets libxml2 forget the names that it has read, of which a stranger can think up new ones without end.

lxml has a dictionary of names and blanks for each thread, and keeps it for as long as the thread lives: two
megabytes of new names are three that never come back. Nothing public of lxml empties it, but where there is
none it makes one, and documents that still use the old one keep that alive.
"""

import ctypes
import threading
from typing import Any

FORGET_AFTER = 4 * 1024 * 1024  # bytes that a thread has read

_thread = threading.local()
_state_of_thread = ctypes.pythonapi.PyThreadState_GetDict
_state_of_thread.restype = ctypes.c_void_p  # not py_object: the reference is a borrowed one


def forget_now_and_then(length: int) -> None:
    """To be told before so many bytes are parsed."""
    _thread.read = getattr(_thread, "read", 0) + length
    if _thread.read > FORGET_AFTER:
        _thread.read = length
        state: dict[str, Any] = ctypes.cast(_state_of_thread(), ctypes.py_object).value
        state.pop("_ParserDictionaryContext", None)
