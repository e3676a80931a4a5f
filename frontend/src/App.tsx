import { ControlRoom } from "./control/ControlRoom";
import { Layout } from "./layout/Layout";
import { ViewHeader } from "./layout/ViewHeader";
import { WORDS } from "./layout/words";
import { LangProvider, useLang } from "./locale/lang";
import { Link, Router, useRoute } from "./router";
import { OrdersView } from "./shop/OrdersView";
import { OrderView } from "./shop/OrderView";
import { SearchView } from "./shop/SearchView";

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
  if (path === "/") return <SearchView />;
  if (path === "/orders") return <OrdersView />;
  if (order) return <OrderView key={order} id={order} />;
  if (path === "/control") return <ControlRoom />;
  return <Lost />;
}

function Lost() {
  const words = WORDS[useLang()];
  return (
    <ViewHeader title={words.notFound}>
      <Link href="/">{words.notFoundHint}</Link>
    </ViewHeader>
  );
}
