"""What the mails of this room say; `settings.MAILS` names the functions."""

from django.conf import settings
from django.utils import timezone

from portal.models import Notice
from portal.outbox import Mail
from portal.templatetags.quantities import counted, size_text
from portal.templatetags.times import day_text, minute_text
from uploads.agent_pages import agents_address
from uploads.drop_access import drop_address
from uploads.models import Agent, Drop, DropLink


def file_corrupt(notice: Notice) -> Mail | None:
    """Bytes that are not what the sender stated. None when the dataset is gone."""
    dataset = notice.dataset
    if dataset is None:
        return None
    files, count = notice.context["files"], notice.context["count"]
    context = {
        "dataset": dataset,
        "files": files,
        "count": count,
        "more": count - len(files),
        "url": settings.PORTAL_URL + dataset.get_absolute_url(),
    }
    return Mail("file-corrupt", context)


def agent_silent(notice: Notice) -> Mail | None:
    """An agent that was to report did not. None once it was heard again, or is gone."""
    agents = Agent.objects.select_related("token__project", "token__instrument")
    agent = agents.filter(pk=notice.subject_id).first()
    if agent is None or (agent.silence_told_at is None and not notice.is_sent):
        return None
    source = agent.token.instrument.name if agent.token.instrument else agent.token.project.name
    heard = minute_text(agent.last_heard_at)
    waiting = f"{counted(agent.queue_files, 'file,files')}, {size_text(agent.queue_bytes)}"
    context = {
        "agent": agent,
        "source": source,
        "heard": heard,
        "replaced": hasattr(agent.token, "replaced_by"),
        "url": settings.PORTAL_URL + agents_address(agent.token.project, agent.token.instrument),
        "facts": [("Computer", agent.host), ("Of", source), ("Last heard", heard), ("Waiting then", waiting)],
    }
    return Mail("agent-silent", context, reply_to=[agent.token.project.contact_email])


def drop_link(notice: Notice) -> Mail | None:
    """To somebody outside who is to send files. None once the link is over."""
    link = DropLink.objects.select_related("project", "created_by").filter(pk=notice.subject_id).first()
    url = drop_address(link) if link else None
    if link is None or url is None or (not link.is_open(notice.as_of) and not notice.is_sent):
        return None
    context = {
        "link": link,
        "url": url,
        "until": day_text(link.expires_at),
        "until_short": f"{timezone.localtime(link.expires_at):%-d %B %Y}",
        "limit": size_text(link.limit_bytes) if link.limit_bytes else "",
        "by": link.created_by.name or link.created_by.email,
        "contact": link.project.contact_email,
    }
    return Mail("drop-link", context, reply_to=[link.created_by.email])


def drop_received(notice: Notice) -> Mail | None:
    """To a visitor whose files have arrived and are verified."""
    drop = Drop.objects.select_related("dataset__project", "link").filter(dataset=notice.dataset).first()
    if drop is None:
        return None
    dataset = drop.dataset
    context = {
        "drop": drop,
        "dataset": dataset,
        "project": dataset.project.name,
        "count": counted(dataset.verified_count, "file,files"),
        "size": size_text(dataset.bytes_verified),
        "contact": dataset.project.contact_email,
    }
    return Mail("drop-received", context, reply_to=[dataset.project.contact_email])
