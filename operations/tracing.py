"""Spans by OpenTelemetry, sent as OTLP over HTTP where OMEGA_TRACES_ENDPOINT says."""

from __future__ import annotations

import atexit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()


class OpenTelemetrySpan:
    """schemas.tracing.Span."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        carrier: dict[str, str] = {}
        if span.get_span_context().trace_flags.sampled:
            _propagator.inject(carrier, trace.set_span_in_context(span))
        self.traceparent: str | None = carrier.get("traceparent")

    def end(self, error: BaseException | None = None) -> None:
        """See Span."""
        if error is not None:
            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class OpenTelemetryTracer:
    """schemas.tracing.Tracer. A full queue drops spans: tracing never holds anybody up."""

    def __init__(self, service: str, exporter: SpanExporter, ratio: float) -> None:
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": service}),
            sampler=ParentBasedTraceIdRatio(ratio),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("omega-images")

    def begin(
        self, name: str, parent: str | None = None, attributes: dict[str, str | int] | None = None
    ) -> OpenTelemetrySpan:
        """See Tracer."""
        context = None if parent is None else _context_of(parent)
        span = self._tracer.start_span(name, context=context, attributes=attributes)
        return OpenTelemetrySpan(span)

    def record(
        self,
        name: str,
        parent: str,
        began_ns: int,
        ended_ns: int,
        attributes: dict[str, str | int],
    ) -> None:
        """See Tracer."""
        span = self._tracer.start_span(
            name, context=_context_of(parent), attributes=attributes, start_time=began_ns
        )
        span.end(ended_ns)

    def flush(self) -> None:
        """Send what is recorded."""
        self._provider.force_flush(5_000)

    def close(self) -> None:
        """Send what is recorded, and end."""
        self._provider.shutdown()


def open_tracer(service: str, endpoint: str, ratio: float) -> OpenTelemetryTracer:
    """Sends to ``endpoint``, an OTLP/HTTP URL of traces; closed when the process ends."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    tracer = OpenTelemetryTracer(service, OTLPSpanExporter(endpoint=endpoint, timeout=5), ratio)
    atexit.register(tracer.close)
    return tracer


def _context_of(traceparent: str) -> Context:
    return _propagator.extract({"traceparent": traceparent})
