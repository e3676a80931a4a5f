/** The operators' view. */
export function ControlRoom() {
  return <div data-testid="control" />;
}
