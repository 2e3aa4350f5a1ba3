"""How an operator is called in MDS, by whoever speaks it: the doors and what is published."""

import uuid

from shaodao.foundation import district


def provider_id(code: str) -> str:
    """The UUID under which the district knows an operator in MDS, by the code of its organisation."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"shaodao:{district.current().code}:{code}"))
