import { WorkflowView } from "../workflow/WorkflowView";

export function Order({ orderId }: { orderId: string }) {
  return <WorkflowView orderId={orderId} />;
}
