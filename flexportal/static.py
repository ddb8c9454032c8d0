"""Static files: the few that are served from node_modules, and the hashed storage of production."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class NodeModulesFinder(BaseFinder):
    """Finds exactly the files that settings.NODE_MODULES names, nothing else of what npm installed."""

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        source: Path | None = settings.NODE_MODULES.get(path)
        found = [str(source)] if source and source.is_file() else []
        return found if find_all or kwargs.get("all") else (found[0] if found else [])

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[tuple[str, "Renamed"]]:
        storage = Renamed(settings.NODE_MODULES)
        return ((path, storage) for path, source in settings.NODE_MODULES.items() if source.is_file())


class Renamed(FileSystemStorage):
    """Files by the name under which they are served instead of the one under which npm put them."""

    prefix = None

    def __init__(self, sources: Mapping[str, Path]) -> None:
        super().__init__(location=settings.BASE_DIR)
        self.sources = sources

    def path(self, name: str) -> str:
        return str(self.sources[name])


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Names with a hash. Source maps are not served, so a comment that points at one must not stop us."""

    support_js_module_import_aggregation = True
    patterns = tuple(
        (extension, tuple(rule for rule in rules if "sourceMappingURL" not in str(rule)))
        for extension, rules in CompressedManifestStaticFilesStorage.patterns
    )
