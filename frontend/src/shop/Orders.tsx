export function Orders() {
  return <div />;
}
