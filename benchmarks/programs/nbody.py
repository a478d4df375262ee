"""The Sun and four planets."""

import math

_INITIAL = [
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 39.47841760435743],
    [
        4.841431442464721,
        -1.1603200440274284,
        -0.10362204447112311,
        0.606326392995832,
        2.81198684491626,
        -0.02521836165988763,
        0.03769367487038949,
    ],
    [
        8.34336671824458,
        4.124798564124305,
        -0.4035234171143214,
        -1.0107743461771468,
        1.8256623712304119,
        0.008415761376584154,
        0.011286326131968767,
    ],
    [
        12.894369562139131,
        -15.111151401698631,
        -0.22330757889265573,
        1.0827910064415354,
        0.8687130181696082,
        -0.010832637401363636,
        0.0017237240570597112,
    ],
    [
        15.379697114850917,
        -25.919314609987964,
        0.17925877295037118,
        0.979090732243898,
        0.5946989986476762,
        -0.034755955504078104,
        0.0020336868699246304,
    ],
]
"""x, y, z, vx, vy, vz and mass of each body."""


def run(n: int) -> float:
    """The energy after n steps of 0.01 years, for n of 1 or more."""
    bodies = [list(body) for body in _INITIAL]
    for _ in range(n):
        advance(bodies, 0.01)
    return energy(bodies)


def advance(bodies: list[list[float]], dt: float) -> None:
    """Move everything on by dt years."""
    for position, one in enumerate(bodies):
        x, y, z, vx, vy, vz, mass = one
        for other in bodies[position + 1 :]:
            dx = x - other[0]
            dy = y - other[1]
            dz = z - other[2]
            square = dx * dx + dy * dy + dz * dz
            mag = dt / (square * math.sqrt(square))
            pull = other[6] * mag
            vx -= dx * pull
            vy -= dy * pull
            vz -= dz * pull
            pull = mass * mag
            other[3] += dx * pull
            other[4] += dy * pull
            other[5] += dz * pull
        one[3] = vx
        one[4] = vy
        one[5] = vz
    for body in bodies:
        body[0] += body[3] * dt
        body[1] += body[4] * dt
        body[2] += body[5] * dt


def energy(bodies: list[list[float]]) -> float:
    """Kinetic energy of all bodies less the potential energy of all pairs."""
    total = 0.0
    for position, one in enumerate(bodies):
        total += 0.5 * one[6] * (one[3] * one[3] + one[4] * one[4] + one[5] * one[5])
        for other in bodies[position + 1 :]:
            dx = one[0] - other[0]
            dy = one[1] - other[1]
            dz = one[2] - other[2]
            total -= one[6] * other[6] / math.sqrt(dx * dx + dy * dy + dz * dz)
    return total
