"""What the integration tests share."""

from collections.abc import Iterator

import pytest

from tests.fakes.acting_site import ActingSite
from tests.fakes.api_service import ApiService
from tests.fakes.model_files import fresh_analyzer, models_dir
from watchpost.stream.embedded import EmbeddedKafka

__all__ = ["fresh_analyzer", "models_dir"]


@pytest.fixture(scope="module")
def site_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker for the site's end, beside `embedded_broker`, which is the centre's."""
    with EmbeddedKafka(tmp_path_factory.mktemp("site")) as kafka:
        yield kafka


@pytest.fixture
def site(api: ApiService) -> Iterator[ActingSite]:
    """The rest of the site that `api` belongs to, acted; each test leaves no camera of a call behind."""
    with ActingSite(api.settings.kafka.address) as acting:
        yield acting
        acting.wait_until_free()
