"""Clouds, clusters, infrastructure and services of other kinds (A2, A11, A13), and what is sent to them (B6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.containers import inside
from claude_orchestrator.safety.programs.framework import Program, custom
from claude_orchestrator.safety.programs.network import sends
from claude_orchestrator.safety.programs.runners import is_question
from claude_orchestrator.safety.values import NET, UNK, show, taints, unknown

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_ASKS = frozenset("--version -V -v --help -h help version".split())


def service(rule: str, reads: str = "", words: str = "help", skip: str = "", asks: str = "") -> Program:
    """A client of a service. ``rule`` is what it does; with one of the verbs ``reads`` it only asks (A2).

    ``words`` alone inform (S2); ``skip`` are options whose file is a credential that is used, not sent; ``asks`` are
    options that only inform.
    """
    reading, informing, credentials = frozenset(reads.split()), frozenset(words.split()), frozenset(skip.split())
    asking = _ASKS.union(asks.split()) - (frozenset() if "version" in informing else frozenset(("version",)))

    def run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        if is_question(argv, asking, informing):
            walk.emit("S2", f"{argv[0]} informs")
            return None
        verbs = [a for a in argv[1:] if a[:1] != "-"]
        line = show(" ".join(argv[:8]))
        asks_only = bool(reading) and any(verb in reading for verb in verbs[:3])
        if verbs and unknown(verbs[0]):
            walk.emit("A0", f"does what is not known: {line}")
        if asks_only:
            walk.emit("A2", f"asks a service: {line}")
        else:
            walk.emit(
                rule, f"changes something at a service: {line}" if rule != "A13" else f"changes infrastructure: {line}"
            )
        sends(walk, argv, stdin, credentials)
        if "--" in argv and argv[0] in ("kubectl", "oc", "k9s", "flyctl", "fly", "heroku", "gcloud"):
            inside(walk, argv[argv.index("--") + 1 :], stdin)
        return UNK + (NET if asks_only else "") + taints(stdin)

    return custom(run)


_AWS_SKIP = "--profile --ca-bundle"
_KUBE_SKIP = "--kubeconfig --client-key --client-certificate --certificate-authority --token"


def _infrastructure(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    """Terraform and the like: files that they are given are read, and sent nowhere that is certain."""
    if is_question(argv, _ASKS | {"-version", "-help"}, frozenset(("help", "version"))):
        walk.emit("S2", f"{argv[0]} informs")
        return None
    walk.emit("A13", f"changes or asks infrastructure: {show(' '.join(argv[:8]))}")
    for argument in argv[1:]:
        name, equals, value = argument.partition("=")
        if equals and name.lstrip("-") in (
            "var-file",
            "state",
            "state-out",
            "backend-config",
            "out",
            "private-key",
            "vault-password-file",
            "extra-vars",
            "values",
        ):
            (walk.write if name.lstrip("-") in ("out", "state-out") else walk.read)(value.lstrip("@"))
        elif argument[:1] != "-" and "/" in argument and "://" not in argument and ":" not in argument:
            walk.read(argument)
    return UNK


_CHAT = "list ls get view show status search history info whoami"

ROWS: dict[str, Program] = {
    "gh": service("A11", "list view status diff checks api search browse clone auth watch", skip=""),
    "glab": service("A11", "list view status diff api search clone auth"),
    "hub": service("A11", "browse"),
    "tea": service("A11", "list ls"),
    "aws": service(
        "A11",
        "ls sts get-caller-identity list-buckets describe-instances list-functions describe-stacks get-object head-object",
        skip=_AWS_SKIP,
    ),
    "gcloud": service("A11", "list describe info", skip="--key-file --account"),
    "gsutil": service("A11", "ls cat stat du"),
    "az": service("A11", "list show", skip="--certificate"),
    "kubectl": service(
        "A11",
        "get describe logs top explain api-resources cluster-info config version events auth wait",
        skip=_KUBE_SKIP,
    ),
    "oc": service("A11", "get describe logs whoami", skip=_KUBE_SKIP),
    **{
        name: service("A11", _CHAT)
        for name in (
            "heroku vercel netlify firebase flyctl fly serverless sls wrangler railway render doctl linode-cli hcloud ibmcloud oci eb sam cdk copilot-cli amplify supabase"
            " stripe twilio sendgrid mailgun slack discord jira linear asana trello notion-cli op bw vault consul nomad sentry-cli datadog-ci newrelic"
            " codecov circleci travis buildkite-agent act surge now ngrok-cli shopify expo eas fastlane sfdx cf kafka-topics.sh kcat rabbitmqadmin mqtt"
            " mosquitto_pub mosquitto_sub nats signal-cli ntfy notify-send zulip-send telegram pushover apprise msgraph prisma alembic knex sequelize"
            " typeorm diesel sqlx goose-db atlas dbmate hasura rails django-manage velero argocd flux istioctl linkerd eksctl kops kubeadm kustomize"
        ).split()
    },
    **{
        name: custom(_infrastructure)
        for name in (
            "terraform tofu terragrunt pulumi helm helmfile ansible ansible-playbook ansible-galaxy ansible-vault ansible-pull ansible-console packer"
            " salt salt-call puppet chef-client knife cdktf crossplane skaffold tilt garden"
        ).split()
    },
}
