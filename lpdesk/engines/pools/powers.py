"""Fixed-point powers as Balancer's contracts compute them, to the last digit. 18 decimals.

Logarithm and exponential take out known powers of e, then a short series; every division cuts
towards zero. Protocols 4.6.
"""

from __future__ import annotations

from lpdesk.engines.pools.errors import NoSwap

E18, E20, E36 = 10**18, 10**20, 10**36
NEAR_ONE = E18 // 10
RELATIVE_ERROR = 10_000

_LARGE = ((128 * E18, 38877084059945950922200000000000000000000000000000000000),
          (64 * E18, 6235149080811616882910000000))  # fmt: skip
"""x and e^x as a whole number."""

_SMALL = (
    (32 * E20, 7896296018268069516100000000000000),
    (16 * E20, 888611052050787263676000000),
    (8 * E20, 298095798704172827474000),
    (4 * E20, 5459815003314423907810),
    (2 * E20, 738905609893065022723),
    (E20, 271828182845904523536),
    (E20 // 2, 164872127070012814685),
    (E20 // 4, 128402541668774148407),
    (E20 // 8, 113314845306682631683),
    (E20 // 16, 106449445891785942956),
)
"""x and e^x with 20 decimals."""


def cut(a: int, b: int) -> int:
    """a / b towards zero; b is positive."""
    return a // b if a >= 0 else -(-a // b)


def mul_down(a: int, b: int) -> int:
    return a * b // E18


def mul_up(a: int, b: int) -> int:
    return -(-a * b // E18)


def div_down(a: int, b: int) -> int:
    return a * E18 // b


def div_up(a: int, b: int) -> int:
    return -(-a * E18 // b)


def exp(x: int) -> int:
    """e^x. Raises `NoSwap` beyond what the contract allows."""
    if not -41 * E18 <= x <= 130 * E18:
        raise NoSwap("exponent out of range")
    if x < 0:
        return E18 * E18 // exp(-x)
    first = 1
    for power, e in _LARGE:
        if x >= power:
            x, first = x - power, e
            break
    x, product = x * 100, E20
    for power, e in _SMALL[:8]:
        if x >= power:
            x, product = x - power, product * e // E20
    total, term = E20 + x, x
    for n in range(2, 13):
        term = term * x // E20 // n
        total += term
    return product * total // E20 * first // 100


def ln(a: int) -> int:
    """The natural logarithm, 18 decimals."""
    if a < E18:
        return -ln(E18 * E18 // a)
    total = 0
    for power, e in _LARGE:
        if a >= e * E18:
            a, total = a // e, total + power
    total, a = total * 100, a * 100
    for power, e in _SMALL:
        if a >= e:
            a, total = a * E20 // e, total + power
    z = (a - E20) * E20 // (a + E20)
    return (total + _atanh(z, E20, 11)) // 100


def ln_near_one(a: int) -> int:
    """The natural logarithm of what is within a tenth of one, 36 decimals."""
    a *= E18
    return _atanh(cut((a - E36) * E36, a + E36), E36, 15)


def _atanh(z: int, one: int, last: int) -> int:
    """2 * (z + z^3 / 3 + z^5 / 5 + …)."""
    square, term, total = z * z // one, z, z
    for n in range(3, last + 1, 2):
        term = cut(term * square, one)
        total += cut(term, n)
    return 2 * total


def power(x: int, y: int) -> int:
    """x^y of not negative numbers. Raises `NoSwap`."""
    if y == 0:
        return E18
    if x == 0:
        return 0
    if E18 - NEAR_ONE < x < E18 + NEAR_ONE:
        near = ln_near_one(x)
        whole = cut(near, E18)
        product = whole * y + cut((near - whole * E18) * y, E18)
    else:
        product = ln(x) * y
    return exp(cut(product, E18))


def power_up(x: int, y: int) -> int:
    """x^y, rounded up by the error it may have; of 1, 2 and 4 exactly."""
    if y == E18:
        return x
    if y == 2 * E18:
        return mul_up(x, x)
    if y == 4 * E18:
        square = mul_up(x, x)
        return mul_up(square, square)
    raw = power(x, y)
    return raw + mul_up(raw, RELATIVE_ERROR) + 1
