from to_base import to_base

testdata = [
    [[8227, 18], "1771"],
    [[73, 8], "111"],
    [[16, 19], "G"],
    [[31, 16], "1F"],
    [[41, 2], "101001"],
    [[44, 5], "134"],
    [[27, 23], "14"],
    [[56, 23], "2A"],
    [[8237, 24], "E75"],
    [[8237, 34], "749"],
]


def check(input_data, expected):
    assert to_base(*input_data) == expected


def test_case_1():
    check(*testdata[1 - 1])


def test_case_2():
    check(*testdata[2 - 1])


def test_case_3():
    check(*testdata[3 - 1])


def test_case_4():
    check(*testdata[4 - 1])


def test_case_5():
    check(*testdata[5 - 1])


def test_case_6():
    check(*testdata[6 - 1])


def test_case_7():
    check(*testdata[7 - 1])


def test_case_8():
    check(*testdata[8 - 1])


def test_case_9():
    check(*testdata[9 - 1])


def test_case_10():
    check(*testdata[10 - 1])
