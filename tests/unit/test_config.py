"""The environment: what is read, what is refused, and what production is strict about."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from config import ConfigurationError, Settings, load_settings, read_sentinel_url

GOOD = "0f3b8e5d9c7a4162b8d0e6f1a2c39485"
OTHER = "7c1d94e0b35f28a6d0417be9f3a86c52"
PRODUCTION = {"ENVIRONMENT": "production", "SECRET_KEY": GOOD, "PRODUCTION_ALLOWS": "sandbox,no_proxy"}
Load = Callable[..., Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Read the settings of an environment that holds only what is given."""

    def load(**environment: str) -> Settings:
        for name in list(os.environ):
            if name not in ("PATH", "HOME"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("DATA_DIR", str(tmp_path))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return load


def test_an_empty_environment_will_do_for_development(load: Load) -> None:
    settings = load()
    assert (settings.environment, settings.is_production, settings.port) == ("development", False, 8000)
    assert settings.database_url == settings.redis_url == settings.broker_url == ""


@pytest.mark.parametrize(
    "weak",
    [
        *("short", "a" * 64, "abcabcabc" * 8, "changeme" * 8, "SECRET-0f3b8e5d9c7a4162b8d0e6f1a2c39485"),
        *("x" * 31, "please-change-this-secret-key-now!!"),
        *("your-256-bit-secret-your-256-bit", f"{GOOD},short", f"{'a' * 64},{GOOD}"),
    ],
)
@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_weak_secret_is_refused_everywhere(load: Load, weak: str, environment: str) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        load(SECRET_KEY=weak, ENVIRONMENT=environment)


def test_a_secret_of_mere_runs_is_refused_in_production_only(load: Load) -> None:
    runs = "0123456789abcdef0123456789abcdef"
    assert load(SECRET_KEY=runs).secret_keys == (runs,)
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        load(**PRODUCTION | {"SECRET_KEY": runs})


def test_production_needs_a_secret(load: Load) -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY must be set"):
        load(ENVIRONMENT="production")
    assert load(**PRODUCTION).is_production


def test_production_refuses_failpoints(load: Load) -> None:
    assert load(FAILPOINT="claimed:1:kill").failpoint == "claimed:1:kill"
    with pytest.raises(ConfigurationError, match="FAILPOINT"):
        load(**PRODUCTION, FAILPOINT="claimed:1:kill")


def test_production_logs_json_unless_told(load: Load) -> None:
    assert load(**PRODUCTION).log_json
    assert not load(**PRODUCTION, LOG_JSON="false").log_json
    assert not load().log_json


def test_the_embedded_servers_are_found(load: Load, tmp_path: Path) -> None:
    servers = {
        "database_url": "postgresql+psycopg://app@/app?host=/x",
        "redis_url": "unix:///x/redis.sock?db=0",
    }
    (tmp_path / "servers.json").write_text(json.dumps(servers))
    (tmp_path / "secret_key").write_text(GOOD + "\n")
    settings = load()
    assert settings.database_url == servers["database_url"]
    assert settings.redis_url == servers["redis_url"]
    assert settings.broker_url == "redis+socket:///x/redis.sock?virtual_host=0"
    assert settings.secret_key == GOOD


def test_the_environment_goes_before_the_embedded_servers(load: Load, tmp_path: Path) -> None:
    (tmp_path / "servers.json").write_text(json.dumps({"database_url": "a", "redis_url": "redis://b"}))
    settings = load(REDIS_URL="redis://elsewhere:6379/2", DATABASE_URL="postgres://u@h/d")
    assert settings.redis_url == settings.broker_url == "redis://elsewhere:6379/2"
    assert settings.database_url == "postgresql+psycopg://u@h/d"


def test_a_broker_of_its_own_is_used(load: Load) -> None:
    assert load(REDIS_URL="redis://a", BROKER_URL="redis://b").broker_url == "redis://b"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "99999"),
        ("PORT", "eight"),
        ("ENVIRONMENT", "staging"),
        ("CLAIM_SIZE", "0"),
        ("CLAIM_SIZE", "1001"),
        ("AUDIT_SHARE", "0"),
        ("AUDIT_SHARE", "0.6"),
        ("WEB_PROCESSES", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("DATABASE_POOL_SIZE", "0"),
        ("INTENT_JOURNAL", "true"),
    ],
)
def test_what_cannot_be_run_is_refused(load: Load, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError):
        load(**{name: value})


def test_origins_are_listed_without_their_last_slash(load: Load) -> None:
    assert load(ALLOWED_ORIGINS="https://a.example/,https://b.example").allowed_origins == (
        "https://a.example",
        "https://b.example",
    )


FROM = "Flash Säle <receipts@shop.example>"


def test_without_a_server_mails_are_kept_in_development_alone(load: Load) -> None:
    for mail in (load().mail, load(SMTP_URL="", MAIL_FROM="").mail):
        assert mail is not None
        assert mail.is_kept
    assert load(**PRODUCTION).mail is None


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("smtp://mail.example", ("mail.example", 25, "none", "", "")),
        ("smtp://mail.example?starttls=1", ("mail.example", 587, "starttls", "", "")),
        ("smtp://mail.example:25/?starttls=0", ("mail.example", 25, "none", "", "")),
        ("smtps://mail.example", ("mail.example", 465, "tls", "", "")),
        ("smtps://me%40a:p%3A%2Fss@[::1]:2465", ("::1", 2465, "tls", "me@a", "p:/ss")),
    ],
)
def test_an_smtp_server_is_read_from_its_url(load: Load, url: str, told: tuple[object, ...]) -> None:
    mail = load(SMTP_URL=url, MAIL_FROM=FROM).mail
    assert mail is not None
    assert (mail.host, mail.port, mail.security, mail.user, mail.password) == told
    assert (mail.sender_name, mail.sender_address) == ("Flash Säle", "receipts@shop.example")
    assert mail.domain == "shop.example"


@pytest.mark.parametrize(
    "url",
    [
        *("mail.example", "http://mail.example", "smtp://", "smtp://mail.example/path", "smtp://[::1"),
        *("smtp://mail.example:0x", "smtp://mail.example:99999", "smtp://h?starttls=2", "smtp://h?tls=1"),
        *("smtps://h?starttls=1", "smtp://me@h", "smtp://:hunter2@h", "smtp://me:hünter2@h", "smtp://h#x"),
        "smtp://me:hunter2/@h",
    ],
)
def test_what_is_no_smtp_server_is_refused_without_telling_its_password(load: Load, url: str) -> None:
    with pytest.raises(ConfigurationError, match="SMTP_URL") as refused:
        load(SMTP_URL=url, MAIL_FROM=FROM)
    assert "nter2" not in str(refused.getrepr(style="short", funcargs=False))


@pytest.mark.parametrize(
    "sender",
    [
        *("receipts", "@shop.example", "a@b.example, c@d.example", "<a@b.example", "a b@c.example"),
        *("x\r\nBcc: y@z.example <a@b.example>", "a@bücher.example", "ä@b.example"),
    ],
)
def test_what_is_no_one_sender_is_refused(load: Load, sender: str) -> None:
    with pytest.raises(ConfigurationError, match="MAIL_FROM"):
        load(SMTP_URL="smtp://mail.example", MAIL_FROM=sender)


@pytest.mark.parametrize("half", [{"SMTP_URL": "smtp://mail.example"}, {"MAIL_FROM": FROM}])
def test_half_of_what_mail_needs_is_refused(load: Load, half: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="both SMTP_URL and MAIL_FROM"):
        load(**half)


def test_production_sends_no_password_unencrypted(load: Load) -> None:
    strict = PRODUCTION | {"MAIL_FROM": FROM}
    with pytest.raises(ConfigurationError, match="unencrypted"):
        load(SMTP_URL="smtp://me:hunter2@mail.example", **strict)
    for fine in (
        "smtps://me:hunter2@h",
        "smtp://me:hunter2@h?starttls=1",
        "smtp://me:hunter2@localhost",
        "smtp://h",
    ):
        assert load(SMTP_URL=fine, SHOP_URL="https://shop.example", **strict).mail is not None
    assert load(SMTP_URL="smtp://me:hunter2@mail.example", MAIL_FROM=FROM).mail is not None


def test_the_shops_address_is_its_own_unless_it_is_set(load: Load) -> None:
    assert load(HOST="::", PORT="8123").shop_url == "http://[::1]:8123"
    assert load(SHOP_URL="https://shop.example:444/").shop_url == "https://shop.example:444"


@pytest.mark.parametrize(
    "url", ["shop.example", "ftp://shop.example", "https://", "https://h/path", "https://a@h"]
)
def test_what_is_no_address_of_a_shop_is_refused(load: Load, url: str) -> None:
    with pytest.raises(ConfigurationError, match="SHOP_URL"):
        load(SHOP_URL=url)


def test_production_mails_no_link_that_goes_unencrypted(load: Load) -> None:
    with pytest.raises(ConfigurationError, match="SHOP_URL"):
        load(SMTP_URL="smtps://h", MAIL_FROM=FROM, SHOP_URL="http://shop.example", **PRODUCTION)


STRIPE = {
    "PAYMENT_PROVIDER": "stripe",
    "STRIPE_SECRET_KEY": "sk_live_a",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_a",
    "STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old",
}


def test_stripe_is_read_with_every_secret_of_its_webhooks(load: Load) -> None:
    settings = load(**STRIPE).payments
    assert settings.provider == "stripe"
    assert settings.stripe is not None
    assert settings.stripe.webhook_secrets == ("whsec_new", "whsec_old")
    assert (settings.stripe.api_url, settings.stripe.js_url) == ("", "https://js.stripe.com/v3/")
    assert settings.why_no_money == ""
    assert not {"sk_live_a", "whsec_new"} & set(re.findall(r"\w+", repr(settings)))


def test_without_its_settings_there_is_no_stripe_and_no_money(load: Load) -> None:
    settings = load().payments
    assert (settings.provider, settings.stripe) == ("sandbox", None)
    assert "sandbox" in settings.why_no_money


def test_stripe_may_be_there_while_another_charges(load: Load) -> None:
    settings = load(**STRIPE | {"PAYMENT_PROVIDER": "sandbox"}).payments
    assert settings.provider == "sandbox"
    assert settings.stripe is not None


@pytest.mark.parametrize("missing", ["STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET"])
@pytest.mark.parametrize("provider", ["stripe", "sandbox"])
def test_half_of_stripe_is_refused_by_name(load: Load, missing: str, provider: str) -> None:
    half = {name: value for name, value in STRIPE.items() if name != missing}
    with pytest.raises(ConfigurationError, match=f"what the name says: {missing}"):
        load(**half | {"PAYMENT_PROVIDER": provider})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", "pk_live_a"),
        ("STRIPE_PUBLISHABLE_KEY", "sk_live_a"),  # every browser would be shown it
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_a"),  # of the other mode
        ("STRIPE_WEBHOOK_SECRET", "sk_live_a"),
        ("STRIPE_WEBHOOK_SECRET", " , "),
    ],
)
def test_a_key_of_stripe_in_anothers_place_is_refused(load: Load, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as refused:
        load(**STRIPE | {name: value})
    assert "live_a" not in str(refused.value)


def test_keys_of_the_test_mode_move_no_money_and_restricted_keys_do(load: Load) -> None:
    test = {"STRIPE_SECRET_KEY": "sk_test_a", "STRIPE_PUBLISHABLE_KEY": "pk_test_a"}
    assert "test mode" in load(**STRIPE | test).payments.why_no_money
    assert load(**STRIPE | {"STRIPE_SECRET_KEY": "rk_live_a"}).payments.why_no_money == ""


def test_production_talks_to_stripe_by_tls_only(load: Load) -> None:
    production = STRIPE | PRODUCTION | {"STRIPE_WEBHOOK_SECRET": f"whsec_{GOOD}"}
    for name in ("STRIPE_API_URL", "STRIPE_JS_URL"):
        with pytest.raises(ConfigurationError, match=name):
            load(**production | {name: "http://127.0.0.1:9/"})
        assert load(**STRIPE | {name: "http://127.0.0.1:9/"}).payments.stripe is not None


def test_operators_settings_are_refused_where_they_would_not_do(load: Load) -> None:
    assert load().ops.is_set is False
    told = load(OPS_TOKEN="e2f0c1d4b5a69788", OPS_PORT="9100").ops
    assert (told.token, told.host, told.port, told.is_set) == ("e2f0c1d4b5a69788", "127.0.0.1", 9100, True)
    for bad in ({"OPS_TOKEN": "short"}, {"OPS_TOKEN": "with a space inside"}, {"OPS_PORT": "8000"}):
        with pytest.raises(ConfigurationError, match="OPS_"):
            load(**bad)


LIVE = STRIPE | {
    "ENVIRONMENT": "production",
    "SECRET_KEY": GOOD,
    "TRUSTED_PROXIES": "1",
    "STRIPE_WEBHOOK_SECRET": f"whsec_{GOOD}",
}
RISKS = {
    "sandbox": {"PAYMENT_PROVIDER": "sandbox"},
    "stripe_test_mode": {"STRIPE_SECRET_KEY": "sk_test_a", "STRIPE_PUBLISHABLE_KEY": "pk_test_a"},
    "no_limits": {"RATE_LIMIT_ENABLED": "false"},
    "no_proxy": {"TRUSTED_PROXIES": "0"},
    "weak_admin_password": {"ADMIN_PASSWORD": "password"},
}


@pytest.mark.parametrize("name", RISKS)
def test_production_runs_no_risk_that_it_is_not_allowed_by_name(load: Load, name: str) -> None:
    assert load(**LIVE).risks == {}
    risky = LIVE | RISKS[name]
    others = ",".join(other for other in RISKS if other != name)
    for allowed in ({}, {"PRODUCTION_ALLOWS": others}):
        with pytest.raises(ConfigurationError, match=f"PRODUCTION_ALLOWS=.*{name}"):
            load(**risky | allowed)
    assert set(load(**risky, PRODUCTION_ALLOWS=f" {name} ,").risks) == {name}
    assert load(**risky | {"ENVIRONMENT": "development"}).environment == "development"


def test_every_risk_is_told_at_once_and_no_secret(load: Load) -> None:
    everything = LIVE | RISKS["sandbox"] | RISKS["no_limits"] | RISKS["no_proxy"]
    with pytest.raises(ConfigurationError) as refused:
        load(**everything | {"ADMIN_PASSWORD": "hunter2hunter2"})
    assert str(refused.value).endswith("PRODUCTION_ALLOWS=sandbox,no_limits,no_proxy,weak_admin_password")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("environment", ["development", "production"])
def test_production_allows_nothing_that_it_does_not_know(load: Load, environment: str) -> None:
    with pytest.raises(ConfigurationError, match="does not know everything"):
        load(**LIVE | {"PRODUCTION_ALLOWS": "sandbox,everything", "ENVIRONMENT": environment})


@pytest.mark.parametrize("weak", ["password", "aaaaaaaaaaaa", "owner-owner-owner"])
def test_a_weak_password_of_the_admin_is_refused_in_production(load: Load, weak: str) -> None:
    owner = LIVE | {"ADMIN_EMAIL": "owner@shop.example"}
    with pytest.raises(ConfigurationError, match="weak_admin_password"):
        load(**owner, ADMIN_PASSWORD=weak)
    assert load(**owner, ADMIN_PASSWORD="correct horse battery").admin_password == "correct horse battery"
    assert load(**owner, ADMIN_PASSWORD="").admin_password is None


@pytest.mark.parametrize(
    "weak",
    [
        {"SANDBOX_WEBHOOK_SECRET": "x"},
        {"SANDBOX_WEBHOOK_SECRET": "secret" * 8},
        {"STRIPE_WEBHOOK_SECRET": "whsec_x"},
        {"STRIPE_WEBHOOK_SECRET": f"whsec_{GOOD},whsec_old"},
    ],
)
def test_a_weak_webhook_secret_is_refused_in_production(load: Load, weak: dict[str, str]) -> None:
    [name] = weak
    with pytest.raises(ConfigurationError, match=name):
        load(**LIVE | {"PRODUCTION_ALLOWS": ",".join(RISKS)} | weak)
    assert load(**LIVE | weak | {"ENVIRONMENT": "development"}).payments


def test_several_keys_are_read_and_the_first_one_signs(load: Load, tmp_path: Path) -> None:
    settings = load(SECRET_KEY=f" {GOOD} , {OTHER},")
    assert (settings.secret_key, settings.old_secret_keys) == (GOOD, (OTHER,))
    assert settings.secret_keys == (GOOD, OTHER)
    (tmp_path / "secret_key").write_text(f"{OTHER},{GOOD}\n")
    assert load().secret_keys == (OTHER, GOOD)


@pytest.mark.parametrize(
    ("redis_url", "broker_url"),
    [
        ("redis://:pw@h:6379/2", "redis://:pw@h:6379/2"),
        ("redis://h?db=2&protocol=3&password=p%2Fw", "redis://:p%2Fw@h/2"),
        ("rediss://u:p%40w@h:1/0", "rediss://u:p%40w@h:1/0?ssl_cert_reqs=required"),
        ("rediss://h?ssl_ca_certs=/a.pem&db=1", "rediss://h/1?ssl_ca_certs=/a.pem&ssl_cert_reqs=required"),
        ("rediss://h/0?ssl_cert_reqs=CERT_NONE", "rediss://h/0?ssl_cert_reqs=none"),
        ("unix://:p%2Fw@/x/r.sock?db=1", "redis+socket://:p%2Fw@/x/r.sock?virtual_host=1"),
        ("unix:///x/r.sock?password=p/w", "redis+socket://:p%2Fw@/x/r.sock?virtual_host=0"),
        (
            "redis+sentinel://:p%2Fw@a,[::1]:5/shop/1",
            "sentinel://:p%2Fw@a:26379/1;sentinel://:p%2Fw@[::1]:5/1",
        ),
    ],
)
def test_a_redis_is_told_to_celery_in_its_own_words(load: Load, redis_url: str, broker_url: str) -> None:
    assert load(REDIS_URL=redis_url).broker_url == broker_url
    assert load(REDIS_URL="redis://a", BROKER_URL=redis_url).broker_url == broker_url


@pytest.mark.parametrize(
    "url",
    [
        *("redis://:hunter2/x@h:1/0", "redis://[::1", "rediss://:hunter2@h?ssl_cert_reqs=no"),
        *(
            "redis+sentinel://:hunter2@h",
            "redis+sentinel://:hunter2@h:x/shop",
            "redis+sentinel://h/shop/hunter2",
        ),
        *("redis+sentinel://h,/shop?sentinel_password=hunter2", "redis+sentinel://h/shop?ssl_hunter2=1"),
    ],
)
@pytest.mark.parametrize("name", ["REDIS_URL", "BROKER_URL"])
def test_a_redis_that_cannot_be_read_is_refused_without_its_password(load: Load, name: str, url: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as refused:
        load(**{name: url})
    assert "hunter2" not in str(refused.getrepr(style="short", funcargs=False))


@pytest.mark.parametrize(
    "url",
    [
        "amqp://u:p%40w@h:5672/shop",
        "amqps://u:p@h//",
        "amqps://u:p@h//?ssl_ca_certs=/ca.pem&ssl_cert_reqs=required",
        "amqp://u:p@a:1//;amqp://u:p@[::1]:2//",
    ],
)
def test_rabbits_are_told_to_celery_as_they_are(load: Load, url: str) -> None:
    settings = load(REDIS_URL="redis://a", BROKER_URL=url, BROKER_QUEUES="quorum")
    assert (settings.broker_url, settings.broker_queues, settings.is_rabbit) == (url, "quorum", True)
    assert settings.redis_url == "redis://a"
    assert load(BROKER_URL=url).broker_queues == "classic"


@pytest.mark.parametrize(
    "url",
    [
        *("amqp://:hunter2@", "amqp://u:hunter2@h;redis://b", "amqp://u:hunter2@h;"),
        *("amqp://u:hunter2@h:x//", "amqp://u:hunter2/x@h:1//", "amqp://h?heartbeat=hunter2"),
        *("amqp://h?ssl_ca_certs=hunter2", "amqps://h?ssl_cert_reqs=hunter2", "amqps://h?hunter2"),
    ],
)
def test_rabbits_that_cannot_be_read_are_refused_without_their_password(load: Load, url: str) -> None:
    with pytest.raises(ConfigurationError, match="BROKER_URL") as refused:
        load(BROKER_URL=url)
    assert "hunter2" not in str(refused.getrepr(style="short", funcargs=False))


def test_queues_of_type_quorum_are_rabbits_alone(load: Load) -> None:
    with pytest.raises(ConfigurationError, match="RabbitMQ"):
        load(REDIS_URL="redis://a", BROKER_QUEUES="quorum")


def test_the_address_of_sentinels_is_read_whole(load: Load) -> None:
    url = "rediss+sentinel://u:p%40w@a:1,b/shop/3?sentinel_password=s%2Bw&ssl_cert_reqs=CERT_REQUIRED"
    at = read_sentinel_url(url)
    assert (at.sentinels, at.service, at.db) == ((("a", 1), ("b", 26379)), "shop", 3)
    assert (at.username, at.password, at.sentinel_username, at.sentinel_password) == ("u", "p@w", None, "s+w")
    assert at.tls == {"ssl_cert_reqs": "required"}
    with pytest.raises(ConfigurationError, match="BROKER_URL"):
        load(REDIS_URL=url)
    assert load(REDIS_URL=url, BROKER_URL="redis://b").redis_url == url


def test_a_cluster_wants_a_broker_of_its_own(load: Load) -> None:
    url = "rediss+cluster://:word@a:7000,[::1]:7001,c/?ssl_ca_certs=/ca.pem"
    for broker in ("", url):
        with pytest.raises(ConfigurationError, match="BROKER_URL has to name"):
            load(REDIS_URL=url, BROKER_URL=broker)
    assert load(REDIS_URL=url, BROKER_URL="redis://b").redis_url == url
    with pytest.raises(ConfigurationError, match="REDIS_URL is no URL"):
        load(REDIS_URL="redis+cluster://a:7000,b:port", BROKER_URL="redis://b")


def test_no_secret_is_in_what_settings_look_like(load: Load) -> None:
    told = repr(load(**LIVE, ADMIN_PASSWORD="correct horse battery", REDIS_URL="redis://:pass-word@h"))
    assert not [secret for secret in (GOOD, "correct horse", "pass-word", "sk_live") if secret in told]


@pytest.mark.parametrize(
    ("host", "read", "url"),
    [
        ("127.0.0.1", "127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104 - nothing is bound
        ("::1", "::1", "http://[::1]:8000"),
        ("[::1]", "::1", "http://[::1]:8000"),
        ("::", "::", "http://[::1]:8000"),
        ("[::]", "::", "http://[::1]:8000"),
        ("2001:db8::7", "2001:db8::7", "http://[2001:db8::7]:8000"),
        ("shop.example", "shop.example", "http://shop.example:8000"),
    ],
)
def test_a_host_of_ipv6_stands_in_brackets_once(load: Load, host: str, read: str, url: str) -> None:
    settings = load(HOST=host)
    assert settings.host == read
    assert settings.payments.webhook_url == f"{url}/api/v1/payments/webhooks/sandbox"
    assert load(OPS_HOST=host).ops.host == read


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("postgres://u:p%40@db/app", "postgresql+psycopg://u:p%40@db/app"),
        ("postgresql://app@/app?host=/run/pg", "postgresql+psycopg://app@/app?host=/run/pg"),
        (
            "postgresql://u:p%40@one:5433,[::1]/app?sslmode=require",
            "postgresql+psycopg://u:p%40@/app?host=one,::1&port=5433,5432&sslmode=require"
            "&target_session_attrs=read-write",
        ),
        (
            "postgresql://u@/app?host=one:1&host=two:2",
            "postgresql+psycopg://u@/app?host=one:1&host=two:2&target_session_attrs=read-write",
        ),
        (
            "postgresql://u@one,two/app?target_session_attrs=any",
            "postgresql+psycopg://u@/app?host=one,two&port=5432,5432&target_session_attrs=any",
        ),
    ],
)
def test_the_ledger_may_be_at_several_hosts_of_which_one_takes_writes(
    load: Load, told: str, read: str
) -> None:
    assert load(DATABASE_URL=told).database_url == read
