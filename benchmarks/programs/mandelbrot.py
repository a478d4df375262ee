"""The Mandelbrot set, counted rather than drawn."""


def run(n: int) -> int:
    """The steps that all points of a grid of n by n take, 50 at most each."""
    width = 3.0 / n
    total = 0
    for row in range(n):
        y = row * width - 1.5
        for column in range(n):
            x = column * width - 2.0
            re = im = 0.0
            steps = 0
            while steps < 50:
                re2 = re * re
                im2 = im * im
                if re2 + im2 > 4.0:
                    break
                im = re * im
                im = im + im + y
                re = re2 - im2 + x
                steps += 1
            total += steps
    return total
