from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RefuseReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFUSE_REASON_UNSPECIFIED: _ClassVar[RefuseReason]
    REFUSE_REASON_VERSION: _ClassVar[RefuseReason]
    REFUSE_REASON_MALFORMED: _ClassVar[RefuseReason]

class ErrorKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_KIND_UNSPECIFIED: _ClassVar[ErrorKind]
    USER: _ClassVar[ErrorKind]
    RETRYABLE: _ClassVar[ErrorKind]
    FETCH_FAILED: _ClassVar[ErrorKind]
    OUT_OF_MEMORY: _ClassVar[ErrorKind]
    CANCELLED: _ClassVar[ErrorKind]
    INTERNAL: _ClassVar[ErrorKind]
REFUSE_REASON_UNSPECIFIED: RefuseReason
REFUSE_REASON_VERSION: RefuseReason
REFUSE_REASON_MALFORMED: RefuseReason
ERROR_KIND_UNSPECIFIED: ErrorKind
USER: ErrorKind
RETRYABLE: ErrorKind
FETCH_FAILED: ErrorKind
OUT_OF_MEMORY: ErrorKind
CANCELLED: ErrorKind
INTERNAL: ErrorKind

class ExecutorMessage(_message.Message):
    __slots__ = ("register", "heartbeat", "started", "succeeded", "failed", "draining", "leaving")
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    LEAVING_FIELD_NUMBER: _ClassVar[int]
    register: Register
    heartbeat: Heartbeat
    started: TaskStarted
    succeeded: TaskSucceeded
    failed: TaskFailed
    draining: Draining
    leaving: Leaving
    def __init__(self, register: _Optional[_Union[Register, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., started: _Optional[_Union[TaskStarted, _Mapping]] = ..., succeeded: _Optional[_Union[TaskSucceeded, _Mapping]] = ..., failed: _Optional[_Union[TaskFailed, _Mapping]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ..., leaving: _Optional[_Union[Leaving, _Mapping]] = ...) -> None: ...

class CoordinatorMessage(_message.Message):
    __slots__ = ("welcome", "refuse", "heartbeat", "launch", "cancel", "drop_outputs", "drop_query", "drain", "disconnect")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    REFUSE_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    LAUNCH_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    DROP_OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    DROP_QUERY_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    DISCONNECT_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    refuse: Refuse
    heartbeat: Heartbeat
    launch: LaunchTask
    cancel: CancelTasks
    drop_outputs: DropOutputs
    drop_query: DropQuery
    drain: Drain
    disconnect: Disconnect
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., refuse: _Optional[_Union[Refuse, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., launch: _Optional[_Union[LaunchTask, _Mapping]] = ..., cancel: _Optional[_Union[CancelTasks, _Mapping]] = ..., drop_outputs: _Optional[_Union[DropOutputs, _Mapping]] = ..., drop_query: _Optional[_Union[DropQuery, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ..., disconnect: _Optional[_Union[Disconnect, _Mapping]] = ...) -> None: ...

class Register(_message.Message):
    __slots__ = ("executor", "incarnation", "version", "host", "location", "threads", "slots", "memory_bytes", "core_pool", "cores")
    EXECUTOR_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    CORE_POOL_FIELD_NUMBER: _ClassVar[int]
    CORES_FIELD_NUMBER: _ClassVar[int]
    executor: str
    incarnation: str
    version: str
    host: str
    location: str
    threads: int
    slots: int
    memory_bytes: int
    core_pool: str
    cores: int
    def __init__(self, executor: _Optional[str] = ..., incarnation: _Optional[str] = ..., version: _Optional[str] = ..., host: _Optional[str] = ..., location: _Optional[str] = ..., threads: _Optional[int] = ..., slots: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., core_pool: _Optional[str] = ..., cores: _Optional[int] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("heartbeat_seconds", "lease_seconds")
    HEARTBEAT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LEASE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    heartbeat_seconds: float
    lease_seconds: float
    def __init__(self, heartbeat_seconds: _Optional[float] = ..., lease_seconds: _Optional[float] = ...) -> None: ...

class Refuse(_message.Message):
    __slots__ = ("reason", "text", "version")
    REASON_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    reason: RefuseReason
    text: str
    version: str
    def __init__(self, reason: _Optional[_Union[RefuseReason, str]] = ..., text: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class TaskId(_message.Message):
    __slots__ = ("query", "stage", "stage_attempt", "partition", "attempt")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    STAGE_ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    query: str
    stage: int
    stage_attempt: int
    partition: int
    attempt: int
    def __init__(self, query: _Optional[str] = ..., stage: _Optional[int] = ..., stage_attempt: _Optional[int] = ..., partition: _Optional[int] = ..., attempt: _Optional[int] = ...) -> None: ...

class TaskStarted(_message.Message):
    __slots__ = ("task",)
    TASK_FIELD_NUMBER: _ClassVar[int]
    task: TaskId
    def __init__(self, task: _Optional[_Union[TaskId, _Mapping]] = ...) -> None: ...

class TaskSucceeded(_message.Message):
    __slots__ = ("task", "output", "metrics")
    TASK_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    task: TaskId
    output: bytes
    metrics: bytes
    def __init__(self, task: _Optional[_Union[TaskId, _Mapping]] = ..., output: _Optional[bytes] = ..., metrics: _Optional[bytes] = ...) -> None: ...

class TaskFailed(_message.Message):
    __slots__ = ("task", "error")
    TASK_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    task: TaskId
    error: TaskError
    def __init__(self, task: _Optional[_Union[TaskId, _Mapping]] = ..., error: _Optional[_Union[TaskError, _Mapping]] = ...) -> None: ...

class TaskError(_message.Message):
    __slots__ = ("kind", "error_class", "message", "sql", "place", "hint", "query", "stage", "task", "executor", "partition", "story", "sqlstate")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ERROR_CLASS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    EXECUTOR_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    STORY_FIELD_NUMBER: _ClassVar[int]
    SQLSTATE_FIELD_NUMBER: _ClassVar[int]
    kind: ErrorKind
    error_class: str
    message: str
    sql: str
    place: Place
    hint: str
    query: str
    stage: int
    task: str
    executor: str
    partition: int
    story: _containers.RepeatedScalarFieldContainer[str]
    sqlstate: str
    def __init__(self, kind: _Optional[_Union[ErrorKind, str]] = ..., error_class: _Optional[str] = ..., message: _Optional[str] = ..., sql: _Optional[str] = ..., place: _Optional[_Union[Place, _Mapping]] = ..., hint: _Optional[str] = ..., query: _Optional[str] = ..., stage: _Optional[int] = ..., task: _Optional[str] = ..., executor: _Optional[str] = ..., partition: _Optional[int] = ..., story: _Optional[_Iterable[str]] = ..., sqlstate: _Optional[str] = ...) -> None: ...

class Place(_message.Message):
    __slots__ = ("line", "column", "length")
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    line: int
    column: int
    length: int
    def __init__(self, line: _Optional[int] = ..., column: _Optional[int] = ..., length: _Optional[int] = ...) -> None: ...

class Draining(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Leaving(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class LaunchTask(_message.Message):
    __slots__ = ("spec",)
    SPEC_FIELD_NUMBER: _ClassVar[int]
    spec: bytes
    def __init__(self, spec: _Optional[bytes] = ...) -> None: ...

class CancelTasks(_message.Message):
    __slots__ = ("tasks",)
    TASKS_FIELD_NUMBER: _ClassVar[int]
    tasks: _containers.RepeatedCompositeFieldContainer[TaskId]
    def __init__(self, tasks: _Optional[_Iterable[_Union[TaskId, _Mapping]]] = ...) -> None: ...

class DropOutputs(_message.Message):
    __slots__ = ("tasks",)
    TASKS_FIELD_NUMBER: _ClassVar[int]
    tasks: _containers.RepeatedCompositeFieldContainer[TaskId]
    def __init__(self, tasks: _Optional[_Iterable[_Union[TaskId, _Mapping]]] = ...) -> None: ...

class DropQuery(_message.Message):
    __slots__ = ("query",)
    QUERY_FIELD_NUMBER: _ClassVar[int]
    query: str
    def __init__(self, query: _Optional[str] = ...) -> None: ...

class Drain(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Disconnect(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...
