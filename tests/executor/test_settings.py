"""A setting comes by flag, environment, file or default, in this order; a bad one is named with its place."""

from pathlib import Path
from typing import Any

import pytest

from executor.model import Limits
from executor.settings import PLANNING, Settings, led_from_here, megabytes, read_file, table
from htn.errors import UsageError


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory and a home without settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("TERRY_MAX_MEMORY_MB", "TERRY_MAX_EXECUTION_TIME", "CODE_GEN_MAX_ATTEMPTS", "HTN_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def source(name: str, **flags: Any) -> str:
    return next(row.source for row in table(Settings.load(**flags), flags) if row.name == name)


def test_a_flag_goes_before_the_environment_the_file_and_the_default(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = Settings.load().model
    assert (default, source("model")) == ("ollama:qwen2.5-coder:7b", "default")
    (elsewhere / "htn.toml").write_text('model = "of the file"')
    assert (Settings.load().model, source("model")) == ("of the file", "file (htn.toml)")
    monkeypatch.setenv("LLM_MODEL", "of another name")
    assert (Settings.load().model, source("model")) == ("of another name", "environment (LLM_MODEL)")
    monkeypatch.setenv("HTN_MODEL", "of the environment")
    assert (Settings.load().model, source("model")) == ("of the environment", "environment (HTN_MODEL)")
    assert Settings.load(model="of the flag").model == "of the flag"
    assert source("model", model="of the flag") == "flag"
    assert Settings.load(model=None).model == "of the environment"


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch, elsewhere: Path) -> None:
    (elsewhere / "htn.toml").write_text('model = "of the file"')
    monkeypatch.setenv("HTN_MODEL", "")
    assert Settings.load().model == "of the file"


def test_a_variable_in_small_letters_is_another_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("htn_model", "small")
    assert Settings.load().model == "ollama:qwen2.5-coder:7b"


OTHER_NAMES = {
    "REDIS_URL": ("localhost:6379", "redis_url", "localhost:6379"),
    "LLM_MODEL": ("x", "model", "x"),
    "LLM_PROVIDER": ("local", "llm_provider", "local"),
    "OPENAI_BASE_URL": ("http://host:8000/v1", "openai_endpoint", "http://host:8000/v1"),
    "ANTHROPIC_BASE_URL": ("http://host", "anthropic_endpoint", "http://host"),
    "OLLAMA_ENDPOINT": ("host:1", "ollama_endpoint", "host:1"),
    "MAX_RETRIES": ("5", "max_retries", 5),
    "CODE_GEN_MAX_ATTEMPTS": ("5", "max_retries", 5),
    "DOCKER_TIMEOUT": ("7", "docker_timeout", 7.0),
    "DOCKER_MEMORY_LIMIT": ("512m", "memory_limit", "512m"),
    "TERRY_MAX_MEMORY_MB": ("512", "memory_limit", "512"),
    "EXECUTION_TIMEOUT": ("9", "execution_timeout", 9.0),
    "TERRY_MAX_EXECUTION_TIME": ("9", "execution_timeout", 9.0),
}


@pytest.mark.parametrize("variable", OTHER_NAMES)
def test_other_names_in_the_environment_are_understood(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    written, name, value = OTHER_NAMES[variable]
    monkeypatch.setenv(variable, written)
    assert getattr(Settings.load(), name) == value
    assert source(name) == f"environment ({variable})"


def test_every_setting_has_a_name_of_its_own_and_a_description() -> None:
    rows = table(Settings.load(), {})
    assert [row.name for row in rows] == list(Settings.model_fields)
    assert [row.name for row in rows if f"HTN_{row.name.upper()}" not in row.environment] == []
    assert [row.name for row in rows if not row.description] == []


BAD_VALUES = {
    "HTN_MAX_CALLS": "many",
    "HTN_MAX_RETRIES": "0",
    "HTN_MAX_SECONDS": "nan",
    "HTN_NUM_CTX": "10",
    "HTN_LEARN": "sometimes",
    "HTN_SANDBOX": "none",
    "HTN_SECCOMP": "unconfined",
    "HTN_POOL_SIZE": "-1",
    "HTN_POOL_IDLE_SECONDS": "0",
    "HTN_POOL_CALLS": "0",
    "HTN_MEMORY_LIMIT": "much",
    "HTN_EXECUTION_TIMEOUT": "0.001",
    "LLM_PROVIDER": "nobody",
    "DOCKER_MEMORY_LIMIT": "10m",
}


@pytest.mark.parametrize("variable", BAD_VALUES)
def test_a_bad_value_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, BAD_VALUES[variable])
    with pytest.raises(UsageError) as caught:
        Settings.load()
    assert caught.value.where == f"the environment variable {variable}"
    assert caught.value.message.startswith("the setting ")


@pytest.mark.parametrize("variable", ["LLM_PROVIDER", "HTN_MAX_RETRIES", "DOCKER_MEMORY_LIMIT"])
def test_a_bad_value_of_a_setting_that_is_not_used_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, BAD_VALUES[variable])
    monkeypatch.setenv("HTN_MAX_EXPANSIONS", "7")
    settings = Settings.load(PLANNING)
    assert settings.max_expansions == 7
    assert settings.max_retries == 3


def test_of_two_bad_values_the_one_that_is_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_RETRIES", "0")
    monkeypatch.setenv("HTN_MAX_SECONDS", "soon")
    with pytest.raises(UsageError, match="the setting max_seconds cannot be used"):
        Settings.load(PLANNING)


def test_a_server_or_model_that_the_working_directory_names_is_told(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert led_from_here({}) is None
    (elsewhere / "htn.toml").write_text('model = "x"\nredis_url = "host:1"\nmax_calls = 2\n')
    assert led_from_here({}) == "htn.toml in this folder sets redis_url, model"
    assert led_from_here({"model": "mine"}) == "htn.toml in this folder sets redis_url"
    monkeypatch.setenv("REDIS_URL", "host:2")
    assert led_from_here({"model": "mine"}) is None


def test_memory_may_be_a_number_in_the_file(elsewhere: Path) -> None:
    (elsewhere / "htn.toml").write_text("memory_limit = 512\n")
    assert Settings.load().limits.memory_mb == 512


def test_a_bad_value_in_the_file_is_named_with_the_file(elsewhere: Path) -> None:
    (elsewhere / "htn.toml").write_text("max_calls = -1")
    with pytest.raises(UsageError, match="the setting max_calls cannot be used") as caught:
        Settings.load()
    assert caught.value.where == "htn.toml"


def test_a_bad_flag_is_named_as_an_option_also_where_a_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTN_MAX_CALLS", "5")
    with pytest.raises(UsageError) as caught:
        Settings.load(max_calls=-1)
    assert caught.value.where == "the option --max-calls"


def test_an_unknown_key_in_the_file_is_answered_with_the_right_one(elsewhere: Path) -> None:
    (elsewhere / "htn.toml").write_text("max_cals = 3")
    with pytest.raises(UsageError, match=r"htn\.toml sets max_cals, which is no setting") as caught:
        Settings.load()
    assert caught.value.hints[0].startswith("did you mean max_calls")


BAD_FILES = {"not TOML": b"a = [", "not text": b"\xff\xfe", "a table for a value": b"[model]\nx = 1\n"}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_cannot_be_read_is_named(elsewhere: Path, content: bytes) -> None:
    (elsewhere / "htn.toml").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        Settings.load()
    assert "htn.toml" in f"{caught.value.message} {caught.value.where}"


def test_the_named_file_goes_before_the_one_here_and_the_one_at_home(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_home = elsewhere / "home" / ".config" / "htn" / "config.toml"
    at_home.parent.mkdir(parents=True)
    at_home.write_text('model = "home"')
    assert Settings.load().model == "home"
    (elsewhere / "htn.toml").write_text('model = "here"')
    assert Settings.load().model == "here"
    (elsewhere / "mine.toml").write_text('model = "mine"')
    monkeypatch.setenv("HTN_CONFIG", str(elsewhere / "mine.toml"))
    assert Settings.load().model == "mine"
    assert read_file()[0] == elsewhere / "mine.toml"


def test_a_named_file_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTN_CONFIG", "/no/such/file.toml")
    with pytest.raises(UsageError, match="which is not a file"):
        Settings.load()


SECRETS = {
    "LLM_API_KEY": "hunter2",
    "OPENAI_API_KEY": "hunter2",
    "ANTHROPIC_API_KEY": "hunter2",
    "REDIS_URL": "redis://user:hunter2@host:6379/0",
    "HTN_REDIS_URL": "user:hunter2@host:6379",
}


@pytest.mark.parametrize("variable", SECRETS)
def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, SECRETS[variable])
    settings = Settings.load()
    shown = " ".join(row.value for row in table(settings, {}))
    assert "hunter2" not in shown
    assert "host" in shown or variable.endswith("_API_KEY")


@pytest.mark.parametrize(
    "url",
    ["redis://u:hunter2@more@host", "redis://host?password=hunter2", "nonsense://hunter2", "redis://u:hunter2@"],
)
def test_an_address_with_a_password_in_an_odd_place_is_not_shown_with_it(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert "hunter2" not in " ".join(row.value for row in table(Settings.load(), {}))


AMOUNTS = {"512m": 512, "512 MB": 512, "1g": 1024, "1G": 1024, "65536k": 64, "512": 512, "536870912": 512}


@pytest.mark.parametrize("text", AMOUNTS)
def test_memory_is_read_with_and_without_a_unit(text: str) -> None:
    assert megabytes(text) == AMOUNTS[text]


@pytest.mark.parametrize("text", ["", "much", "-1m", "1t", "1.5g", "m", "1 0m"])
def test_an_amount_of_memory_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount of memory"):
        megabytes(text)


def test_what_a_body_may_use_comes_from_the_settings() -> None:
    limits = Settings.load(memory_limit="1g", execution_timeout=2.5).limits
    assert (limits.memory_mb, limits.seconds) == (1024, 2.5)


def test_the_folder_of_the_library_may_be_at_home(elsewhere: Path) -> None:
    (elsewhere / "htn.toml").write_text('data_dir = "~/lib"')
    assert Settings.load().data_dir == elsewhere / "home" / "lib"


def test_a_key_is_not_sent_to_a_server_that_the_working_directory_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "htn.toml").write_text('ollama_endpoint = "elsewhere:11434"\n')
    assert Settings.load().ollama_endpoint == "elsewhere:11434"
    monkeypatch.setenv("LLM_API_KEY", "a-secret")
    with pytest.raises(UsageError, match="only sent where you said so yourself"):
        Settings.load()
    monkeypatch.setenv("OLLAMA_ENDPOINT", "mine:11434")
    assert Settings.load().ollama_endpoint == "mine:11434"


def test_the_settings_of_containers_reach_the_sandbox() -> None:
    settings = Settings.load(pool_size=3, pool_idle_seconds=60, pool_calls=10, runtime="runsc", seccomp="engine")
    assert (settings.pool.size, settings.pool.idle_seconds, settings.pool.calls) == (3, 60, 10)
    assert (settings.fence.runtime, settings.fence.seccomp) == ("runsc", "engine")
    assert Settings.load().pool.size >= 1


PLACES = {
    "ollama:m": ("ollama", "localhost:11434", None),
    "m:7b": ("ollama", "localhost:11434", None),
    "openai:m": ("openai", "https://api.openai.com/v1", "of openai"),
    "anthropic:m": ("anthropic", "https://api.anthropic.com", "of anthropic"),
}


@pytest.mark.parametrize("model", PLACES)
def test_each_provider_has_its_address_and_its_key(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of openai")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "of anthropic")
    place = Settings.load(model=model).model_place
    assert (place.provider, place.endpoint, place.key) == PLACES[model]
    assert "of openai" not in repr(place) and "of anthropic" not in repr(place)
    monkeypatch.setenv("LLM_API_KEY", "mine")
    assert Settings.load(model=model).model_place.key == "mine"


@pytest.mark.parametrize(("provider", "spec"), [("openai", "openai:m"), ("local", "ollama:m"), ("ollama", "ollama:m")])
def test_the_provider_is_the_one_that_is_set_where_the_name_says_none(provider: str, spec: str) -> None:
    assert Settings.load(llm_provider=provider, model="m").model_place.spec == spec
    assert Settings.load(llm_provider=provider, model="anthropic:m").model_place.spec == "anthropic:m"


def test_a_provider_for_which_no_model_is_named_stops_only_what_asks_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_PROVIDER", "openai")
    settings = Settings.load()
    with pytest.raises(UsageError, match="the provider of the model is openai, and no model is named"):
        _ = settings.model_place


LEADS = {
    "another server": ('model = "openai:m"\nopenai_endpoint = "http://elsewhere/v1"', "OPENAI_API_KEY"),
    "another server for the model that you chose": ('anthropic_endpoint = "http://elsewhere"', "LLM_API_KEY"),
    "a provider that you did not choose": ('model = "openai:m"', "LLM_API_KEY"),
    "a provider for your model": ('llm_provider = "openai"\nmodel = "m"', "LLM_API_KEY"),
}


@pytest.mark.parametrize("lead", LEADS)
def test_a_key_does_not_go_where_the_working_directory_leads_it(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, lead: str
) -> None:
    written, variable = LEADS[lead]
    (elsewhere / "htn.toml").write_text(written)
    flags = {"model": "anthropic:m"} if written.startswith("anthropic") else {}
    Settings.load(**flags)
    monkeypatch.setenv(variable, "a-secret")
    with pytest.raises(UsageError, match="only sent where you said so yourself") as caught:
        Settings.load(**flags)
    assert f"or unset {variable}" in caught.value.hints
    assert Settings.load(model="ollama:mine").model_place.provider == "ollama"


def test_a_key_of_a_provider_goes_to_this_provider_whoever_chose_it(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "htn.toml").write_text('model = "openai:m"')
    monkeypatch.setenv("OPENAI_API_KEY", "a-secret")
    assert Settings.load().model_place.key == "a-secret"


def test_the_key_of_another_provider_does_not_go_to_the_server_of_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().embedding_place is None
    monkeypatch.setenv("LLM_API_KEY", "a-secret")
    own, other = (Settings.load(model=f"{name}:m", embedding_model="vectors") for name in ("ollama", "openai"))
    assert own.embedding_place is not None and own.embedding_place.key == "a-secret"
    assert other.embedding_place is not None and other.embedding_place.key is None


@pytest.mark.parametrize("variable", ["HTN_PRICES", "HTN_MODEL_LIMITS", "HTN_ROUTES", "HTN_IMAGES"])
@pytest.mark.parametrize("text", ["abc", "[1]", '"x"', "{", "[" * 100_000])
def test_a_table_that_is_no_json_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(UsageError, match="write it as JSON") as caught:
        Settings.load()
    assert caught.value.where == f"the environment variable {variable}"
    Settings.load(PLANNING)  # where it is not used, it stops nothing


def test_tables_come_from_the_environment_and_from_the_file(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "htn.toml").write_text('[prices]\n"openai:x" = "1/2"\n')
    assert Settings.load().prices == {"openai:x": "1/2"}
    monkeypatch.setenv("HTN_PRICES", '{"openai:y": "3/4"}')
    assert Settings.load().prices == {"openai:y": "3/4"}


LIMITS = {
    "calls=5, tokens=1000": (Limits(calls=5, tokens=1000), 0),
    "cost=0.5,seconds=2.5": (Limits(cost=500_000, ms=2500), 0),
    "per_minute=7": (Limits(), 7),
    "": (Limits(), 0),
}


@pytest.mark.parametrize("text", LIMITS)
def test_the_limits_of_a_model_are_read(text: str) -> None:
    rule = Settings.load(model_limits={"openai:x": text}).rule_for("openai:x")
    assert (rule.limits, rule.per_minute) == LIMITS[text]


@pytest.mark.parametrize("text", ["calls", "calls=-1", "calls=1 tokens=2", "colls=1", "cost=1e9"])
def test_what_is_no_limit_of_a_model_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="model_limits cannot be used"):
        Settings.load(model_limits={"openai:x": text})


def test_all_limits_hold_for_a_model_at_once() -> None:
    settings = Settings.load(
        max_tokens=9, max_cost=0.5, max_model_seconds=1.5, daily_calls=3, daily_tokens=7, daily_cost=2,
        model_limits={"openai:x": "calls=1"},
    )  # fmt: skip
    allowance = settings.allowance("openai:x")
    assert allowance.run == Limits(tokens=9, cost=500_000, ms=1500)
    assert allowance.day == Limits(calls=3, tokens=7, cost=2_000_000)
    assert allowance.model == Limits(calls=1) and settings.allowance("openai:y").model == Limits()
    assert allowance.bounded and allowance.limited
    assert not Settings.load().allowance("openai:x").limited
