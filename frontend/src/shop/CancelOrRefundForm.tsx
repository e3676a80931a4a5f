import { useId, useState } from "preact/hooks";

import type { Role } from "../api/session";
import { useTexts } from "../locale/lang";
import { ErrorNotice } from "../parts/ErrorNotice";
import { cancelOrder, refundOrder } from "./calls";
import type { Reversal } from "./order";
import type { Order } from "./purchase";
import { TEXTS } from "./texts";

interface Props {
  order: Pick<Order, "id">;
  as: Role;
  reversal: Reversal;
  changed: () => void;
}

/** Cancels or refunds an order, after a confirmation. */
export function CancelOrRefundForm({ order, as, reversal, changed }: Props) {
  const texts = useTexts(TEXTS);
  const [isOpen, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [reason, setReason] = useState(texts.reasonText);
  const field = useId();
  const act = reversal === "cancel" ? cancelOrder : refundOrder;
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await act(order.id, reason.trim(), as);
      setOpen(false);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
      changed();
    }
  };
  if (!isOpen) {
    return (
      <div class="reversal">
        <button type="button" onClick={() => setOpen(true)}>
          {reversal === "cancel" ? texts.cancel : texts.refund}
        </button>
      </div>
    );
  }
  const title = reversal === "cancel" ? texts.cancelTitle : texts.refundTitle;
  return (
    <form class="reversal" aria-label={title} onSubmit={submit}>
      <p>{reversal === "cancel" ? texts.cancelWhat : texts.refundWhat}</p>
      <label for={field}>{texts.reason}</label>
      <input
        id={field}
        required
        maxLength={200}
        pattern=".*\S.*"
        value={reason}
        onInput={(event) => setReason(event.currentTarget.value)}
      />
      <p class="row">
        <button type="submit" class="primary" disabled={busy}>
          {reversal === "cancel" ? texts.doCancel : texts.doRefund}
        </button>
        <button type="button" disabled={busy} onClick={() => setOpen(false)}>
          {texts.keep}
        </button>
      </p>
      <ErrorNotice error={error} />
    </form>
  );
}
