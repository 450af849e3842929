// The files of a drop, with those within folders.

// Resolves to the files; what cannot be read is left out. A file from a folder has relativePath.
export async function droppedFiles({ items, files }) {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return Array.from(files);
  const found = await Promise.all(entries.filter(Boolean).map(within));
  return found.flat();
}

async function within(entry) {
  if (entry.name.startsWith(".")) return []; // what systems put into folders for themselves
  if (entry.isFile) return asFile(entry);
  const found = await Promise.all((await listed(entry.createReader())).map(within));
  return found.flat();
}

async function asFile(entry) {
  try {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    file.relativePath = entry.fullPath;
    return [file];
  } catch {
    return [];
  }
}

// A reader gives some entries at a time, and an empty list at the end.
async function listed(reader) {
  const all = [];
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (some.length === 0) return all;
    all.push(...some);
  }
}
