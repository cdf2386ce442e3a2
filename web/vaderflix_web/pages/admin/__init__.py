"""The admin pages: what runs, who is here, what is connected."""

from . import (
    access,
    activity,
    dashboard,
    downloads,
    house,
    instance,
    invitations,
    mails,
    panels,
    people,
    person_security,
    requests,
    roles,
    services,
    sharing,
    ways,
)

HANDLERS = [
    *access.HANDLERS,
    *activity.HANDLERS,
    *dashboard.HANDLERS,
    *downloads.HANDLERS,
    *house.HANDLERS,
    *instance.HANDLERS,
    *invitations.HANDLERS,
    *mails.HANDLERS,
    *panels.HANDLERS,
    *people.HANDLERS,
    *person_security.HANDLERS,
    *requests.HANDLERS,
    *roles.HANDLERS,
    *services.HANDLERS,
    *sharing.HANDLERS,
    *ways.HANDLERS,
]
