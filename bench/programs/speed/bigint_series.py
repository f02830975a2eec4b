"""Big integers and fractions: digits of pi, factorials, modular powers and exact sums, where
each step makes a number of another length."""
import fractions
import math

import workload


def pi_digits(count):
    """Gibbons' unbounded spigot."""
    digits = []
    q, r, t, k, n, l = 1, 0, 1, 1, 3, 3
    while len(digits) < count:
        if 4 * q + r - t < n * t:
            digits.append(n)
            q, r, n = 10 * q, 10 * (r - n * t), 10 * (3 * q + r) // t - 10 * n
        else:
            q, r, t, k, n, l = (q * k, (2 * q + r) * l, t * l, k + 1,
                                (q * (7 * k + 2) + r * l) // (t * l), l + 2)
    return "".join(map(str, digits))


def harmonic(count):
    total = fractions.Fraction(0)
    for number in range(1, count + 1):
        total += fractions.Fraction(1, number)
    return total


def rsa_round(messages):
    p, q = 2 ** 127 - 1, 2 ** 89 - 1
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    return all(pow(pow(message, e, p * q), d, p * q) == message for message in messages)


def work(state, number):
    table = [math.factorial(count) for count in range(0, 400, 3)]
    binomials = [[1]]
    for _ in range(150):
        row = binomials[-1]
        binomials.append([1] + [a + b for a, b in zip(row, row[1:])] + [1])
    return (pi_digits(350), harmonic(250), table, sum(binomials[-1]),
            rsa_round(range(10 ** 20, 10 ** 20 + 10)))


def check(state, number, result):
    pi, total, table, row, good = result
    return (pi.startswith("31415926535897932384626433832795") and len(pi) == 350
            and abs(float(total) - 6.1006753) < 1e-6 and table[5] == 1307674368000
            and row == 2 ** 150 and good)


if __name__ == "__main__":
    workload.main(work, check, rounds=200)
