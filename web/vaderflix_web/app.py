"""The web application: routes, guards, headers and templates around one host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litestar import Litestar
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import State

from vaderflix_core.access.models import Permission

from . import api, assets, errors, pages
from .assets import Assets
from .auth import SignIn, hand_over
from .forgery import own_pages_only
from .front import Front, Names, Proxies
from .guards import check_declared, permitted
from .limits import Limiter, check_limits, limited, make_limiter
from .methods import Heads, methods_of, name_methods
from .security import add_headers
from .sent import Sent
from .templating import Templates

if TYPE_CHECKING:
    from vaderflix_core.host import Host

CSRF_COOKIE = "vf_csrf"
MAX_BODY = 2 * 1024 * 1024


def state_of(host: Host, limiter: Limiter) -> dict[str, Any]:
    """What the routes find in the application's state: all that belongs to one host."""
    static = Assets()

    def plugin_folder(plugin: str) -> Path | None:
        record = host.plugins.get(plugin)
        source = getattr(record.module, "__file__", None) if record else None
        return Path(source).parent / "templates" if source else None

    return {"host": host, "assets": static, "templates": Templates(static, plugin_folder), "limiter": limiter}


def create_app(
    host: Host, *, handlers: Sequence[Any] = (), manage_host: bool = True, limiter: Limiter | None = None
) -> Litestar:
    """The application around a host. `handlers` are further routes (the JSON API, tests').

    `limiter` counts calls; without one it is what the configuration asks for. `manage_host` starts the host with the
    application and stops it with it. Raises `guards.UndeclaredRoutes` when a route does not say which permission it
    needs, and `ValueError` when it names a limit that does not exist.
    """

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        if manage_host:
            await host.start()
        try:
            yield
        finally:
            await limits.close()
            if manage_host:
                await host.stop()

    secure = bool(host.config.base_url and host.config.base_url.startswith("https:"))
    limits = limiter or make_limiter(host.config.redis_url)
    app = Litestar(
        route_handlers=[*assets.HANDLERS, *pages.HANDLERS, api.ROUTER, *handlers],
        state=State(state_of(host, limits)),
        middleware=[SignIn()],
        before_send=[hand_over, add_headers, name_methods],
        guards=[limited, own_pages_only, permitted],
        exception_handlers=errors.HANDLERS,
        csrf_config=CSRFConfig(
            secret=host.vault.sign("csrf", "forms"),
            cookie_name=CSRF_COOKIE,
            cookie_httponly=True,
            # strict would be withheld from links on other sites: the page there would set another cookie, and the forms
            # that are open in other tabs would be refused
            cookie_samesite="lax",
            cookie_secure=secure,
            exclude_from_csrf_key="exclude_from_csrf",
        ),
        lifespan=[lifespan],
        openapi_config=api.OPENAPI,
        include_in_schema=False,
        request_class=Sent,
        request_max_body_size=MAX_BODY,
        logging_config=None,
    )
    check_declared(app.routes, list(Permission))
    check_limits(app.routes)
    app.state.methods = methods_of(app.routes)
    names = Names(host.config.allowed_hosts, host.config.base_url)
    # around the router, because middleware does not run for addresses that lead nowhere
    app.asgi_handler = Front(Heads(app.asgi_handler), Proxies(host.config.trusted_proxies), names)
    return app
