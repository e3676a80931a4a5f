import { ControlRoom } from "./control/ControlRoom";
import { Layout } from "./layout/Layout";
import { Titled } from "./layout/Titled";
import { WORDS } from "./layout/words";
import { LangProvider, useLang } from "./locale/lang";
import { Link, Router, useRoute } from "./router";
import { Flights } from "./shop/Flights";
import { Order } from "./shop/Order";
import { Orders } from "./shop/Orders";

export function App() {
  return (
    <LangProvider>
      <Router>
        <Layout>
          <View />
        </Layout>
      </Router>
    </LangProvider>
  );
}

function View() {
  const { path } = useRoute();
  const order = /^\/orders\/([0-9a-fA-F-]{36})$/.exec(path)?.[1];
  if (path === "/") return <Flights />;
  if (path === "/orders") return <Orders />;
  if (order) return <Order key={order} orderId={order} />;
  if (path === "/control") return <ControlRoom />;
  return <Lost />;
}

function Lost() {
  const words = WORDS[useLang()];
  return (
    <Titled title={words.lost}>
      <Link href="/">{words.lostHint}</Link>
    </Titled>
  );
}
