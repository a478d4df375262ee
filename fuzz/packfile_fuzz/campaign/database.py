"""Failing examples for hypothesis: kept in a directory, and shared through Redis where there is one.

Assumes that whoever reads the database trusts who writes it. Promises that bytes saved by one process are seen by
others: those of the directory, and those of the Redis server.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase, MultiplexedDatabase

from packfile_fuzz.generator import from_seed
from packfile_fuzz.results import Failure

_CONNECT = 5.0
"""Seconds to reach the Redis server."""


class DatabaseError(Exception):
    """The database cannot be used; the text says why."""


def database(directory: Path, redis_url: str | None = None) -> ExampleDatabase:
    """The example database: a directory, and a Redis server as well where its URL is given.

    Raises:
        DatabaseError: The client library is missing, the URL is none, or no server answers there.
    """
    local = DirectoryBasedExampleDatabase(directory)
    if redis_url is None:
        return local
    try:
        import redis  # noqa: PLC0415 - an extra that most do without
        from hypothesis.extra.redis import RedisExampleDatabase  # noqa: PLC0415
    except ImportError:
        raise DatabaseError("a Redis URL needs the package redis: pip install redis") from None
    try:
        server = redis.Redis.from_url(redis_url, socket_connect_timeout=_CONNECT, socket_timeout=_CONNECT)
        server.ping()
    except (ValueError, redis.RedisError) as error:
        raise DatabaseError(f"{redis_url}: {error}") from None
    return MultiplexedDatabase(local, RedisExampleDatabase(server))


def key(kind: str) -> bytes:
    """The key under which failing bytes of a kind, `program` or `malformed`, stand."""
    return f"packfile-fuzz {kind}".encode()


def data_of(failure: Failure) -> bytes:
    """What makes a failing example again: the generator's bytes of a program, the seed of a broken file in digits."""
    return from_seed(failure.seed) if failure.kind == "program" else str(failure.seed).encode()


def save(store: ExampleDatabase, failure: Failure) -> None:
    """Keep what makes a failing example again."""
    store.save(key(failure.kind), data_of(failure))


def saved(store: ExampleDatabase, kind: str) -> Iterable[bytes]:
    """What makes the failing examples of a kind, in order."""
    return sorted(set(store.fetch(key(kind))))
