"""docker-compose.yml, held against the Compose specification and against what it names in this repository.

No Docker engine is needed: what can be known without one is checked here.
"""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
import yaml

from settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"temporal-schema", "temporal-namespace", "migrate"}
LONG_RUNNING = SERVICES.keys() - ONE_SHOT
OURS = {name: service for name, service in SERVICES.items() if str(service["image"]).startswith("perdure:")}
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<rule>:[?-])?(?P<word>[^}]*)\}")
SECRET_NAME = re.compile(r"PASSWORD|PWD|SECRET|TOKEN|_KEY$")


def strings(value: object) -> Iterator[str]:
    """Every string in a parsed YAML document, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def env_example() -> dict[str, str]:
    """`.env.example` as {name: value}; the ones that are commented out, too."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", "\n".join(lines), re.MULTILINE))


def specification() -> Any:
    """The Compose specification as a validator, itself checked."""
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    # By name: the schema gives its draft under an address of its own that no validator knows.
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def test_valid_by_the_compose_specification() -> None:
    assert [f"{error.json_path}: {error.message}" for error in specification().iter_errors(COMPOSE)] == []


def test_the_schema_in_use_refuses_what_compose_refuses() -> None:
    validator = specification()
    service = {"image": "a:1", "depends_on": {"b": {"condition": "service_up"}}}
    assert not validator.is_valid({"services": {"a": service}})
    assert not validator.is_valid({"services": {"a": {"image": "a:1", "restarts": "always"}}})


def test_every_dependency_is_a_service_and_waits_for_the_right_thing() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES, f"{name} depends on {other}, which is no service"
            finishes = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert how["condition"] == finishes, f"{name} waits for {other} by {how['condition']}"


def test_gateway_and_workers_start_after_schema_namespace_and_migrations() -> None:
    for name in ("gateway", "worker"):
        assert {"migrate", "temporal-namespace"} <= SERVICES[name]["depends_on"].keys()
    assert "temporal-schema" in SERVICES["temporal"]["depends_on"]


def test_no_password_stands_in_the_file() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            # Compose asks for what is required even of a profile that is not wanted: there, the service itself asks.
            asks = f'[ -n "$${key}" ] ||' in str(service.get("entrypoint")) if "profiles" in service else False
            if SECRET_NAME.search(key):
                pattern = r"\$\{\w+:-\}" if asks else r"\$\{\w+:\?[^}]+\}"
                assert re.fullmatch(pattern, value), f"{name}: {key} must be required from .env"
    for text in strings(COMPOSE):
        assert not re.search(r"://[^/@\s]*:[^/@\s]*@", text), f"a password in a URL: {text}"


def test_env_example_names_every_variable_and_no_secret() -> None:
    used = {match["name"]: match for match in VARIABLE.finditer(TEXT)}
    example = env_example()
    assert example.keys() == used.keys()
    for name, match in used.items():
        assert match["rule"], f"{name} is neither required nor given a default"
        expected = "" if match["rule"] == ":?" else match["word"]
        assert example[name] == expected, f"{name}: .env.example and docker-compose.yml differ"


def test_what_our_services_are_given_are_settings() -> None:
    known = {name.upper() for name in Settings.model_fields} | {"PGPASSWORD", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}
    for name, service in OURS.items():
        assert service["environment"].keys() <= known, name


def test_every_image_is_pinned() -> None:
    base = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    others = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    assert base
    assert others
    for image in [*base, *others]:
        assert re.fullmatch(r"[\w/.-]+:v?\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}", image), f"{image} is not pinned"
        assert "auto-setup" not in image, "auto-setup is deprecated"


def test_temporals_tools_are_of_the_servers_version() -> None:
    images = {service["image"] for service in SERVICES.values()}
    tags = [re.fullmatch(r"temporalio/(?:server|admin-tools):(.+)@.+", image) for image in images]
    assert len({match[1] for match in tags if match}) == 1


def test_our_image_is_of_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"] for service in OURS.values()} == {f"perdure:{version}"}


def test_what_runs_for_long_is_watched_and_started_again() -> None:
    for name in LONG_RUNNING:
        assert "test" in SERVICES[name].get("healthcheck", {}), f"{name} has no health check"
        assert SERVICES[name]["restart"] == "unless-stopped", name
    for name in ONE_SHOT:
        assert str(SERVICES[name]["restart"]).startswith("on-failure:"), f"{name} would restart forever"


def test_workers_scale() -> None:
    worker = SERVICES["worker"]
    assert not worker.keys() & {"container_name", "hostname", "ports", "network_mode"}
    assert worker["stop_grace_period"]
    assert all("container_name" not in service for service in SERVICES.values())


def test_nothing_without_a_login_is_published() -> None:
    published = {name: port for name, service in SERVICES.items() for port in service.get("ports", [])}
    assert published.keys() == {"gateway", "temporal-ui", "grafana"}
    assert published["temporal-ui"].startswith("127.0.0.1:")
    assert published["gateway"].startswith("${GATEWAY_BIND:-127.0.0.1}:")
    assert published["grafana"].startswith("${GRAFANA_BIND:-127.0.0.1}:")  # it has a login


def test_what_is_always_there_needs_no_profile() -> None:
    monitoring = {name for name, service in SERVICES.items() if "profiles" in service}
    assert monitoring == {"prometheus", "grafana"}
    for name in SERVICES.keys() - monitoring:
        assert not monitoring & SERVICES[name].get("depends_on", {}).keys(), name


@pytest.mark.parametrize(("password", "code"), [("", 1), ("secret", 0)])
def test_grafana_does_not_start_with_a_password_that_everybody_knows(password: str, code: int) -> None:
    shell, option, script = SERVICES["grafana"]["entrypoint"]
    script = script.replace("$$", "$").replace("/run.sh", "true")
    environment = {"PATH": "/usr/bin:/bin", "GF_SECURITY_ADMIN_PASSWORD": password}
    done = subprocess.run([shell, option, script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert ("GRAFANA_PASSWORD" in done.stderr) is bool(code)


def test_volumes_and_mounted_files_exist() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{name} mounts {source}, which is missing"
            else:
                assert source in COMPOSE["volumes"], f"{name} mounts {source}, which is no volume"


def test_the_dynamic_config_is_where_the_server_looks() -> None:
    temporal = SERVICES["temporal"]
    source, target, _ = temporal["volumes"][0].split(":")
    path = Path(temporal["environment"]["DYNAMIC_CONFIG_FILE_PATH"])
    assert str(path.parent) == target
    for key, values in yaml.safe_load((ROOT / source / path.name).read_text()).items():
        assert all("value" in value for value in values), key


def copied() -> list[str]:
    """What the Dockerfile copies into its images, as paths from the root; not what one stage takes from another."""
    lines = re.findall(r"^COPY (?!--from=)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


@pytest.mark.parametrize("source", copied())
def test_the_dockerfile_copies_what_exists_and_is_let_in(source: str) -> None:
    assert list(ROOT.glob(source))
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert any(fnmatch(source, pattern) or source.startswith(pattern + "/") for pattern in let_in)


def test_the_dockerfile_copies_every_module_of_the_project() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    modules = [f"{module}.py" for module in setuptools["py-modules"]]
    modules += [package.split(".")[0] for package in setuptools["packages"]]
    assert [module for module in modules if not any(fnmatch(module, source) for source in copied())] == []


def test_the_image_runs_unprivileged_with_locked_packages() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^USER \d+$", text, re.MULTILINE)
    assert 'ENTRYPOINT ["journey"]' in text
    assert "pip install --require-hashes -r requirements.lock" in text
    assert "pip install --no-deps" in text


def journey_commands() -> list[list[str]]:
    """Every `journey` command line of the file: what the image is started with, and what its health checks call."""
    lines = [service["command"] for service in OURS.values()]
    checks = [service["healthcheck"]["test"] for service in OURS.values() if "healthcheck" in service]
    return lines + [check[2:] for check in checks if check[:2] == ["CMD", "journey"]]


@pytest.mark.parametrize("line", journey_commands(), ids=" ".join)
def test_the_journey_command_knows_it(line: list[str]) -> None:
    from cli.main import MODULES, load

    assert line[0] in MODULES, f"journey has no command {line[0]}"
    load(line[0]).make_context(line[0], line[1:])  # parses, and runs nothing
