"""How long a block takes to all other replicas."""

from tests.e2e.fleet.scene import Scene

CREATED = 201


def spread(scene: Scene, times: int) -> list[float]:
    """Block one certificate after the other, each at the next replica; seconds from each 201 to each deny elsewhere.

    Raises:
        AssertionError: a block was not answered with 201, or somebody never denies.
    """
    seconds: list[float] = []
    for number in range(times):
        place, client = number % len(scene.replicas), scene.spare()
        answer = scene.block(place, client)
        assert answer.status == CREATED, answer.document
        others = [one for one in scene.replicas if one.number != place]
        seconds += scene.until_denied([client], answer.at, others).values()
    return seconds
