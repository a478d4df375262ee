"""The sieve of Eratosthenes."""


def run(n: int) -> int:
    """How many primes are below n."""
    composite = bytearray(n)
    number = 2
    primes = 0
    while number < n:
        if not composite[number]:
            primes += 1
            multiple = number * number
            while multiple < n:
                composite[multiple] = 1
                multiple += number
        number += 1
    return primes
