import pytest

from tests.bikes.office import Office


@pytest.fixture
def office(monday, town):
    """The town on an ordinary Monday, ready for operators."""
    return Office(town)
