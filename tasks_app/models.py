"""The row of each job, and the events that tell of its changes."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from memories.models import Memory, Project, UUIDModel
from tasks_app.kinds import Kind


class Status(models.TextChoices):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
GRAPH_LANE = "graph"


class TaskLog(UUIDModel):
    """One job: its row is the truth, everything else a hint that it changed.

        enqueue ──► pending ──claim──► processing ──► completed | failed | cancelled
                       │  ◄──retry, lease ran out──┘
                       └──► cancelled

    Terminal rows do not change; a person's retry makes a new row (`retry_of`). `attempt` is the fence: only who holds
    the number may write. Only `tasks_app.transitions` changes a status, and each change writes its event with it.
    `lane` is "graph" while the task writes its project's graph; one task of a project may hold it.
    A parent that waits for its children is processing without a lease.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="tasks")
    kind = models.CharField(max_length=40, choices=Kind.choices)
    memory = models.ForeignKey(Memory, models.SET_NULL, null=True, blank=True, related_name="tasks")
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="retried_by")
    payload = models.JSONField(default=dict, blank=True)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    lane = models.CharField(max_length=10, blank=True, default="")
    attempt = models.PositiveIntegerField(default=0)
    deaths = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    run_after = models.DateTimeField(null=True, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=255, blank=True, default="")

    progress = models.PositiveSmallIntegerField(default=0)
    stage = models.CharField(max_length=40, blank=True, default="")
    message = models.CharField(max_length=300, blank=True, default="")
    done = models.PositiveIntegerField(null=True, blank=True)
    total = models.PositiveIntegerField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    traceback = models.TextField(blank=True, default="")
    retryable = models.BooleanField(default=False)
    eta_seconds = models.FloatField(null=True, blank=True)

    cpu_seconds = models.FloatField(null=True, blank=True)
    peak_memory_mb = models.FloatField(null=True, blank=True)
    llm_tokens = models.PositiveIntegerField(null=True, blank=True)
    event_seq = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = "task"
        indexes = [
            models.Index(fields=["project", "-id", "kind", "created_at"], name="task_list"),
            models.Index(fields=["project", "status", "kind"], name="task_count"),
            models.Index(
                fields=["project", "kind", "status", "finished_at", "started_at"],
                name="task_ended",
                condition=Q(finished_at__isnull=False),
            ),
            models.Index(
                fields=["kind", "status", "finished_at", "started_at"],
                name="task_ended_anywhere",
                condition=Q(finished_at__isnull=False),
            ),
            models.Index(fields=["parent", "status"], name="task_children"),
            models.Index(fields=["project", "created_at", "id"], name="task_waiting", condition=Q(status="pending")),
            models.Index(fields=["project"], name="task_rung", condition=Q(status="pending", rung_at__isnull=False)),
            models.Index(
                fields=["parent"], name="task_waiting_children", condition=Q(status="pending", parent__isnull=False)
            ),
            models.Index(fields=["lease_until"], name="task_leases", condition=Q(status="processing")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "processing", "completed", "failed", "cancelled"]),
                name="task_status_known",
            ),
            models.CheckConstraint(condition=Q(progress__range=(0, 100)), name="task_progress_percent"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "processing"], finished_at=None)
                | Q(status__in=["completed", "failed", "cancelled"], finished_at__isnull=False),
                name="task_finished_when_terminal",
            ),
            models.CheckConstraint(
                condition=~Q(status="processing") | Q(started_at__isnull=False), name="task_started_when_processing"
            ),
            models.CheckConstraint(
                condition=Q(status="processing") | Q(lease_until=None, lane=""), name="task_lease_while_processing"
            ),
            models.CheckConstraint(condition=~Q(status="completed") | Q(progress=100), name="task_completed_at_100"),
            models.CheckConstraint(condition=~Q(status="failed") | ~Q(error=""), name="task_failed_says_why"),
            models.CheckConstraint(condition=Q(lane__in=["", "graph"]), name="task_lane_known"),
            models.CheckConstraint(
                condition=Q(done=None) | Q(total=None) | Q(done__lte=F("total")), name="task_done_within_total"
            ),
            models.UniqueConstraint(
                fields=["project"], condition=Q(status="processing", lane="graph"), name="task_one_graph_writer"
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(status__in=["pending", "processing"], kind="rebuild_communities"),
                name="task_one_rebuild",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def duration_seconds(self) -> float | None:
        """Seconds from its first start to its end; None while it runs or when it never started."""
        if self.started_at is None or self.finished_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds(), 3)


class TaskCheckpoint(models.Model):
    """What a running task has worked out already and would not like to pay for again: the next attempt begins with it.

    `number` counts the pieces of a stage. All of a task's go when it ends.
    """

    task = models.ForeignKey(TaskLog, models.CASCADE, related_name="checkpoints")
    stage = models.CharField(max_length=40)
    number = models.PositiveIntegerField(default=0)
    data = models.BinaryField()

    class Meta:
        ordering = ["task", "stage", "number"]
        constraints = [models.UniqueConstraint(fields=["task", "stage", "number"], name="task_checkpoint_place")]

    def __str__(self) -> str:
        return f"{self.stage} {self.number} of {self.task_id}"


class StagePace(models.Model):
    """How long a stage of a kind has taken lately per unit of work: what an ETA is reckoned from.

    `seconds_per_unit` is a moving average over the latest completed tasks, `samples` how many went into it.
    """

    kind = models.CharField(max_length=40)
    stage = models.CharField(max_length=40)
    seconds_per_unit = models.FloatField()
    samples = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["kind", "stage"]
        constraints = [models.UniqueConstraint(fields=["kind", "stage"], name="stage_pace_of_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.stage}: {self.seconds_per_unit:.4f} s"


class ProjectEventCounter(models.Model):
    """The last `project_seq` given out. A table of its own: its row lock is held only for the end of a transaction."""

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="event_counter")
    last_seq = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.last_seq)


class TaskEvent(models.Model):
    """One change of a task, written in the transaction of the change.

    `seq` counts the task's events, `project_seq` those of all the project's tasks, both 1, 2, 3, … without a gap.
    """

    class Type(models.TextChoices):
        PROGRESS = "progress"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    task = models.ForeignKey(TaskLog, models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    project_seq = models.PositiveBigIntegerField()
    type = models.CharField(max_length=10, choices=Type.choices)
    data = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["at"], name="task_event_age")]
        constraints = [
            models.UniqueConstraint(fields=["task", "seq"], name="task_event_place"),
            models.UniqueConstraint(fields=["project", "project_seq"], name="task_event_project_place"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.seq} of {self.task_id}"


class WorkerHeartbeat(models.Model):
    """The last sign of life of a worker or dispatcher process."""

    class Kind(models.TextChoices):
        WORKER = "worker"
        DISPATCHER = "dispatcher"

    name = models.CharField(max_length=255, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    detail = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["kind", "name"]

    def __str__(self) -> str:
        return self.name


class QueueSample(models.Model):
    """How many tasks waited and ran in a minute, of one project or (without a project) of all.

    The dispatcher writes them, and keeps those of a day. A minute without a row of all: no dispatcher was there.
    A project that had nothing to do has none.
    """

    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    pending = models.PositiveIntegerField()
    processing = models.PositiveIntegerField()

    class Meta:
        ordering = ["at"]
        indexes = [models.Index(fields=["at"], name="queue_sample_age")]
        constraints = [
            models.UniqueConstraint(fields=["project", "at"], name="queue_sample_of_project"),
            models.UniqueConstraint(fields=["at"], condition=Q(project=None), name="queue_sample_of_all"),
        ]

    def __str__(self) -> str:
        return f"{self.at}: {self.pending} waiting, {self.processing} running"


class CostTotal(models.Model):
    """What a project's tasks of a kind have cost, up to the CostMark; rows that are pruned stay counted."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="costs")
    kind = models.CharField(max_length=40)
    tasks = models.PositiveBigIntegerField(default=0)
    wall_seconds = models.FloatField(default=0)
    cpu_seconds = models.FloatField(default=0)
    peak_memory_mb = models.FloatField(default=0)
    llm_tokens = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["project", "kind"]
        constraints = [models.UniqueConstraint(fields=["project", "kind"], name="cost_total_of_kind")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.cpu_seconds:.0f} s"


class CostMark(models.Model):
    """One row: tasks that ended up to this moment are in the CostTotals."""

    counted_until = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.counted_until)
