// The OpenAPI document for the two pages that show it, under the name and version of this product.
// The document itself has those of the API that it describes, which other programs expect.

import { getJSON } from "./api.js";

export const place = document.getElementById("documentation");
export const dark = matchMedia("(prefers-color-scheme: dark)");

export async function readDocument() {
  const description = await getJSON(place.dataset.document, { cache: "default" }).catch(explain);
  description.info.title = place.dataset.title;
  description.info.version = place.dataset.version;
  return description;
}

function explain(error) {
  place.textContent = `The API description couldn't be loaded. ${error.message}`;
  throw error;
}
