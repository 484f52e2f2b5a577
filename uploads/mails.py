"""What the mails of this room say; `settings.MAILS` names the functions."""

from django.conf import settings

from portal.models import Notice
from portal.outbox import Mail
from portal.templatetags.quantities import counted, size_text
from portal.templatetags.times import minute_text
from uploads.agent_pages import agents_address
from uploads.models import Agent


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
