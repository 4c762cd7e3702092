"""Settings, the project's table, and files of keys: what counts, what is refused, and what never shows."""

import json
import re
from pathlib import Path

import pytest

from claude_orchestrator.config import Settings, load_settings, within
from claude_orchestrator.config.keys import environment_with_keys, read_keys
from claude_orchestrator.config.project import ProjectSettings, read_project
from claude_orchestrator.config.settings import explained
from claude_orchestrator.errors import ConfigError
from claude_orchestrator.models.accounts import environment_of

KEY = "sk-ant-0123456789"


def project(folder: Path, table: str) -> Path:
    (folder / "pyproject.toml").write_text(table)
    return folder


def secrets(folder: Path, document: object, mode: int = 0o600) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / ".secrets.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    file.chmod(mode)
    return folder


# -- the environment --------------------------------------------------------------------------------------------


def test_a_variable_sets_a_setting_and_says_so(tmp_path: Path) -> None:
    environment = {"CLAUDE_ORCHESTRATOR_HOME": str(tmp_path), "CLAUDE_ORCHESTRATOR_MAX_PARALLEL": "7"}
    settings, origins = explained(environment)
    assert (settings.home, settings.max_parallel) == (tmp_path, 7)
    assert origins["max_parallel"] == "CLAUDE_ORCHESTRATOR_MAX_PARALLEL"
    assert origins["heartbeat_s"] == "default"


@pytest.mark.parametrize("value", ["0", "-1", "many", "", "nan", "1.5"])
def test_a_number_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"MAX_PARALLEL=.* is not a positive number"):
        load_settings({"CLAUDE_ORCHESTRATOR_MAX_PARALLEL": value})


# -- the project ------------------------------------------------------------------------------------------------


def test_a_project_without_a_table_says_nothing(tmp_path: Path) -> None:
    assert read_project(tmp_path) == ProjectSettings()
    assert read_project(project(tmp_path, "[project]\nname = 'x'\n")) == ProjectSettings()


def test_a_project_chooses_where_the_user_has_not(tmp_path: Path) -> None:
    folder = project(tmp_path, '[tool.claude-orchestrator]\nagent = "model"\nmodel = "openai:small"\n')
    assert within(Settings(tmp_path), folder).agent == "model"
    assert within(Settings(tmp_path, agent="claude"), folder).agent == "claude"
    assert within(Settings(tmp_path), folder).model == "openai:small"


def test_a_project_makes_limits_narrower_and_never_wider(tmp_path: Path) -> None:
    folder = project(tmp_path, "[tool.claude-orchestrator]\nmax_parallel = 2\n")
    assert within(Settings(tmp_path, max_parallel=3), folder).max_parallel == 2
    assert within(Settings(tmp_path, max_parallel=1), folder).max_parallel == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[tool.claude-orchestrator]\nmax_paralel = 2\n", "has no 'max_paralel': use agent, model"),
        ("[tool.claude-orchestrator]\nsandbox = 'limits'\n", "has no 'sandbox'"),
        ("[tool.claude-orchestrator]\nagent_env = 'HOME'\n", "has no 'agent_env'"),
        ("[tool.claude-orchestrator]\nmax_parallel = 0\n", "not a positive whole number"),
        ("[tool.claude-orchestrator]\nmax_parallel = true\n", "not a positive whole number"),
        ("[tool.claude-orchestrator]\nmax_parallel = 1.5\n", "not a positive whole number"),
        ("[tool.claude-orchestrator]\nagent = 3\n", "is no text"),
        ("[tool]\nclaude-orchestrator = 3\n", "is no table"),
        ("[tool.claude-orchestrator\n", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_project(project(tmp_path, table))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value).strip()


# -- keys -------------------------------------------------------------------------------------------------------


def test_the_environment_counts_before_the_project_and_the_project_before_the_home(tmp_path: Path) -> None:
    ours = secrets(tmp_path / "project", {"keys": {"ANTHROPIC_API_KEY": "project", "GEMINI_API_KEY": "project"}})
    home = secrets(tmp_path / "home", {"keys": {"GEMINI_API_KEY": "home", "OPENAI_API_KEY": "home"}})
    keys = read_keys({"ANTHROPIC_API_KEY": "environment"}, ours, home)
    assert {name: key.value for name, key in keys.items()} == {
        "ANTHROPIC_API_KEY": "environment",
        "GEMINI_API_KEY": "project",
        "OPENAI_API_KEY": "home",
    }
    assert keys["ANTHROPIC_API_KEY"].origin == "environment"
    assert keys["OPENAI_API_KEY"].origin == str(home / ".secrets.json")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    folder = secrets(tmp_path / "a project", {"keys": {"ANTHROPIC_API_KEY": KEY}}, mode)
    with pytest.raises(ConfigError, match="can be read by others") as refused:
        read_keys({}, folder)
    assert f"chmod 600 '{folder / '.secrets.json'}'" in str(refused.value)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    "document",
    ["", "{", "[]", '"keys"', '{"keys": []}', '{"ANTHROPIC_API_KEY": "x"}', '{"keys": {}, "more": 1}',
     '{"keys": {"lower": "x"}}', '{"keys": {"ANTHROPIC_API_KEY": 3}}', '{"keys": {"ANTHROPIC_API_KEY": "a\\nb"}}'],
)  # fmt: skip
def test_a_file_of_another_shape_is_refused_and_the_right_one_shown(tmp_path: Path, document: str) -> None:
    with pytest.raises(ConfigError, match=re.escape('write {"keys"')):
        read_keys({}, secrets(tmp_path, document))


def test_the_example_that_we_ship_is_of_the_right_shape(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / ".secrets.example.json"
    assert read_keys({}, secrets(tmp_path, example.read_text())) == {}


def test_no_key_shows_when_it_is_printed(tmp_path: Path) -> None:
    keys = read_keys({}, secrets(tmp_path, {"keys": {"ANTHROPIC_API_KEY": KEY}}))
    assert KEY not in repr(keys)


def test_an_agent_gets_the_keys_of_its_own_providers_and_nothing_else(tmp_path: Path) -> None:
    folder = secrets(tmp_path, {"keys": {"ANTHROPIC_API_KEY": KEY, "GITHUB_TOKEN": "gh", "OPENAI_API_KEY": "oa"}})
    known = environment_with_keys({"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "aws"}, folder)
    assert environment_of("claude", known) == {"ANTHROPIC_API_KEY": KEY}
    assert environment_of("model", known) == {"ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": "oa"}
    assert environment_of("command", known) == {}


@pytest.mark.parametrize(
    "name", ["ANTHROPIC_BASE_URL", "CLAUDE_ORCHESTRATOR_CLAUDE", "CLAUDE_CONFIG_DIR", "OPENAI_BASE_URL"]
)
def test_a_project_cannot_say_where_keys_are_sent_or_which_program_gets_them(tmp_path: Path, name: str) -> None:
    theirs = secrets(tmp_path / "project", {"keys": {"OPENAI_API_KEY": "k", name: "http://127.0.0.1:1/"}})
    with pytest.raises(ConfigError, match=f"'{name}' is no key, and a project cannot say where keys go"):
        read_keys({"ANTHROPIC_API_KEY": KEY}, theirs, tmp_path)
    assert read_keys({}, None, theirs)[name].value == "http://127.0.0.1:1/", "the user's own file can"


def test_a_key_in_the_place_of_a_name_is_not_shown(tmp_path: Path) -> None:
    key = "sk-ant-api03-Zq8vT1kLw7Xn3bRd5yHs2mPf"
    with pytest.raises(ConfigError) as refused:
        read_keys({}, secrets(tmp_path, {"keys": {key: "ANTHROPIC_API_KEY"}}))
    assert key not in str(refused.value)
