// Leaving the page would interrupt uploads: the browser asks first, and links open in a new tab.

export function connectLeaving(isUploading) {
  addEventListener("beforeunload", (event) => {
    if (!isUploading()) return;
    event.preventDefault();
    event.returnValue = true; // for browsers that ignore the line above
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]:not([download], [data-listing])");
    if (link) link.target = isUploading() ? "_blank" : "";
  });
}
