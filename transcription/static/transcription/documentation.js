// The OpenAPI document for the two pages that show it, under the name and version of this product.
// The document itself bears those of the API that it describes, which other programs know.

export const place = document.getElementById("documentation");
export const dark = matchMedia("(prefers-color-scheme: dark)");

export async function readDocument() {
  const response = await fetch(place.dataset.document);
  if (!response.ok) {
    place.textContent = `The description of the API could not be read (status ${response.status}).`;
    throw new Error(place.textContent);
  }
  const description = await response.json();
  description.info.title = place.dataset.title;
  description.info.version = place.dataset.version;
  return description;
}
