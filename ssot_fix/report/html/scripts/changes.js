// Diffs: two sides are made of a unified diff when it is opened and comes into sight.

/** The lines of a diff, each a mark and pieces of text with whether they are stressed. */
const linesOf = (pre) => {
  const lines = [[]];
  for (const node of pre.childNodes) {
    const stressed = node.nodeType === Node.ELEMENT_NODE;
    node.textContent.split("\n").forEach((text, index) => {
      if (index) lines.push([]);
      if (text) lines.at(-1).push([text, stressed]);
    });
  }
  return lines.filter((line) => line.length).map(([[first], ...rest]) => [first[0], [[first.slice(1), false], ...rest]]);
};

/** The rows of a diff: what both sides show, or the text that stands above a hunk. */
const rowsOf = (pre) => {
  const rows = [];
  let [old, fresh, removed, added, last] = [0, 0, [], [], []];
  const flush = () => {
    for (let index = 0; index < Math.max(removed.length, added.length); index++)
      rows.push({ left: removed[index], right: added[index] });
    [removed, added] = [[], []];
  };
  for (const [mark, pieces] of linesOf(pre)) {
    if (mark === "\\") {
      for (const line of last) line.isLast = true;
      continue;
    }
    const text = pieces.map(([piece]) => piece).join("");
    if (mark !== "-" && mark !== "+") flush();
    if (mark === "@") {
      [old, fresh] = text.match(/-(\d+)\S* \+(\d+)/).slice(1).map(Number);
      rows.push({ header: mark + text });
      continue;
    }
    const left = mark !== "+" && { at: old++, mark, pieces };
    const right = mark !== "-" && { at: fresh++, mark, pieces };
    last = [left, right].filter(Boolean);
    if (mark === "-") removed.push(left);
    else if (mark === "+") added.push(right);
    else rows.push({ left, right });
  }
  flush();
  return rows;
};

const side = (line, name) => {
  if (!line) return [make("td", { className: "no" }), make("td", { className: "blank" })];
  const changed = line.mark === " " ? "same" : name;
  const code = make(line.mark === " " ? "span" : name);
  for (const [text, stressed] of line.pieces) code.append(stressed ? make("mark", {}, text) : text);
  const cell = make("td", { className: changed }, code);
  if (line.isLast) cell.append(make("span", { className: "muted" }, " (no newline at the end)"));
  const count = make("td", { className: "no" });
  count.dataset.line = line.at;
  return [count, cell];
};

const split = (pre) => {
  const rows = rowsOf(pre).map(({ header, left, right }) =>
    header
      ? make("tr", { className: "hunk" }, make("td", { colSpan: 4 }, header))
      : make("tr", {}, ...side(left, "del"), ...side(right, "ins")),
  );
  const heads = ["Line", "Before", "Line", "After"].map((text) => make("th", { scope: "col" }, text));
  const head = make("thead", { className: "unseen" }, make("tr", {}, ...heads));
  const widths = ["no", "", "no", ""].map((className) => make("col", { className }));
  return make("table", { className: "split" }, make("colgroup", {}, ...widths), head, make("tbody", {}, ...rows));
};

const build = (file) => {
  const pre = file.querySelector("pre");
  pre.before(split(pre));
  file.classList.add("built");
};

const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !target.open) continue;
      sight.unobserve(target);
      build(target);
    }
  },
  { rootMargin: "600px" },
);

const narrowed = (files, search, status) => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const file of files) {
    const path = file.querySelector(".path").textContent.toLowerCase();
    file.hidden = !words.every((word) => path.includes(word));
    shown += !file.hidden;
  }
  const total = number.format(files.length);
  status.textContent = shown < files.length ? `${number.format(shown)} of ${total} files` : `${total} files`;
};

for (const box of all(".changes")) {
  const files = all("details.file", box);
  const open = (state) => () => {
    for (const file of files) if (!file.hidden) file.open = state;
  };
  for (const file of files)
    file.addEventListener("toggle", () => {
      if (file.open && !file.classList.contains("built")) sight.observe(file);
    });
  const search = make("input", { type: "search", autocomplete: "off", spellcheck: false });
  const status = make("span", { className: "count" });
  status.setAttribute("role", "status");
  search.addEventListener("input", () => narrowed(files, search, status));
  const tools = box.querySelector(".tools");
  tools.append(labelled("Search paths", search, box.id), button("Expand all", open(true)), button("Collapse all", open(false)), status);
  tools.hidden = false;
  narrowed(files, search, status);
}
