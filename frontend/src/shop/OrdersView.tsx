import { useState } from "preact/hooks";

import { session } from "../api";
import { moment, money, plural } from "../locale/format";
import { useLang, useTexts } from "../locale/lang";
import { ViewHeader } from "../layout/ViewHeader";
import { usePolled } from "../parts/polled";
import { ErrorNotice } from "../parts/ErrorNotice";
import { Link } from "../router";
import { listOrders } from "./calls";
import { useFlightName } from "./FlightLine";
import { isUnderWay } from "./order";
import { clearPurchases, type Order } from "./purchase";
import { StatusMark } from "./StatusMark";
import { TEXTS } from "./texts";
import { useFlights } from "./useFlights";

const LOOK_MS = 2000;
const CALM_MS = 15_000;

export function OrdersView() {
  const texts = useTexts(TEXTS);
  const [visitor, setVisitor] = useState(0);
  const become = () => {
    session.forget("customer");
    clearPurchases();
    setVisitor(visitor + 1);
  };
  return (
    <section>
      <ViewHeader title={texts.orders} />
      <OrderList key={visitor} visitor={visitor} become={become} />
    </section>
  );
}

function OrderList({ visitor, become }: { visitor: number; become: () => void }) {
  const texts = useTexts(TEXTS);
  const [moving, setMoving] = useState(true);
  const [older, setOlder] = useState<readonly Order[]>([]);
  const [next, setNext] = useState<string | null | undefined>(undefined);
  const [failed, setFailed] = useState<unknown>(null);
  const newest = usePolled(
    `orders ${visitor}`,
    async (signal) => {
      const page = await listOrders(null, signal);
      setMoving(page.items.some(isUnderWay));
      return page;
    },
    moving ? LOOK_MS : CALM_MS,
  );
  const cursor = next === undefined ? (newest.value?.next_cursor ?? null) : next;
  const more = async () => {
    try {
      const page = await listOrders(cursor);
      setOlder((before) => [...before, ...page.items]);
      setNext(page.next_cursor ?? null);
      setFailed(null);
    } catch (error) {
      setFailed(error);
    }
  };
  const first = newest.value?.items ?? [];
  const orders = [...first, ...older.filter((one) => !first.some((other) => other.id === one.id))];
  return (
    <>
      <p class="hint">
        {texts.youAre(session.user("customer") ?? "…")}{" "}
        <button type="button" class="plain" onClick={become}>
          {texts.another}
        </button>
      </p>
      <ErrorNotice error={newest.error} retry={newest.refresh} />
      {newest.value === null && newest.error === null && <Skeleton />}
      {newest.value && orders.length === 0 && <NoOrders />}
      <Rows orders={orders} />
      <ErrorNotice error={failed} />
      {cursor !== null && (
        <button type="button" onClick={more}>
          {texts.more}
        </button>
      )}
    </>
  );
}

function NoOrders() {
  const texts = useTexts(TEXTS);
  return (
    <div class="card">
      <p>{texts.noOrders}</p>
      <Link href="/">{texts.toFlights}</Link>
    </div>
  );
}

function Rows({ orders }: { orders: readonly Order[] }) {
  const flights = useFlights(orders.flatMap((order) => order.items.map((item) => item.flight_id)));
  const name = useFlightName();
  return (
    <ul class="orders">
      {orders.map((order) => {
        const named = order.items.map((item) => flights.get(item.flight_id)).filter((one) => one !== undefined);
        return <Row key={order.id} order={order} name={named.map(name).join("; ") || "…"} />;
      })}
    </ul>
  );
}

function Row({ order, name }: { order: Order; name: string }) {
  const texts = useTexts(TEXTS);
  const lang = useLang();
  const seats = order.items.reduce((sum, item) => sum + item.seats, 0);
  return (
    <li>
      <Link class="order-row card" href={`/orders/${order.id}`}>
        <span class="order-name">{name}</span>
        <StatusMark status={order.status} />
        <span class="hint">
          {plural(seats, lang, texts.seatForms)} · {money(order.total, lang)} · {moment(order.created_at, lang)}
        </span>
      </Link>
    </li>
  );
}

function Skeleton() {
  return (
    <div class="orders" aria-hidden="true">
      <div class="order-row skeleton" />
      <div class="order-row skeleton" />
    </div>
  );
}
