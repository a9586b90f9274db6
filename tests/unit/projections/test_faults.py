"""What is retried, and what is a record's."""

from __future__ import annotations

import psycopg
import pytest

from projections.faults import Fault, cause_of, classify


def raised_within(cause: Exception | None) -> psycopg.errors.PipelineAborted:
    """As psycopg raises it when a pipeline is left."""
    try:
        try:
            if cause is not None:
                raise cause
        finally:
            raise psycopg.errors.PipelineAborted("pipeline aborted")
    except psycopg.errors.PipelineAborted as aborted:
        return aborted


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (psycopg.errors.DivisionByZero("x"), Fault.RECORD),
        (psycopg.errors.DeadlockDetected("x"), Fault.ENVIRONMENT),
        (psycopg.errors.UndefinedTable("x"), Fault.FATAL),
        (None, Fault.ENVIRONMENT),
    ],
)
def test_a_pipeline_is_aborted_by_what_failed_in_it(cause: Exception | None, kind: Fault) -> None:
    aborted = raised_within(cause)
    assert classify(aborted) is kind
    assert cause_of(aborted) is (cause or aborted)
