import "./style/tokens.css";
import "./style/page.css";
import "./shop/shop.css";

import { render } from "preact";

import { App } from "./App";

render(<App />, document.getElementById("app")!);
