"""Which news somebody wants, and the ways it can take."""

from __future__ import annotations

from litestar import get, post

from vaderflix_core.api import Notifier, PrivateNotifier
from vaderflix_core.notify.wishes import News, offered

from ...auth import host_of
from ...i18n import _
from ...page import Page, Req, go_to
from .common import OPT, you_page


def news_words(news: News) -> tuple[str, str]:
    """A kind of news: what it is called, and when it comes."""
    words = {
        News.AVAILABLE: ("Ready to watch", "Something you asked for can be watched."),
        News.PARTLY: ("First episodes are there", "A part of something you asked for can be watched."),
        News.APPROVED: ("Approved", "Somebody approved what you asked for."),
        News.DECLINED: ("Declined", "Somebody declined what you asked for, and why."),
        News.ASKED: ("New requests", "Somebody asks for a title and waits for an answer."),
        News.FAILED: ("Requests that failed", "A request could not be sent, and somebody has to look at it."),
        News.PROBLEM_SOLVED: ("Solved problems", "A problem that you reported is solved."),
        News.PROBLEM_REPORTED: ("New problems", "Somebody reports a problem with a title."),
        News.ACCESS_RECEIVED: ("People who ask for access", "Somebody without an account would like one."),
        News.NEW_SIGN_IN: ("New sign-in", "A device that was not seen before signed in with your account."),
        News.PASSWORD_RESET: ("Forgotten password", "The link that sets a new one."),
        News.LOG_BROKEN: ("Changed activity log", "The log is not as this program left it."),
        News.EMAIL_CHANGE: ("Another email address", "The link that confirms it."),
    }
    title, text = words[news]
    return _(title), _(text)


@get("/you/news", opt=OPT)
async def news(request: Req) -> Page:
    """The kinds of news, each with its switch, or why it has none."""
    host, viewer = host_of(request), request.user
    private = {binding.instance for binding in host.pool.bindings(PrivateNotifier)}
    kinds = [(kind, *news_words(kind.news)) for kind in offered(viewer)]
    return you_page(
        request,
        "you/news.html",
        kinds=[k for k in kinds if not k[0].always],
        always=[k for k in kinds if k[0].always],
        # what vouches for privacy writes to an address; without one, only the others can reach this person
        channels=[b.name for b in host.pool.bindings(Notifier) if viewer.email or b.instance not in private],
        mails=host.mails.possible and bool(viewer.email),
        connected=bool(host.pool.bindings(Notifier)),
    )


@post("/you/news", opt=OPT)
async def choose(request: Req) -> Page:
    """Store which kinds are wanted; those that were not on the page stay as they were."""
    viewer, form = request.user, await request.form()
    shown = {str(kind.news) for kind in offered(viewer)}
    wanted = {v for v in form.getall("news", []) if isinstance(v, str)}
    await host_of(request).own_account.mute(viewer, (set(viewer.muted) - shown) | (shown - wanted))
    return go_to(request, "/you/news", said=_("Saved"))


HANDLERS = [news, choose]
