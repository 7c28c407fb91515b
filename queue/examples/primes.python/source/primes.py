"""Counts the primes below a number (the sieve of Eratosthenes)."""

import sys


def primes(limit):
    sieve = bytearray([1]) * limit
    sieve[:2] = b"\0\0"
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return [number for number in range(limit) if sieve[number]]


found = primes(int(sys.argv[1]))
with open("primes.txt", "w") as file:
    file.writelines(f"{number}\n" for number in found)
print(f"{len(found)} primes, the last is {found[-1]}")
