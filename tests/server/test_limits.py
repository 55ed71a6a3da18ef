"""How much of the service one client may take."""

from hypothesis import given
from hypothesis import strategies as st

from server.limits import Buckets
from tests.server.conftest import Serve


def test_too_many_requests_of_an_address_are_told_when_to_come_again(serve: Serve) -> None:
    service = serve(service_rate=3)
    answers = [service.client.get("/api/v1/runs") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["code"] == "rate"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    assert service.client.get("/health").status_code == 200


def test_a_large_body_is_refused_before_it_is_read(serve: Serve) -> None:
    service = serve(service_body="1k")
    body = b'{"domain": "travel", "tasks": ["' + b"x" * 2000 + b'"]}'
    headers = {"content-type": "application/json"}
    answer = service.client.post("/api/v1/plans", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "large")


def test_a_large_body_without_a_length_is_refused_while_it_arrives(serve: Serve) -> None:
    service = serve(service_body="1k")
    answer = service.client.post(
        "/api/v1/plans", content=(b"x" * 100 for _ in range(100)), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "large")


@given(
    a_minute=st.integers(1, 1000),
    steps=st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=60),
)
def test_a_bucket_never_lets_through_more_than_a_minutes_worth_and_what_has_filled_up(
    a_minute: int, steps: list[float]
) -> None:
    now = 0.0
    buckets = Buckets(a_minute, clock=lambda: now)
    let = 0
    for step in steps:
        now += step
        wait = buckets.take("somebody")
        let += wait == 0
        assert let <= a_minute + now * a_minute / 60 + 1e-6
        if wait:
            now += wait * 1.000001
            assert buckets.take("somebody") == 0
            let += 1


def test_one_address_does_not_use_up_anothers() -> None:
    buckets = Buckets(1, clock=lambda: 0.0)
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    assert buckets.take("b") == 0


def test_what_was_seen_longest_ago_is_forgotten() -> None:
    buckets = Buckets(1, clock=lambda: 0.0)
    for number in range(20_000):
        buckets.take(str(number))
    assert len(buckets._left) <= 10_000
