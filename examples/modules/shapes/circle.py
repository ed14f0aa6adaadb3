"""Circles."""

import math

from .square import area


def area_in_square(size):
    """The area of the circle that fits into a square, rounded."""
    return round(area(size) * math.pi / 4, 2)
