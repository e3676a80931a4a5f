import { useState } from "preact/hooks";

import type { Role } from "../api/session";
import { ViewHeader } from "../layout/ViewHeader";
import { money, moment, plural } from "../locale/format";
import { useLang, useTexts } from "../locale/lang";
import { ErrorNotice } from "../parts/ErrorNotice";
import { useRoute } from "../router";
import type { Workflow } from "../workflow/flow";
import { WorkflowView } from "../workflow/WorkflowView";
import { useFlightName } from "./FlightLine";
import { reasonWords, reversalOf } from "./order";
import { StatusMark } from "./StatusMark";
import { TEXTS } from "./texts";
import { CancelOrRefundForm } from "./CancelOrRefundForm";
import { useFlights } from "./useFlights";

type Order = Workflow["order"];

/** An order, what its owner can do with it, and its saga. */
export function OrderView({ id }: { id: string }) {
  const as = useRoute().query.get("as") === "operator" ? "operator" : "customer";
  const [order, setOrder] = useState<Order | null>(null);
  // A stream that came to its end is opened again when the order is moved on.
  const [turn, setTurn] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const texts = useTexts(TEXTS);
  if (error) {
    return (
      <>
        <ViewHeader title={texts.order} />
        <ErrorNotice error={error} />
      </>
    );
  }
  return (
    <>
      <Summary order={order} as={as} changed={() => setTurn((before) => before + 1)} />
      <WorkflowView orderId={id} turn={turn} onChange={(flow) => setOrder(flow.order)} onFail={setError} />
    </>
  );
}

interface Props {
  order: Order | null;
  as: Role;
  changed: () => void;
}

function Summary({ order, as, changed }: Props) {
  const texts = useTexts(TEXTS);
  const flights = useFlights(order?.items.map((item) => item.flight_id) ?? []);
  const name = useFlightName();
  const named = order?.items.map((item) => flights.get(item.flight_id)).filter((one) => one !== undefined) ?? [];
  const reversal = order && reversalOf(order);
  return (
    <section class="order-head card" aria-busy={order === null}>
      <ViewHeader title={named.map(name).join("; ") || texts.order}>{order && <Facts order={order} />}</ViewHeader>
      <p class="order-status" role="status">
        {order && <StatusMark status={order.status} />}
        {order?.reason && <span class="hint">{reasonWords(order.reason, texts.reasons)}</span>}
      </p>
      <Tickets tickets={order?.tickets ?? []} />
      {order && reversal && (
        <CancelOrRefundForm key={reversal} order={order} as={as} reversal={reversal} changed={changed} />
      )}
    </section>
  );
}

function Facts({ order }: { order: Order }) {
  const texts = useTexts(TEXTS);
  const lang = useLang();
  const seats = order.items.reduce((sum, item) => sum + item.seats, 0);
  return (
    <p class="hint">
      {plural(seats, lang, texts.seatForms)} · {money(order.total, lang)} · {texts.bought}{" "}
      {moment(order.created_at, lang)}
    </p>
  );
}

function Tickets({ tickets }: { tickets: Order["tickets"] }) {
  const texts = useTexts(TEXTS);
  return (
    <div class="order-tickets">
      {tickets.length > 0 && <h2 class="visually-hidden">{texts.tickets}</h2>}
      <ul>
        {tickets.map((ticket) => (
          <li key={ticket.number} class={ticket.status === "VALID" ? "ticket" : "ticket void"}>
            <strong>{ticket.seat}</strong> <span>{ticket.number}</span>{" "}
            <span class="hint">{texts.ticketStatus[ticket.status] ?? ticket.status}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
