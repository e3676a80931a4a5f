/** The saga of one order. */
export function WorkflowView({ orderId }: { orderId: string }) {
  return <p data-testid="workflow">{orderId}</p>;
}
