"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const told = document.getElementById("told");
  const number = new Intl.NumberFormat("en");
  const collator = new Intl.Collator("en", { numeric: true });

  /** An element. Text is always set as text: nothing that the page shows is ever read as HTML. */
  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  const button = (text, act) => {
    const made = make("button", { type: "button" }, text);
    made.addEventListener("click", act);
    return made;
  };

  const labelled = (text, control, id) => {
    control.id = `${id}-${text.toLowerCase().replaceAll(" ", "-")}`;
    return make("div", { className: "control" }, make("label", { htmlFor: control.id }, text), control);
  };

  // The theme: what the system asks for, until somebody decides. Nothing is stored.

  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const showTheme = () => (theme.textContent = isDark() ? "Light theme" : "Dark theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    showTheme();
  });
  dark.addEventListener("change", showTheme);
  showTheme();

  // Cells. A cell is a text, a number, or a list of [text, style, title].

  const SVG = "http://www.w3.org/2000/svg";
  const svg = (name, attributes, ...children) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  const bar = (percent) =>
    svg(
      "svg",
      { class: "track", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { width: parseFloat(percent), height: 4 }),
    );

  /** A text that may break where its style says so: paths behind slashes, dotted names behind dots. */
  const breaking = (text, style) => {
    const ends = style.startsWith("path") ? /(?<=\/)/ : style.startsWith("code") ? /(?<=[.:])/ : null;
    return ends ? text.split(ends).flatMap((step) => [step, make("wbr")]) : [text];
  };

  const fill = (element, cell) => {
    if (typeof cell === "number") element.append(number.format(cell));
    else if (typeof cell === "string") element.append(...breaking(cell, element.className));
    else
      for (const [text, style, title] of cell) {
        if (style === "bar") element.append(bar(text));
        const part = make("span", { className: style, title });
        if (style === "prose")
          part.append(...text.split("`").map((piece, index) => (index % 2 ? make("code", {}, piece) : piece)));
        else part.append(...breaking(text, style));
        element.append(part, " ");
      }
    return element;
  };

  const texts = (cell) => (typeof cell === "object" ? cell.map(([text]) => text) : [String(cell)]);

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
      const cell = make("td", { colSpan: this.columns.length });
      for (const [heading, lines] of this.details[row])
        cell.append(
          make("p", {}, lines.length > 1 ? `${heading} (${number.format(lines.length)})` : heading),
          make("ul", {}, ...lines.map((index) => fill(make("li"), this.pool[index]))),
        );
      return make("tr", { className: "details" }, cell);
    }
  }

  const explorers = new Map(all(".explorer").map((box) => [box.id, new Explorer(box)]));

  for (const link of all("a[data-filter]"))
    link.addEventListener("click", () => {
      explorers.get(link.hash.slice(1))?.filter(link.dataset.filter, link.dataset.value);
    });

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

  // The charts: one commit at a time is told in all of them.

  const timeline = document.querySelector(".timeline");
  if (timeline) {
    const { charts, commits } = JSON.parse(document.getElementById("chart-data").textContent);
    const figures = all(".charts figure");
    const slider = timeline.querySelector("input");
    const totals = figures.map((figure) => figure.querySelector(".value").textContent);

    const point = (index) => {
      slider.value = String(index);
      const parts = figures.map((figure, which) => {
        const dot = charts[which][index];
        const [line, circle] = all(".cursor", figure);
        for (const mark of [line, circle]) mark.setAttribute("visibility", dot ? "visible" : "hidden");
        figure.querySelector(".value").textContent = dot ? number.format(dot[2]) : "not known";
        if (!dot) return "";
        line.setAttribute("x1", dot[0]);
        line.setAttribute("x2", dot[0]);
        circle.setAttribute("cx", dot[0]);
        circle.setAttribute("cy", dot[1]);
        return `${figure.dataset.title} ${number.format(dot[2])}`;
      });
      timeline.querySelector("output").textContent = commits[index];
      slider.setAttribute("aria-valuetext", [commits[index], ...parts.filter(Boolean)].join("; "));
    };
    const leave = () => {
      figures.forEach((figure, which) => {
        figure.querySelector(".value").textContent = totals[which];
        for (const mark of all(".cursor", figure)) mark.setAttribute("visibility", "hidden");
      });
      timeline.querySelector("output").textContent = "";
      slider.value = slider.max;
    };
    figures.forEach((figure) => {
      const drawn = figure.querySelector("svg");
      drawn.addEventListener("pointermove", ({ clientX }) => {
        const { left, width } = drawn.getBoundingClientRect();
        const x = ((clientX - left) / width) * 320;
        const share = (x - 44) / (308 - 44);
        point(Math.round(Math.min(1, Math.max(0, share)) * (commits.length - 1)));
      });
      drawn.addEventListener("pointerleave", leave);
    });
    slider.addEventListener("input", () => point(Number(slider.value)));
    slider.addEventListener("focus", () => point(Number(slider.value)));
    slider.addEventListener("blur", leave);
    timeline.hidden = false;
  }

  // Commands to be copied.

  for (const copy of all("button.copy")) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      const code = copy.previousElementSibling;
      try {
        await navigator.clipboard.writeText(code.textContent);
        told.textContent = copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code); // not allowed here: it can be copied by hand
        told.textContent = "Selected, to be copied";
      }
    });
  }

  // Where one is, in the contents.

  const links = new Map(all("nav[aria-label=Contents] a").map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        const link = links.get(target.id);
        link?.setAttribute("aria-current", "true");
        link?.closest("ol").scrollTo({ left: link.offsetLeft - 16 });
      }
    },
    { rootMargin: "-15% 0px -75%" },
  );
  for (const section of all("main > section")) seen.observe(section);

  // On paper: more rows than on a screen, and what is folded but short.

  const PRINTED = 200;
  addEventListener("beforeprint", () => {
    for (const explorer of explorers.values()) explorer.show(PRINTED);
    for (const fold of all("details.fold:not([open])")) {
      fold.open = true;
      fold.dataset.printed = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const explorer of explorers.values()) explorer.show();
    for (const fold of all("details.fold[data-printed]")) {
      fold.open = false;
      delete fold.dataset.printed;
    }
  });
})();
