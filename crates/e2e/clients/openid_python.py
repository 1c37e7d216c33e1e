"""What the scripts for Python's OpenID clients share: the test is their browser, see src/scripted.rs."""

import json
import sys
from contextlib import contextmanager


def read():
    return json.loads(sys.stdin.readline())


def show(value):
    print(json.dumps(value), flush=True)


def ask(question):
    show(question)
    return read()


@contextmanager
def refused(kind, text):
    """What stands below it has to fail in this way."""
    try:
        yield
    except kind as error:
        assert text in repr(error) + str(error), f"refused, but by {error!r}"
    else:
        raise AssertionError(f"not refused with {text}")
