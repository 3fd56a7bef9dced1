"""The limits, on a clock of the test's own."""

from __future__ import annotations

from tap_gong.sandbox.limits import Limits


def test_any_sliding_second_is_limited() -> None:
    limits = Limits(per_second=3, per_day=0, quota_retry_after=0)
    admitted = [limits.admit(now) for now in (0.0, 0.5, 0.9, 0.999, 1.0, 1.4, 1.5)]
    assert admitted == [None, None, None, 1, None, 1, None]


def test_refused_requests_do_not_count() -> None:
    limits = Limits(per_second=1, per_day=2, quota_retry_after=60)
    assert limits.admit(0.0) is None
    assert [limits.admit(n / 10) for n in range(1, 10)] == [1] * 9
    assert limits.admit(1.0) is None


def test_quota_comes_back_as_promised() -> None:
    limits = Limits(per_second=0, per_day=2, quota_retry_after=60)
    assert [limits.admit(now) for now in (0.0, 0.0, 5.0, 5.5)] == [None, None, 60, 60]
    assert limits.admit(64.9) == 1
    assert [limits.admit(now) for now in (65.0, 65.0, 65.0)] == [None, None, 60]


def test_zero_is_no_limit() -> None:
    limits = Limits(per_second=0, per_day=0, quota_retry_after=60)
    assert {limits.admit(0.0) for _ in range(20_000)} == {None}
