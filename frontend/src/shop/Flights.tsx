export function Flights() {
  return <div />;
}
