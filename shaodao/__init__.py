"""哨到 Shaodao: fine-grained management of a city district. The house is drawn in docs/architecture.md."""

__version__ = "0.1.0"
