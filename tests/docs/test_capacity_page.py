"""The page on capacity: what it says that fleets need is what its own table of costs comes to."""

from pathlib import Path

from bench.capacity import plan_lines, read_costs

PAGE = (Path(__file__).parents[2] / "docs" / "capacity.md").read_text().splitlines()


def test_the_fleets_are_computed_from_the_costs() -> None:
    """Every line of the second table follows from the first."""
    expected = list(plan_lines(read_costs(PAGE)))
    begin = PAGE.index(expected[0])
    assert expected == PAGE[begin : begin + len(expected)]
