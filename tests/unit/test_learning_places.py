"""How many cameras learn at once: as many as there are places, in the order in which they asked."""

from watchpost.ingest.learning_places import LearningPlaces


def test_places_go_to_those_that_asked_first() -> None:
    places = LearningPlaces(2)

    assert [places.has_place(camera) for camera in ("door", "yard", "hall")] == [True, True, False]
    assert [places.has_place(camera) for camera in ("hall", "yard", "door")] == [False, True, True]


def test_place_given_back_goes_to_who_waited_longest() -> None:
    places = LearningPlaces(1)
    for camera in ("door", "yard", "hall"):
        places.has_place(camera)

    places.give_back("door")

    assert not places.has_place("door")
    assert not places.has_place("hall")
    assert places.has_place("yard")


def test_who_no_longer_waits_is_passed_over() -> None:
    places = LearningPlaces(1)
    for camera in ("door", "yard", "hall"):
        places.has_place(camera)

    places.give_back("yard")
    places.give_back("yard")
    places.give_back("door")

    assert places.has_place("hall")


def test_every_camera_of_many_learns_in_its_turn() -> None:
    places, cameras = LearningPlaces(3), list(range(64))
    learned: list[int] = []

    while len(learned) < len(cameras):
        learning = [camera for camera in cameras if camera not in learned and places.has_place(camera)]
        assert len(learning) <= 3
        learned.append(learning[0])
        places.give_back(learning[0])

    assert learned == cameras


def test_a_machine_has_at_least_a_place() -> None:
    assert LearningPlaces().has_place("door")
