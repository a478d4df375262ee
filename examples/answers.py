"""What the examples print, computed anew in plain Python by means of its own: nothing here knows of Packfile."""

import math
import re
from collections.abc import Callable

_MASK = (1 << 64) - 1


def hello() -> str:
    """A greeting."""
    return "hello, world\n"


def fib() -> str:
    """The first sixteen Fibonacci numbers."""
    numbers = [0, 1]
    while len(numbers) < 16:
        numbers.append(numbers[-2] + numbers[-1])
    return " ".join(map(str, numbers)) + "\n"


def sieve() -> str:
    """How many numbers below 10,000 no lesser number divides."""
    return f"{sum(all(n % d for d in range(2, math.isqrt(n) + 1)) for n in range(2, 10_000))}\n"


def mandelbrot() -> str:
    """The picture, with complex numbers written out so that each operation rounds as the example's does."""
    palette = " ..::--==++**xx%%##@"

    def steps(x: float, y: float) -> int:
        re = im = 0.0
        for step in range(len(palette) - 1):
            if re * re + im * im > 4.0:
                return step
            re, im = re * re - im * im + x, re * im + re * im + y
        return len(palette) - 1

    rows = [[steps(column * 0.04 - 2.1, row * 0.1 - 1.2) for column in range(72)] for row in range(25)]
    return "".join("".join(palette[steps] for steps in row) + "\n" for row in rows)


_PLANETS = {
    "Sun": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    "Jupiter": (
        4.84143144246472090e00, -1.16032004402742839e00, -1.03622044471123109e-01,
        1.66007664274403694e-03, 7.69901118419740425e-03, -6.90460016972063023e-05, 9.54791938424326609e-04,
    ),
    "Saturn": (
        8.34336671824457987e00, 4.12479856412430479e00, -4.03523417114321381e-01,
        -2.76742510726411886e-03, 4.99852801234917238e-03, 2.30417297573763929e-05, 2.85885980666130812e-04,
    ),
    "Uranus": (
        1.28943695621391310e01, -1.51111514016986312e01, -2.23307578892655734e-01,
        2.96460137564761618e-03, 2.37847173959480950e-03, -2.96589568540237556e-05, 4.36624404335156298e-05,
    ),
    "Neptune": (
        1.53796971148509165e01, -2.59193146099879641e01, 1.79258772950371181e-01,
        2.68067772490389322e-03, 1.62824170038242295e-03, -9.51592254519715870e-05, 5.15138902046611451e-05,
    ),
}  # fmt: skip
"""Position in astronomical units, velocity in units a day, and mass in solar masses."""


def nbody() -> str:
    """The energy before and after 300 steps. Floats are not associative: the order of operations is the example's."""
    solar_mass = 4 * math.pi * math.pi
    bodies = [[*b[:3], *(v * 365.24 for v in b[3:6]), b[6] * solar_mass] for b in _PLANETS.values()]
    for axis in (3, 4, 5):
        momentum = 0.0
        for body in bodies:
            momentum += body[axis] * body[6]
        bodies[0][axis] = -(momentum / bodies[0][6])
    before = _energy(bodies)
    for _ in range(300):
        _advance(bodies, 0.01)
    return f"{before!r}\n{_energy(bodies)!r}\n"


def _energy(bodies: list[list[float]]) -> float:
    energy = 0.0
    for index, one in enumerate(bodies):
        energy += 0.5 * one[6] * _square(*one[3:6])
        for other in bodies[index + 1 :]:
            energy -= one[6] * other[6] / math.sqrt(_square(*(p - q for p, q in zip(one[:3], other[:3], strict=True))))
    return energy


def _advance(bodies: list[list[float]], dt: float) -> None:
    for index, one in enumerate(bodies):
        for other in bodies[index + 1 :]:
            distance = [p - q for p, q in zip(one[:3], other[:3], strict=True)]
            square = _square(*distance)
            pull = dt / (square * math.sqrt(square))
            for axis in range(3):
                one[3 + axis] -= distance[axis] * (other[6] * pull)
                other[3 + axis] += distance[axis] * (one[6] * pull)
    for body in bodies:
        for axis in range(3):
            body[axis] += body[3 + axis] * dt


def _square(x: float, y: float, z: float) -> float:
    return x * x + y * y + z * z


def quicksort() -> str:
    """The least, the middle and the greatest of the numbers, and that all is well."""
    state, numbers = 2002, []
    for _ in range(1000):
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
        z ^= z >> 31
        numbers.append(z - (1 << 64) if z >> 63 else z)
    numbers.sort()
    return "".join(f"{n}\n" for n in (numbers[0], numbers[500], numbers[999], 1))


def search() -> str:
    """Where the word stands in the song."""
    song = (
        "The wheels on the bus go round and round, round and round, round and round. "
        "The wheels on the bus go round and round, all around the town."
    )
    return "".join(f"{found.start()}\n" for found in re.finditer("(?=round)", song))


def matmul() -> str:
    """The product of the two matrices; each sum goes from left to right."""
    left = [[0.1, 0.2, 0.3, 0.4], [1.5, -2.5, 3.5, -4.5], [1e10, 1.0, 1e-10, 0.0], [0.333, 0.667, -0.333, -0.667]]
    right = [
        [1.0, 2.0, 3.0, 4.0],
        [0.5, 0.25, 0.125, 0.0625],
        [-1.0, 1e3, -1e6, 1e9],
        [3.14159, 2.71828, 1.41421, 1.61803],
    ]
    rows = []
    for row in left:
        sums = [0.0] * 4
        for factor, terms in zip(row, right, strict=True):
            sums = [total + factor * term for total, term in zip(sums, terms, strict=True)]
        rows.append(" ".join(map(repr, sums)) + "\n")
    return "".join(rows)


def shapes() -> str:
    """Areas of a rectangle and a circle, the circumference of the circle, and calls of the library."""
    return f"{3.0 * 4.5!r}\n{2.0 * 2.0 * math.pi!r}\n{math.pi * 4.0!r}\n2\n"


def plugin_absent() -> str:
    """The message as it is."""
    return "hello from the plug-in example\n"


def plugin_present() -> str:
    """What the plug-in makes of it."""
    return plugin_absent().upper()


def interpreter() -> str:
    """Factorials, and 0 for a good end."""
    return "".join(f"{math.factorial(n)}\n" for n in range(1, 11)) + "0\n"


ANSWERS: dict[str, Callable[[], str]] = {
    function.__name__: function
    for function in (
        hello, fib, sieve, mandelbrot, nbody, quicksort, search, matmul, shapes, plugin_absent, plugin_present,
        interpreter,
    )
}  # fmt: skip
"""By the name of the file in `expected/`."""
