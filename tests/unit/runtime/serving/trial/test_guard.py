"""When the service itself takes a challenger out: a share of its last calls, never a few of them."""

from __future__ import annotations

from aifactory_runtime.serving.trial.guard import CALLS, LEAST, Guard


def called(failed: int, slow: int = 0, fine: int = 0) -> Guard:
    guard = Guard(errors=0.05, latency=0.2)
    for _ in range(fine):
        guard.called(0.01, failed=False)
    for _ in range(slow):
        guard.called(0.3, failed=False)
    for _ in range(failed):
        guard.called(0.01, failed=True)
    return guard


def test_given_a_challenger_that_always_fails_then_it_goes_after_a_few_calls_and_not_before() -> None:
    assert called(LEAST - 1).broken is None
    assert called(LEAST).broken == f"{LEAST} of its last {LEAST} calls failed, 5.0% may"


def test_given_failures_within_the_share_then_it_stays_and_beyond_it_goes() -> None:
    assert called(10, fine=CALLS - 10).broken is None
    assert "11 of its last 200 calls failed" in (called(11, fine=CALLS - 11).broken or "")


def test_given_a_challenger_that_became_slow_then_it_goes_however_many_calls_were_fast_before() -> None:
    assert called(0, slow=10, fine=CALLS).broken is None
    assert "took more than 0.2 s" in (called(0, slow=11, fine=10 * CALLS).broken or "")
