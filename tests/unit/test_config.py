"""The configuration file, the environment and the command line."""

import re
import stat
from pathlib import Path

import pytest

from vaderflix_core.config import FILE_NAME, ConfigError, load_config

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, text: str) -> Path:
    path = folder / FILE_NAME
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_serve_a_household(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(None, {"XDG_DATA_HOME": str(tmp_path)})
    assert config.data_dir == tmp_path / "vaderflix"
    assert config.database_url == f"sqlite:///{tmp_path}/vaderflix/vaderflix.db"
    assert (config.host, config.port, config.file) == ("127.0.0.1", 8484, None)


def test_the_example_loads_and_names_every_key() -> None:
    path = ROOT / "config.example.toml"
    config = load_config(path, {})
    assert [(one.id, one.plugin, one.enabled, one.managed_by_file) for one in config.instances] == [
        ("films", "example", False, True)
    ]
    text = path.read_text()
    names = "base_url data_dir database_url redis_url key key_file trusted_proxies allowed_hosts session_days log_level"
    names += " log_format disabled safe_mode priority"
    missing = [name for name in names.split() if f"{name} =" not in text]
    assert missing == []


def test_every_commented_line_of_the_example_is_valid(tmp_path: Path) -> None:
    text = re.sub(r"^# (\w+ = )", r"\1", (ROOT / "config.example.toml").read_text(), flags=re.MULTILINE)
    path = write(tmp_path, text)
    config = load_config(path, {"FILMS_KEY": "k" * 44, "FILMS_API_KEY": "abc"})
    assert config.instances[0].settings["api_key"] == "abc"
    assert config.data_dir == tmp_path / "data"


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    path = write(tmp_path, 'port = 1\nhost = "a"\nbase_url = "https://a"')
    config = load_config(path, {"VADERFLIX_PORT": "2", "VADERFLIX_HOST": "b"}, {"port": 3, "host": None})
    assert (config.port, config.host, config.base_url) == (3, "b", "https://a")


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("DATA_DIR", "/srv/films", "data_dir", Path("/srv/films")),
        ("DATABASE_URL", "postgresql://db/x", "database_url", "postgresql://db/x"),
        ("REDIS_URL", "redis://r", "redis_url", "redis://r"),
        ("BASE_URL", "https://films.example.org/", "base_url", "https://films.example.org"),
        ("KEY", "abc", "key", "abc"),
        ("KEY_FILE", "/run/secrets/k", "key_file", Path("/run/secrets/k")),
        ("TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2", "trusted_proxies", ("10.0.0.1", "10.0.0.2")),
        ("ALLOWED_HOSTS", "films.example.org,*.lan", "allowed_hosts", ("films.example.org", "*.lan")),
        ("LOG_FORMAT", "json", "log_format", "json"),
    ],
)
def test_each_top_level_key_is_an_environment_variable_too(
    tmp_path: Path, variable: str, value: str, field: str, expected: object
) -> None:
    config = load_config(write(tmp_path, ""), {f"VADERFLIX_{variable}": value})
    assert getattr(config, field) == expected


def test_the_file_can_be_named_by_the_environment_and_must_then_be_there(tmp_path: Path) -> None:
    path = write(tmp_path, "port = 7")
    assert load_config(None, {"VADERFLIX_CONFIG": str(path)}).port == 7
    with pytest.raises(ConfigError, match=r"gone\.toml cannot be read"):
        load_config(None, {"VADERFLIX_CONFIG": str(tmp_path / "gone.toml")})


def test_values_come_from_the_environment_and_from_files_anywhere_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    path = write(
        tmp_path,
        """
        port = { "$env" = "P" }
        [[instance]]
        id = "one"
        plugin = "x"
        [instance.settings]
        key = { "$env" = "K" }
        token = { "$file" = "token" }
        nested = { list = [{ "$env" = "K" }] }
        """,
    )
    config = load_config(path, {"K": "from-env", "P": "99"})
    assert config.port == 99
    assert config.instances[0].settings == {
        "key": "from-env",
        "token": "from-a-file",
        "nested": {"list": ["from-env"]},
    }


ONE = '[[instance]]\nid = "one"\nplugin = "x"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 3", "there is no key prot. Did you mean 'port'?"),
        ("qqqq = 3", "there is no key qqqq. The keys are: host, port"),
        ('port = "x"', "port: Expected int"),
        ("port = 99999", "port: Expected int <= 65535"),
        ('log_level = "loud"', "log_level: Invalid enum value 'loud'; it must be one of: debug, info"),
        ("[plugins]\ndisabld = []", "there is no key plugins.disabld. Did you mean 'disabled'?"),
        ("plugins = 3", "plugins: Expected"),
        ("port =", "is not valid TOML"),
        ('base_url = "films.example.org"', "base_url must be the address people open"),
        ('base_url = "https://u:p@films.example.org"', "base_url must be"),
        ('[instance]\nid = "one"', "write [[instance]] with two brackets"),
        ('[[instance]]\nid = "one"', "instance 'one': Object missing required field plugin"),
        ('[[instance]]\nid = "One"\nplugin = "x"', "instance 'One'.id: Use small letters"),
        ('[[instance]]\nid = "one"\nplugn = "x"', "instance 'one'.plugn. Did you mean 'plugin'?"),
        (ONE + "priority = -1", "instance 'one'.priority: Expected int >= 0"),
        (ONE + ONE, "two instances have the id 'one'"),
        (ONE + "settings = { a = { '$env' = 'NOPE' } }", "instance 'one'.settings.a: the environment variable NOPE"),
        (ONE + "settings = { a = { '$file' = 'nope' } }", "instance 'one'.settings.a: "),
        (ONE + "settings = { a = { '$file' = 'x', b = 1 } }", "and nothing beside it"),
    ],
)
def test_mistakes_are_named_with_their_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text), {})
    assert words in str(caught.value)
    if not words.startswith("base_url"):
        assert str(tmp_path / FILE_NAME) in str(caught.value)


def test_a_bad_variable_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="VADERFLIX_PORT: port: Expected int"):
        load_config(write(tmp_path, ""), {"VADERFLIX_PORT": "many"})


def test_neither_key_nor_passwords_show_in_its_repr(tmp_path: Path) -> None:
    text = ONE + 'settings = { token = "hunter22" }'
    config = load_config(
        write(tmp_path, 'database_url = "postgresql://u:hunter22@db/x"\nkey = "hunter22"\n' + text), {}
    )
    assert config.instances[0].settings == {"token": "hunter22"}
    assert "hunter22" not in repr(config) + repr(config.instances) + repr(config.__rich_repr__())


def test_safe_mode_comes_from_the_file_or_the_command_line(tmp_path: Path) -> None:
    path = write(tmp_path, '[plugins]\nsafe_mode = true\ndisabled = ["x"]')
    assert load_config(path, {}).safe_mode
    assert not load_config(path, {}, {"safe_mode": False}).safe_mode
    assert load_config(path, {}).disabled_plugins == ("x",)


def test_the_data_folder_is_made_for_its_owner_alone_and_one_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    def mode(folder: Path) -> int:
        return stat.S_IMODE(load_config(None, {}, {"data_dir": folder}).make_data_dir().stat().st_mode)

    assert mode(tmp_path / "house" / "data") == 0o700
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o750)
    assert mode(shared) == 0o750
