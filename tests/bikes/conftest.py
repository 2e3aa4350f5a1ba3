import pytest

from shaodao.bikes import ground
from tests.bikes.office import Office


@pytest.fixture(autouse=True)
def _fresh_ground():
    """Bays and grid are cached per process; each test has a database of its own."""
    ground.forget()
    yield
    ground.forget()


@pytest.fixture
def office(monday, town):
    """The town on an ordinary Monday, ready for operators."""
    return Office(town)
