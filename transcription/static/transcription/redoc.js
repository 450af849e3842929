// ReDoc, in the colours of the site.

import { dark, place, readDocument } from "./documentation.js";

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
const TYPE = { fontFamily: FONT, headings: { fontFamily: FONT, fontWeight: "600" } };

const LIGHT = {
  colors: { primary: { main: "#235a8a" }, text: { primary: "#21201d", secondary: "#66635b" } },
  sidebar: { backgroundColor: "#f3f1ec", textColor: "#21201d" },
  typography: { ...TYPE, links: { color: "#235a8a" } },
};

const DARK = {
  colors: {
    primary: { main: "#8abcec" },
    success: { main: "#86d1a3" },
    warning: { main: "#eac06a" },
    error: { main: "#f19b91" },
    gray: { 50: "#2a2c30", 100: "#34363a" },
    text: { primary: "#e8e6e1", secondary: "#b5b2aa" },
    border: { dark: "#7d7f84", light: "#34363a" },
    responses: {
      success: { color: "#86d1a3", backgroundColor: "#1d3527" },
      error: { color: "#f19b91", backgroundColor: "#42221f" },
      redirect: { color: "#eac06a", backgroundColor: "#3a2f18" },
      info: { color: "#8abcec", backgroundColor: "#22374a" },
    },
  },
  schema: {
    linesColor: "#7d7f84",
    typeNameColor: "#b5b2aa",
    typeTitleColor: "#b5b2aa",
    nestedBackground: "#212326",
    arrow: { color: "#b5b2aa" },
  },
  sidebar: {
    backgroundColor: "#212326",
    textColor: "#e8e6e1",
    activeTextColor: "#8abcec",
    arrow: { color: "#e8e6e1" },
  },
  rightPanel: { backgroundColor: "#101113", textColor: "#e8e6e1" },
  codeBlock: { backgroundColor: "#1d1f21" },
  fab: { backgroundColor: "#34363a", color: "#8abcec" },
  typography: {
    ...TYPE,
    links: { color: "#8abcec", visited: "#8abcec", hover: "#b6d6f5" },
    code: { color: "#f19b91", backgroundColor: "#2a2c30" },
  },
};

// Its colours are set once.
dark.addEventListener("change", () => location.reload());

const theme = dark.matches ? DARK : LIGHT;
const options = { theme, downloadDefinitionUrl: place.dataset.document, nativeScrollbars: true };
Redoc.init(await readDocument(), options, place);
