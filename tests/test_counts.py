from autotune.counts import counted


def test_one_and_many() -> None:
    assert [counted(n, "linear layer") for n in (0, 1, 1200)] == [
        "0 linear layers",
        "1 linear layer",
        "1,200 linear layers",
    ]
    assert [counted(n, "class", "classes") for n in (1, 2)] == ["1 class", "2 classes"]
