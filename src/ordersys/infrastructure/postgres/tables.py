"""The database schema; Alembic compares the database with it. Comments give the reason for each design."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
MOMENT = DateTime(timezone=True)
NOW = func.now()
# Room for updated row versions on the same page: less WAL per update, and no index entry if no indexed column changes.
ROOM_FOR_UPDATES = {"fillfactor": "50"}

flights = Table(
    "flights",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("airline", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("origin", String(3), nullable=False),
    Column("destination", String(3), nullable=False),
    Column("departs_at", MOMENT, nullable=False),
    Column("arrives_at", MOMENT, nullable=False),
    Column("price_amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("seats_total", Integer, nullable=False),
    Column("seats_taken", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("seats_taken BETWEEN 0 AND seats_total", name="seats"),
    CheckConstraint("price_amount >= 0", name="price"),
    UniqueConstraint("number", "departs_at"),
    Index(None, "origin", "destination", "departs_at"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("payment_method", Text, nullable=False),
    Column("total_amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
    # Ids are UUIDv7, so id order is time order: one index serves the cursor list.
    Index(None, "customer_id", "id"),
    # For deadlines and the audit: the few orders without a final status.
    Index(
        "ix_orders_under_way",
        "created_at",
        postgresql_where=text("status IN ('CREATED', 'PAYMENT_AUTHORIZED', 'REFUND_PENDING')"),
    ),
)

order_items = Table(
    "order_items",
    metadata,
    Column("order_id", Uuid, ForeignKey("orders.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    # No foreign key to flights: placing an order locks the flight row, and the check would lock it again per item.
    Column("flight_id", Uuid, nullable=False),
    Column("seats", Integer, nullable=False),
    Column("unit_amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("order_id", "position"),
    CheckConstraint("seats > 0", name="seats"),
)

order_status_history = Table(
    "order_status_history",
    metadata,
    Column("order_id", Uuid, nullable=False),
    Column("id", BigInteger, Identity(), nullable=False),
    Column("from_status", Text),
    Column("to_status", Text, nullable=False),
    Column("reason", Text),
    Column("event_id", Uuid),
    Column("at", MOMENT, nullable=False),
    # An order reaches each status at most once: this key refuses a double effect.
    PrimaryKeyConstraint("order_id", "to_status"),
)

payments = Table(
    "payments",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("method", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("status", Text, nullable=False),
    Column("authorization_id", Text),
    Column("reason", Text),
    # The payment intent: due while next_attempt_at is set; claimed_until is the lease of the dispatcher that calls.
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", MOMENT),
    Column("claimed_by", Text),
    Column("claimed_until", MOMENT),
    Column("last_error", Text),
    Column("cause", JSONB, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
    Index("ix_payments_due", "next_attempt_at", postgresql_where=text("next_attempt_at IS NOT NULL")),
    postgresql_with=ROOM_FOR_UPDATES,
)

# Decisions of the demo gateway. A real gateway stores them elsewhere; only the simulator and the audit read them.
gateway_charges = Table(
    "gateway_charges",
    metadata,
    Column("key", Text, primary_key=True),
    Column("authorization_id", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("status", Text, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("created_at", MOMENT, nullable=False, server_default=NOW),
    postgresql_with=ROOM_FOR_UPDATES,
)

seat_maps = Table(
    "seat_maps",
    metadata,
    Column("flight_id", Uuid, primary_key=True),
    Column("next_seat", Integer, nullable=False, server_default=text("1")),
    Column("released", ARRAY(Integer), nullable=False, server_default=text("'{}'")),
)

ticket_numbers = Sequence("ticket_numbers", metadata=metadata)

tickets = Table(
    "tickets",
    metadata,
    Column("number", Text, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("ordinal", SmallInteger, nullable=False),
    Column("flight_id", Uuid, nullable=False),
    Column("seat_number", Integer, nullable=False),
    Column("seat", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("issued_at", MOMENT, nullable=False),
    UniqueConstraint("order_id", "ordinal"),
    Index("uq_tickets_seat", "flight_id", "seat_number", unique=True, postgresql_where=text("status = 'VALID'")),
)

# One row per paid or cancelled order, decided once: after a cancellation, a late payment gets no tickets.
ticketings = Table(
    "ticketings",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("status", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
)

# A queue: insert and delete only. Column names follow Debezium's outbox event router.
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", Uuid, nullable=False),
    Column("aggregatetype", Text, nullable=False),
    Column("aggregateid", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("occurred_at", MOMENT, nullable=False),
    Index(None, "aggregateid"),
    postgresql_with={"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "10000"},
)

# Failed attempts to publish a row of the outbox, kept apart so that the queue is never updated.
outbox_attempts = Table(
    "outbox_attempts",
    metadata,
    Column("outbox_id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", Uuid, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", MOMENT, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("parked_at", MOMENT),
    Index(None, "order_id"),
)

outbox_archive = Table(
    "outbox_archive",
    metadata,
    Column("id", BigInteger, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("aggregatetype", Text, nullable=False),
    Column("aggregateid", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("occurred_at", MOMENT, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("published_at", MOMENT, nullable=False),
    Index(None, "aggregateid"),
    postgresql_partition_by="RANGE (published_at)",
)

outbox_shards = Table(
    "outbox_shards",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("owner", Text),
    Column("token", BigInteger, nullable=False, server_default=text("0")),
    Column("leased_until", MOMENT, nullable=False, server_default=text("'-infinity'")),
)

outbox_workers = Table(
    "outbox_workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seen_at", MOMENT, nullable=False),
)

inbox_events = Table(
    "inbox_events",
    metadata,
    Column("consumer", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default=text("1")),
    Column("processed_at", MOMENT, nullable=False),
    PrimaryKeyConstraint("consumer", "event_id"),
    Index(None, "order_id"),
    Index("ix_inbox_events_processed_at", "processed_at", postgresql_using="brin"),
)

inbox_retries = Table(
    "inbox_retries",
    metadata,
    Column("consumer", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", JSONB, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("next_attempt_at", MOMENT, nullable=False),
    Column("error", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    # Queue order: later events of an order wait for its first.
    Column("id", BigInteger, Identity(always=True), nullable=False),
    PrimaryKeyConstraint("consumer", "event_id"),
    Index(None, "consumer", "next_attempt_at"),
    Index(None, "order_id"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("consumer", Text, nullable=False),
    # The ids are null if the record could not be decoded.
    Column("event_id", Uuid),
    Column("order_id", Uuid),
    Column("type", Text),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", JSONB, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("resolved_at", MOMENT),
    Column("resolved_by", Text),
    # A redelivered record must not become a second dead letter.
    UniqueConstraint("consumer", "topic", "partition", "offset"),
    Index(None, "order_id"),
    Index(None, "created_at"),
)

# Fault rates set by operators, which override the configuration; every role reads them about once a second.
chaos_rates = Table(
    "chaos_rates",
    metadata,
    Column("point", Text, primary_key=True),
    Column("rate", Double, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", MOMENT, nullable=False),
    CheckConstraint("rate BETWEEN 0 AND 1", name="rate"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("customer_id", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    PrimaryKeyConstraint("customer_id", "route", "key"),
    Index("ix_idempotency_keys_created_at", "created_at", postgresql_using="brin"),
)
