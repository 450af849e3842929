// The files of a drop, including those in folders.

// Resolves to { files, unreadable }, the latter with the paths of unreadable files. A file from a
// folder has relativePath.
export async function droppedFiles({ items, files }) {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) {
    return { files: Array.from(files), unreadable: [] };
  }
  const unreadable = [];
  const found = await Promise.all(entries.filter(Boolean).map((one) => filesOf(one, unreadable)));
  return { files: found.flat(), unreadable };
}

async function filesOf(entry, unreadable) {
  try {
    return entry.isFile ? [await asFile(entry)] : await within(entry, unreadable);
  } catch {
    unreadable.push(entry.fullPath.slice(1));
    return [];
  }
}

async function within(folder, unreadable) {
  const entries = await listed(folder.createReader());
  const meant = entries.filter(({ name }) => !name.startsWith(".")); // hidden files of the system
  return (await Promise.all(meant.map((one) => filesOf(one, unreadable)))).flat();
}

// The path is part of an upload's identity: a single file has none, even beside folders.
async function asFile(entry) {
  const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
  if (entry.fullPath.lastIndexOf("/") > 0) file.relativePath = entry.fullPath;
  return file;
}

// A reader gives some entries at a time, and an empty list at the end.
async function listed(reader) {
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}
