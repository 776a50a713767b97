"""Errors raised on purpose: what was got, what was expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TalikError(Exception):
    """Base of every error raised on purpose by talik; `exit_code` is what the command line ends with."""

    exit_code = 3


class UsageError(TalikError, ValueError):
    """An argument, option or setting is not one of those that exist, or two of them contradict."""

    exit_code = 2


class UnknownName(UsageError, LookupError):
    """A name that is not in the list it was looked up in."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class DataError(TalikError, ValueError):
    """The data cannot carry the computation asked of them."""


class FileError(TalikError, ValueError):
    """A file cannot be read or written as asked; the message begins with its name and, where known, line."""


class UnknownFormat(FileError, LookupError):
    """No reader claims this file, or several do and none can be preferred."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class AmbiguousFile(FileError):
    """The file can be understood in more than one way; the message lists the candidates and how to choose."""


class StoreError(TalikError, RuntimeError):
    """The series store is missing, damaged, or in use by another writer."""


class RemoteError(TalikError, RuntimeError):
    """A data service refused, failed or sent something that is not what was asked for."""


class MissingExtra(TalikError, ImportError):
    """An optional package is needed for this and is not installed."""


def unknown(what: str, got: object, known: Iterable[object]) -> UnknownName:
    """
    The error for a name that is not in a list, with the nearest known names.

    Examples
    --------
    >>> print(unknown("variable", "snow_depht", ["snow_depth", "maat"]))
    unknown variable 'snow_depht'. Did you mean 'snow_depth'? Known: maat, snow_depth.
    """
    names = sorted(str(k) for k in known)
    near = difflib.get_close_matches(str(got), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return UnknownName(f"unknown {what} {got!r}.{hint} Known: {shown}.")


def missing_extra(purpose: str, package: str, extra: str) -> MissingExtra:
    """
    The error for an optional package that is not installed.

    Examples
    --------
    >>> print(missing_extra("the atlas", "bokeh", "atlas"))
    the atlas needs bokeh, which is not installed: pip install "talik[atlas]"
    """
    return MissingExtra(f'{purpose} needs {package}, which is not installed: pip install "talik[{extra}]"')
