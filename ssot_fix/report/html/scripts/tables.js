// Tables: one part of the rows is in the document at any time.

class Explorer {
  constructor(box) {
    Object.assign(this, JSON.parse(box.querySelector("script").textContent));
    this.box = box;
    this.table = box.querySelector("table");
    this.body = this.table.tBodies[0];
    this.all = this.rows.map((_, index) => index);
    this.found = this.all;
    this.at = 0;
    this.words = [];
    this.sorted = null;
    this.selects = new Map();
    this.opened = new Set();
    this.status = make("span", { className: "count" });
    this.status.setAttribute("role", "status");
    box.querySelector(".fallback")?.remove();
    if (this.rows.length > 5) this.control();
    this.columns.forEach((column, index) => this.sortable(index));
    this.show();
  }

  cell(row, column) {
    return this.pool[this.rows[row][column]];
  }

  /** The controls above the table, and those below where it has several parts. */
  control() {
    const tools = this.box.querySelector(".tools");
    this.search = make("input", { type: "search", autocomplete: "off", spellcheck: false });
    this.search.addEventListener("input", () => this.narrow());
    tools.append(labelled("Search", this.search, this.box.id));
    this.columns.forEach((column, index) => column.filter && this.choose(tools, column, index));
    this.reset = button("Clear", () => {
      this.clear();
      this.search.focus(); // the button has nothing left to do
    });
    tools.append(this.reset, this.status);
    tools.hidden = false;
    if (this.rows.length <= this.page) return;
    this.before = button("Previous", () => this.turn(-1));
    this.behind = button("Next", () => this.turn(1));
    this.where = make("span");
    const pages = make("nav", { className: "pages" }, this.before, this.where, this.behind);
    pages.setAttribute("aria-label", `Pages: ${this.table.caption.textContent}`);
    this.box.append(pages);
  }

  choose(tools, column, index) {
    const counts = new Map();
    for (const row of this.all)
      for (const text of new Set(texts(this.cell(row, index)))) counts.set(text, (counts.get(text) ?? 0) + 1);
    if (counts.size < 2) return;
    const rank = (text) => (column.order.includes(text) ? column.order.indexOf(text) : column.order.length);
    const names = [...counts.keys()].sort((a, b) => rank(a) - rank(b) || collator.compare(a, b));
    const select = make("select", {}, make("option", { value: "all" }, "All"));
    names.forEach((text, place) =>
      select.append(make("option", { value: String(place) }, `${text || "none"} (${number.format(counts.get(text))})`)),
    );
    select.addEventListener("change", () => this.narrow());
    this.selects.set(index, { select, names });
    tools.append(labelled(column.title, select, this.box.id));
  }

  /** Set one filter, and no other. */
  filter(title, value) {
    const found = [...this.selects].find(([index]) => this.columns[index].title === title);
    if (!found) return;
    const [, { select, names }] = found;
    this.clear(false);
    if (names.includes(value)) select.value = String(names.indexOf(value));
    this.narrow();
  }

  clear(shows = true) {
    this.search.value = "";
    for (const { select } of this.selects.values()) select.value = "all";
    if (shows) this.narrow();
  }

  text(row) {
    const known = this.words[row];
    if (known !== undefined) return known;
    const more = (this.details[row] ?? []).flatMap(([, lines]) => lines);
    const cells = [...this.rows[row], ...more].map((index) => texts(this.pool[index]).join(" "));
    return (this.words[row] = cells.join("\n").toLowerCase());
  }

  /** Find the rows that the controls ask for. */
  narrow() {
    const wanted = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const asked = [...this.selects].filter(([, { select }]) => select.value !== "all");
    const fits = (row) =>
      asked.every(([column, { select, names }]) => texts(this.cell(row, column)).includes(names[select.value])) &&
      wanted.every((word) => this.text(row).includes(word));
    this.found = asked.length || wanted.length ? this.all.filter(fits) : this.all;
    this.at = 0;
    this.show();
  }

  sortable(index) {
    const head = this.table.tHead.rows[0].cells[index];
    const title = head.textContent;
    head.replaceChildren(button(title, () => this.sort(index)));
  }

  sort(index) {
    const heads = this.table.tHead.rows[0].cells;
    const falling = heads[index].getAttribute("aria-sort") === "ascending";
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[index].setAttribute("aria-sort", falling ? "descending" : "ascending");
    const { order } = this.columns[index];
    const key = (row) => {
      const cell = this.cell(row, index);
      if (typeof cell === "number") return cell;
      const [text] = texts(cell);
      return order.includes(text) ? order.indexOf(text) : (text ?? "");
    };
    const keys = this.rows.map((_, row) => key(row));
    const compare = (a, b) => {
      const [one, other] = [keys[a], keys[b]];
      if (typeof one === "number" && typeof other === "number") return one - other;
      return collator.compare(String(one), String(other));
    };
    const sign = falling ? -1 : 1;
    this.all = this.all.slice().sort((a, b) => sign * compare(a, b) || a - b);
    const kept = new Set(this.found);
    this.found = this.all.filter((row) => kept.has(row));
    this.at = 0;
    this.show();
  }

  turn(pages) {
    this.at += pages * this.page;
    this.show();
    if (this.before.disabled) this.behind.focus();
    if (this.behind.disabled) this.before.focus();
    this.box.scrollIntoView({ block: "start" });
  }

  show(size = this.page) {
    const end = Math.min(this.at + size, this.found.length);
    const none = make("tr", { className: "empty" }, make("td", { colSpan: this.columns.length }, "Nothing matches."));
    this.body.replaceChildren(...(end ? this.found.slice(this.at, end).flatMap((row) => this.line(row)) : [none]));
    const [found, total] = [this.found.length, this.rows.length].map((count) => number.format(count));
    this.status.textContent = this.found.length < this.rows.length ? `${found} of ${total} ${this.things}` : `${total} ${this.things}`;
    if (this.reset) this.reset.disabled = this.found === this.all && !this.search.value;
    if (!this.before) return;
    this.before.disabled = this.at === 0;
    this.behind.disabled = end === this.found.length;
    this.where.textContent = end ? `${number.format(this.at + 1)} to ${number.format(end)} of ${found}` : "";
  }

  /** The row, and the one that holds its details if they are open. */
  line(row) {
    const cells = this.columns.map((column, index) => {
      const cell = make(index ? "td" : "th", { className: column.style });
      if (!index) cell.scope = "row";
      return fill(cell, this.cell(row, index));
    });
    const line = make("tr", {}, ...cells);
    if (!this.details[row]) return [line];
    const toggle = button("", () => {
      if (!this.opened.delete(row)) this.opened.add(row);
      toggle.setAttribute("aria-expanded", String(this.opened.has(row)));
      if (this.opened.has(row)) line.after(this.more(row));
      else line.nextElementSibling.remove();
    });
    toggle.className = "more";
    toggle.setAttribute("aria-expanded", String(this.opened.has(row)));
    toggle.setAttribute("aria-label", `Details: ${cells[0].textContent.trim()}, ${cells[1].textContent.trim()}`);
    cells[0].prepend(toggle);
    return this.opened.has(row) ? [line, this.more(row)] : [line];
  }

  more(row) {
    const seen = make("div"); // as wide as what is seen of the table, however wide that is
    for (const [heading, lines] of this.details[row])
      seen.append(
        make("p", {}, lines.length > 1 ? `${heading} (${number.format(lines.length)})` : heading),
        make("ul", lines.length > 10 ? { tabIndex: 0 } : {}, ...lines.map((index) => fill(make("li"), this.pool[index]))),
      );
    const cell = make("td", { colSpan: this.columns.length }, seen);
    return make("tr", { className: "details" }, cell);
  }
}

const explorers = new Map(all(".explorer").map((box) => [box.id, new Explorer(box)]));

for (const link of all("a[data-filter]"))
  link.addEventListener("click", () => {
    explorers.get(link.hash.slice(1))?.filter(link.dataset.filter, link.dataset.value);
  });
