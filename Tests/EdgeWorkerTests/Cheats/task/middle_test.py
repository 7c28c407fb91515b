import unittest

from solution import middle


def test_ascending():
    assert middle(1, 2, 3) == 2


def test_values():
    assert [middle(9, 4, 7), middle(0, -5, 5)] == [7, 0]


class MiddleTest(unittest.TestCase):
    def test_descending(self):
        self.assertEqual(middle(30, 20, 10), 20)

    def test_equal(self):
        for value in (0, 4, -1):
            with self.subTest(value=value):
                self.assertEqual(middle(value, value, value), value)
