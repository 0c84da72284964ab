"""Settings are read whole or not at all; what is wrong is named, never quoted."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from core.errors import StartError
from core.settings import Settings, read_settings

CANARY = "hunter2hunter2"


def demo(**environ: str) -> Settings:
    return read_settings(environ, demo=True)


def test_defaults_are_those_of_the_table() -> None:
    settings = demo()
    assert (settings.host, settings.port, settings.base_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert settings.data_dir == Path("data").absolute()
    assert settings.database_url is settings.redis_url is settings.metrics_token is settings.smtp_url is None
    assert (settings.web_concurrency, settings.rate_limits, settings.trusted_proxies) == (1, True, ())


def test_empty_is_the_same_as_missing() -> None:
    names = ["PORT", "BASE_URL", "DATABASE_URL", "REDIS_URL", "WEB_CONCURRENCY", "METRICS_TOKEN", "RATE_LIMITS"]
    assert demo(**dict.fromkeys(names, "")) == demo()


def test_keys_are_needed_outside_the_demo(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="MASTER_KEYS_FILE is missing"):
        read_settings({})
    (tmp_path / "key").write_text("x")
    with pytest.raises(StartError, match="SECRET_KEY_FILE is missing"):
        read_settings({"MASTER_KEYS_FILE": str(tmp_path / "key")})


@pytest.mark.parametrize(
    ("base_url", "origins"),
    [
        ("https://advice.example", {"https://advice.example"}),
        ("https://ADVICE.example/", {"https://advice.example"}),
        ("http://localhost:8000", {"http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"}),
    ],
)
def test_origins_are_those_of_the_address(base_url: str, origins: set[str], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("x")
    keys = {"MASTER_KEYS_FILE": str(tmp_path / "key"), "SECRET_KEY_FILE": str(tmp_path / "key")}
    settings = read_settings({"BASE_URL": base_url, **keys})
    assert settings.origins == origins
    assert settings.hosts == {origin.partition("//")[2] for origin in origins}
    assert settings.https == base_url.startswith("https")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_address_for_all_interfaces_is_shown_as_one_that_works(host: str) -> None:
    assert demo(HOST=host, PORT="9000").base_url == "http://127.0.0.1:9000"


WRONG: list[Mapping[str, str]] = [
    {"PORT": "-1"},
    {"PORT": "65536"},
    {"PORT": "٨٠٠٠"},
    {"PORT": "8000; rm"},
    {"WEB_CONCURRENCY": "1.5"},
    {"WEB_CONCURRENCY": "65"},
    {"BASE_URL": "127.0.0.1:8000"},
    {"BASE_URL": "http://127.0.0.1/path"},
    {"BASE_URL": "http://127.0.0.1?x=1"},
    {"BASE_URL": "javascript:alert(1)"},
    {"DATABASE_URL": f"mysql://u:{CANARY}@db/x"},
    {"DATABASE_URL": f"postgresql://u:{CANARY}@db:port/x"},
    {"DATABASE_URL": f"postgresql://u:{CANARY}@[::1/x"},
    {"REDIS_URL": f"https://u:{CANARY}@cache"},
    {"SMTP_URL": f"http://u:{CANARY}@mail"},
    {"OIDC_ISSUER": "ftp://issuer"},
    {"METRICS_TOKEN": "hunter2"},
    {"TRUSTED_PROXIES": "10.0.0.0/8, everybody"},
    {"TRUSTED_PROXIES": "10.0.0.1/8"},
    {"RATE_LIMITS": "no"},
    {"RATE_LIMITS": "off", "HOST": "0.0.0.0"},
    {"BASE_URL": "https://advice.example"},
    {"MASTER_KEYS_FILE": f"/nowhere/{CANARY}"},
]


@pytest.mark.parametrize("environ", WRONG)
def test_wrong_value_is_named_and_not_quoted(environ: Mapping[str, str]) -> None:
    with pytest.raises(StartError) as refused:
        read_settings(environ, demo=True)
    text = str(refused.value)
    assert any(name in text for name in environ)
    assert "hunter2" not in text
    assert "\n" not in text


def test_rate_limits_may_be_off_on_this_machine() -> None:
    assert demo(RATE_LIMITS="off").rate_limits is False


def test_demo_password_stays_in_the_demo(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("x")
    keys = {"MASTER_KEYS_FILE": str(tmp_path / "key"), "SECRET_KEY_FILE": str(tmp_path / "key")}
    with pytest.raises(StartError, match="DEMO_PASSWORD"):
        read_settings({"DEMO_PASSWORD": CANARY, **keys})


def test_trusted_proxies_are_a_list() -> None:
    assert demo(TRUSTED_PROXIES="10.0.0.0/8, 192.0.2.1,::1").trusted_proxies == ("10.0.0.0/8", "192.0.2.1", "::1")
