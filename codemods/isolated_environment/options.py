"""The codemod's table in the config."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ssot_fix.project.classify import Globs

NAME = "isolated-environment"
# Variables that the operating system, Python or other programs read: written, they must stay in os.environ.
EXTERNAL_KEYS = (
    *("PATH", "HOME", "USER", "SHELL", "TERM", "COLUMNS", "LINES", "TMPDIR", "TEMP", "TMP", "TZ", "LANG"),
    *("LANGUAGE", "LC_*", "LD_*", "DYLD_*", "PWD", "DISPLAY", "EDITOR", "PAGER", "SSH_*", "SSL_*", "XDG_*"),
    *("USERPROFILE", "APPDATA", "LOCALAPPDATA", "SYSTEMROOT", "COMSPEC", "PATHEXT", "PROGRAMFILES*"),
    *(
        "PYTHON*",
        "PYTEST_*",
        "COVERAGE_*",
        "PIP_*",
        "UV_*",
        "VIRTUAL_ENV",
        "CONDA_*",
        "NO_COLOR",
        "FORCE_COLOR",
    ),
    *("CI", "GITHUB_*", "GITLAB_*", "RUNNER_*", "BUILDKITE*", "CIRCLE*", "JENKINS_*", "TRAVIS*"),
    *(
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_*",
        "CLOUDSDK_*",
        "GCLOUD_*",
        "AWS_*",
        "AZURE_*",
        "KUBE*",
    ),
    *("DOCKER_*", "COMPOSE_*", "BUILDKIT_*", "OTEL_*", "SENTRY_*", "GRPC_*", "GLOG_*", "TF_*", "CUDA_*"),
    *(
        "NVIDIA_*",
        "OMP_*",
        "MKL_*",
        "OPENBLAS_*",
        "NUMEXPR_*",
        "TOKENIZERS_PARALLELISM",
        "HF_*",
        "TRANSFORMERS_*",
    ),
    *("*_PROXY", "*_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_*", "PG*", "DJANGO_SETTINGS_MODULE"),
    *("FLASK_*", "NODE_*", "JAVA_*", "QT_*", "SDL_*", "MPL*", "KMP_*", "JAX_*", "XLA_*", "LOGNAME", "KRB5*"),
    *("CUBLAS_*", "NCCL_*", "PYTORCH_*", "TORCH_*", "MASTER_ADDR", "MASTER_PORT", "RANK", "LOCAL_RANK", "WORLD_SIZE"),
    *("ACCELERATE_*", "RUST_*", "TIKTOKEN_*", "TQDM_*", "TWINE_*", "COMP_WORDS", "COMP_CWORD", "DOCUTILSCONFIG"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """`[tool.ssot-fix.isolated-environment]`; `explain isolated-environment` says what each key does."""

    accessor: str | None = None
    accessor_class: str | None = None
    lookup: str | None = None
    allow: tuple[Literal["set", "delete", "contains", "copy"], ...] = ()
    external_keys: tuple[str, ...] = EXTERNAL_KEYS
    extend_external_keys: tuple[str, ...] = ()
    exempt_comments: tuple[str, ...] = ()
    exempt_distance: int = 3
    exempt_paths: tuple[str, ...] = ()

    def is_external(self, key: str) -> bool:
        """Whether other programs read a variable."""
        return _any_of((*self.external_keys, *self.extend_external_keys)).fullmatch(key) is not None

    def exempts_path(self, path: str) -> bool:
        """Whether a file is exempt as a whole."""
        return bool(self.exempt_paths) and _globs(self.exempt_paths).matches(path)


@lru_cache
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(pattern).replace(r"\*", ".*") for pattern in patterns))


@lru_cache
def _globs(patterns: tuple[str, ...]) -> Globs:
    return Globs(patterns)
