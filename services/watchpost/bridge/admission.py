"""Says by name what keeps a bridge out of the centre: a login, a certificate, a missing topic or a missing right.

A transaction that is refused names neither the topic nor the right, and a request of a client that is not let in only
times out. So the centre is asked before a lane opens.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient

from watchpost.bridge.patience import reason_to_wait
from watchpost.errors import RetryableError

__all__ = ["READ", "WRITE", "require_admission"]

# also the longest that a call keeps a stopping bridge from its end
_TIMEOUT_S = 3.0
_NOT_LET_IN = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001  (its public name for a local error code; and so below)
        KafkaError._SSL,  # noqa: SLF001
        KafkaError.SASL_AUTHENTICATION_FAILED,
    }
)

READ, WRITE = AclOperation.READ, AclOperation.WRITE


def require_admission(client: Mapping[str, Any], wanted: Mapping[str, frozenset[AclOperation]]) -> None:
    """Return where the centre has every topic of `wanted`, and allows what is wanted of it.

    Raises:
        RetryableError: it does not, or it does not answer; with the remedy.
    """
    complaints: list[KafkaError] = []
    # a client of its own: only one whose callbacks are served here tells why it was not let in
    config: dict[str, Any] = {**client, "error_cb": complaints.append}
    admin = AdminClient(config)
    asked = admin.describe_topics(
        TopicCollection(list(wanted)), include_authorized_operations=True, request_timeout=_TIMEOUT_S
    )
    missing: list[str] = []
    refused: list[str] = []
    for topic, answer in asked.items():
        try:
            allowed: Collection[AclOperation] | None = answer.result(_TIMEOUT_S + 0.5).authorized_operations
        except KafkaException as error:
            code = error.args[0].code()
            if code not in {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED}:
                raise _why(error, admin, complaints) from error
            allowed = ()
            missing += [topic] if code == KafkaError.UNKNOWN_TOPIC_OR_PART else []
        except TimeoutError as error:
            raise RetryableError("asking the centre for its topics: no answer in time") from error
        if topic not in missing and allowed is not None:
            refused += [f"{each.name.lower()} {topic}" for each in wanted[topic] if each not in allowed]
    _tell(refused, missing)


def _tell(refused: Sequence[str], missing: Sequence[str]) -> None:
    if refused:
        raise RetryableError(
            f"the centre does not allow this site to {', '.join(sorted(refused))}; ask who runs it for the rights that "
            "docs/security.md lists"
        )
    if missing:
        raise RetryableError(
            f"the centre lacks {', '.join(sorted(missing))}; run `watchpost topics apply --central` there"
        )


def _why(error: KafkaException, admin: AdminClient, complaints: list[KafkaError]) -> RetryableError:
    admin.poll(0)
    for complaint in complaints:
        if complaint.code() in _NOT_LET_IN:
            return reason_to_wait(complaint, "the centre does not let this site in")
    return reason_to_wait(error, "asking the centre for its topics")
